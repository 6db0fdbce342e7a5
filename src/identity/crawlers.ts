/** The known crawlers: name, operator and purpose, and the search for their tokens in a User-Agent. */
import type { CrawlerClass } from './crawlers/class.ts'
import { LISTED } from './crawlers/listed.ts'
import { ANYONES, type CrawlerRow, OURS } from './crawlers/ours.ts'

export { CATEGORIES, CRAWLER_CLASSES, type CrawlerClass } from './crawlers/class.ts'

/** A known crawler. */
export type Crawler = {
  /** The token it sends in its User-Agent, in its operator's spelling. */
  name: string
  /** Absent where we know none. */
  operator?: string
  class: CrawlerClass
  /** Software that anyone runs: no network can prove or refute its name. */
  shared: boolean
}

/** The name of a crawler in the table, in its operator's spelling. */
export type CrawlerName = (typeof OURS)[number][0] | (typeof LISTED)[keyof typeof LISTED][number]

const byToken = new Map<string, Crawler>()
for (const [name, operator, crawlerClass, ...aliases] of OURS as readonly CrawlerRow[]) {
  const crawler = { name, ...(operator && { operator }), class: crawlerClass, shared: operator === null }
  for (const token of [name, ...aliases]) byToken.set(token.toLowerCase(), crawler)
}
for (const [crawlerClass, names] of Object.entries(LISTED) as [CrawlerClass, readonly string[]][])
  for (const name of names)
    byToken.set(name.toLowerCase(), { name, class: crawlerClass, shared: ANYONES.has(name) })

/** Every crawler known by name. A claim in a User-Agent, not a proof. */
export const crawlers: readonly Crawler[] = [...new Set(byToken.values())]

/** Tokens for robots.txt only, and the crawler that fetches for them. No request carries such a token. */
export const robotsOnly: ReadonlyMap<string, string> = new Map([
  ['google-extended', 'Googlebot'],
  ['applebot-extended', 'Applebot'],
])

/** The crawlers that sign their requests, by the host of their verified `Signature-Agent`. */
const SIGNERS: ReadonlyMap<string, CrawlerName> = new Map([
  ['chatgpt.com', 'ChatGPT-User'],
  ['agent.bot.goog', 'Google-Agent'],
])

/** The tokens with blanks, by their first word. */
const PHRASES = new Map<string, string[]>()
/** The lengths of tokens by their first character: one bit each, so that most words need no look-up. */
const LENGTHS = new Uint32Array(128)
for (const token of byToken.keys()) {
  const [first = '', ...more] = token.split(' ')
  if (more.length > 0) PHRASES.set(first, [...(PHRASES.get(first) ?? []), token])
  const start = first.charCodeAt(0)
  LENGTHS[start] = (LENGTHS[start] ?? 0) | bit(first.length)
}

/**
 * Finds the first known crawler in a User-Agent, in any case, by whole tokens of letters, digits and `._-`: `Diffbot` is not
 * in `Diffbot-User`. Tokens in addresses do not count, nor those after "like", with which a client compares itself.
 */
export function findCrawler(userAgent: string): Crawler | undefined {
  const text = userAgent.toLowerCase()
  const { length } = text
  for (let at = 0; at < length; at++) {
    const start = at
    while (at < length && isWordCharacter(text.charCodeAt(at))) at++
    if (at === start) continue
    let end = at
    let found = crawlerAt(text, start, end)
    while (!found && end > start && isPunctuation(text.charCodeAt(end - 1)))
      found = crawlerAt(text, start, --end)
    if (found && !text.endsWith('like ', start) && !isAddress(text, start, at)) return found
  }
  return undefined
}

/** The crawler of this name, in any case. */
export function crawlerNamed(name: string): Crawler | undefined {
  return byToken.get(name.toLowerCase())
}

/** The crawler that signs as this host; undefined for hosts that we do not know. */
export function crawlerOfSigner(host: string): Crawler | undefined {
  const name = SIGNERS.get(host)
  return name === undefined ? undefined : crawlerNamed(name)
}

function crawlerAt(text: string, start: number, end: number): Crawler | undefined {
  if (((LENGTHS[text.charCodeAt(start)] ?? 0) & bit(end - start)) === 0) return undefined
  const word = text.slice(start, end)
  return byToken.get(word) ?? phraseAt(text, word, start)
}

function phraseAt(text: string, word: string, at: number): Crawler | undefined {
  const phrase = PHRASES.get(word)?.find(
    (token) => text.startsWith(token, at) && !/[a-z0-9-]/.test(text[at + token.length] ?? ''),
  )
  return phrase === undefined ? undefined : byToken.get(phrase)
}

/** Lengths above 31 share one bit. */
function bit(length: number): number {
  return 1 << (length < 31 ? length : 31)
}

function isWordCharacter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 45 && code <= 57 && code !== 47) || code === 95
}

function isPunctuation(code: number): boolean {
  return code === 45 || code === 46 || code === 95
}

/** Whether a token is part of a URL's path or of a mail address. */
function isAddress(text: string, start: number, end: number): boolean {
  const before = text[start - 1]
  return before === '/' || before === '@' || text[end] === '@'
}
