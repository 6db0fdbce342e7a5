/** Makes src/identity/crawlers/listed.ts from the package crawler-user-agents. */
import agents from 'crawler-user-agents'
import { CRAWLER_CLASSES, type CrawlerClass } from '../../../src/identity/crawlers/class.ts'

/** One entry of the package: a pattern, and User-Agents that it matches. */
export type Entry = { pattern: string; instances: readonly string[]; tags?: readonly string[] }

/** The package's entries. */
export const entries: readonly Entry[] = agents

/** The tags by class. An entry with several tags has the class of the first in this order. */
const TAGS: ReadonlyMap<string, CrawlerClass> = new Map([
  ['ai-crawler', 'training'],
  ['search-engine', 'search'],
  ['social-preview', 'preview'],
  ['feed-reader', 'feed'],
  ['advertising', 'ads'],
  ['archiver', 'archive'],
  ['academic', 'archive'],
  ['monitoring', 'monitor'],
  ['seo', 'seo'],
])

/** The class of an entry's tags. */
export function classOf({ tags = [] }: Entry): CrawlerClass {
  for (const [tag, crawlerClass] of TAGS) if (tags.includes(tag)) return crawlerClass
  return 'other'
}

/** The plain name that an entry's pattern matches: without escapes and the slash before a version. */
export function nameOf({ pattern }: Entry): string {
  return pattern.replace(/\\(.)/g, '$1').replace(/\/$/, '')
}

/** The entry of a name, in any case. */
export function entryOf(name: string): Entry | undefined {
  return entries.find((entry) => nameOf(entry).toLowerCase() === name.toLowerCase())
}

/** The text of listed.ts. */
export function listing(names: readonly string[]): string {
  const byClass = CRAWLER_CLASSES.map((crawlerClass) => {
    const these = names.filter((name) => {
      const entry = entryOf(name)
      if (!entry) throw new Error(`crawler-user-agents must list ${name}`)
      return classOf(entry) === crawlerClass
    })
    const rows = these.toSorted((one, other) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1))
    return [crawlerClass, rows.map((name) => `'${name}'`)] as const
  })
  const classes = byClass.filter(([, rows]) => rows.length > 0).map(([name, rows]) => listed(name, rows))
  return `${HEAD}export const LISTED = {\n${classes.join('')}} as const\n`
}

/** One class as the formatter writes it. */
function listed(name: CrawlerClass, rows: readonly string[]): string {
  const line = `  ${name}: [${rows.join(', ')}],\n`
  return line.length <= LINE_CHARS + 1
    ? line
    : `  ${name}: [\n${rows.map((row) => `    ${row},\n`).join('')}  ],\n`
}

const LINE_CHARS = 110

const HEAD = `/**
 * Generated: \`npx vitest run --project unit test/identity/crawlers --update\` writes this file. Do not edit it.
 *
 * Tokens of crawlers that sites see often, by class, from the tags of crawler-user-agents (MIT, github.com/monperrus). The
 * names to list are in test/identity/crawlers/seen.ts; a row in ours.ts goes before a tag.
 */

/** The tokens by class. */
`
