/** Drafts rules from a robots.txt, as TOML for `wrangler.toml`. Pure. */
import * as v from 'valibot'
import { RULE_EXPECTED, rule } from '../config/rule/index.ts'
import { robotsOnly } from '../identity/crawlers.ts'
import { problemsOf } from '../platform/problem.ts'
import type { Robots, RobotsGroup, RobotsRule } from '../protocol/http/robots.ts'

/** The action for what a robots.txt forbids. */
export type Forbidden = 'block' | 'charge'

/** A draft, and how much of the file it states. */
export type RobotsDraft = { toml: string; rules: number; comments: number }

type Draft = { lines: string[]; rules: number; comments: number }
/** A robots pattern as patterns of rules; a sentence where there are none. */
type Read = { paths: (string | undefined)[] } | { problem: string }

/**
 * Drafts rules that decide as the file does: a longer pattern comes first, since the longest match wins in robots.txt and the
 * first one in RULES. Crawlers with the same rules share them. Comments state what rules cannot say.
 */
export function draftRules(robots: Robots, source: string, forbidden: Forbidden): RobotsDraft {
  const draft: Draft = { lines: [], rules: 0, comments: 0 }
  draft.lines.push(
    `# Drafted from ${oneLine(source)} by tab402 import-robots. Add it to [vars], then run tab402 check-config.`,
    forbidden === 'block'
      ? '# Disallow became "block". Where crawlers may buy what robots.txt forbids, write "charge".'
      : '# Disallow became "charge": crawlers may buy what robots.txt forbids.',
    '# Allow became "allow", without a query. Paths that no line names keep PRESET and PRICE.',
  )
  if (robots.isCut) comment(draft, 'The file is longer than 500 KiB. The rest was not read.')
  for (const [name, value] of robots.others) comment(draft, `not stated by a rule: ${name}: ${value}`)
  const everybody = robots.groups.filter(({ agent }) => agent === '*')
  const named = robots.groups.filter(({ agent }) => agent !== '*')
  for (const groups of sameRules(named)) draftGroups(draft, groups, forbidden)
  for (const group of everybody) draftEverybody(draft, group, named, forbidden)
  if (robots.sitemaps.length > 0)
    comment(draft, `Sitemaps in the file: ${robots.sitemaps.length}. SITEMAP states which paths are free.`)
  return {
    toml: `${draft.lines.join('\n').replace(/\n{3,}/g, '\n\n')}\n`,
    rules: draft.rules,
    comments: draft.comments,
  }
}

/** Groups with equal rules together, in order of the first of them. */
function sameRules(groups: readonly RobotsGroup[]): RobotsGroup[][] {
  const byRules = new Map<string, RobotsGroup[]>()
  for (const group of groups) {
    const key = JSON.stringify([group.rules, group.others])
    byRules.set(key, [...(byRules.get(key) ?? []), group])
  }
  return [...byRules.values()]
}

function draftGroups(draft: Draft, groups: readonly RobotsGroup[], forbidden: Forbidden): void {
  const who: string[] = []
  const problems: string[] = []
  for (const { agent } of groups) {
    const fetcher = robotsOnly.get(agent.toLowerCase())
    const word = [agent, `agent:${agent}`].find((word) => problemOf({ who: word }) === undefined)
    if (fetcher) problems.push(`${agent}: only robots.txt has this name. ${fetcher} sends the requests`)
    else if (word === undefined) problems.push(`${agent}: the name ${problemOf({ who: `agent:${agent}` })}`)
    else who.push(word)
  }
  draft.lines.push('')
  for (const problem of problems) comment(draft, problem)
  const { rules = [], others = [] } = groups[0] ?? {}
  for (const [name, value] of others)
    comment(draft, `not stated by a rule: ${name}: ${value} (${groups.map(({ agent }) => agent).join(', ')})`)
  if (who.length === 0) return
  if (rules.length === 0) comment(draft, `${who.join(', ')}: nothing is forbidden`)
  for (const written of ordered(rules)) draftRule(draft, written, who, forbidden)
  // robots.txt gives a crawler one group; rules for everybody follow here.
  if (rules.length > 0 && !rules.some(({ pattern }) => isWhole(pattern)))
    comment(
      draft,
      `robots.txt applies nothing else to ${who.join(', ')}. Here the rules for all crawlers follow.`,
    )
}

function draftEverybody(
  draft: Draft,
  { rules, others }: RobotsGroup,
  named: readonly RobotsGroup[],
  forbidden: Forbidden,
): void {
  draft.lines.push('', `# ${named.length > 0 ? 'All other crawlers' : 'All crawlers'}`)
  for (const [name, value] of others) comment(draft, `not stated by a rule: ${name}: ${value}`)
  for (const written of ordered(rules)) {
    // Trap: as a rule it would open the site to every crawler, free.
    if (written.isAllowed && isWhole(written.pattern))
      comment(draft, `Allow: ${written.pattern} opens every path. PRESET and PRICE decide instead.`)
    else draftRule(draft, written, undefined, forbidden)
  }
}

/** The longest pattern first; of equal ones `Allow` (RFC 9309 §2.2.2). */
function ordered(rules: readonly RobotsRule[]): RobotsRule[] {
  const unique = new Map(rules.map((rule) => [`${rule.isAllowed} ${rule.pattern}`, rule]))
  return [...unique.values()].toSorted(
    (one, other) =>
      other.pattern.length - one.pattern.length || Number(other.isAllowed) - Number(one.isAllowed),
  )
}

function draftRule(
  draft: Draft,
  { isAllowed, pattern }: RobotsRule,
  who: readonly string[] | undefined,
  forbidden: Forbidden,
): void {
  const action = isAllowed ? 'allow' : forbidden
  const read = pathsOf(pattern)
  if ('problem' in read) {
    const line = `${isAllowed ? 'Allow' : 'Disallow'}: ${oneLine(pattern)}`
    comment(draft, `${line}${who ? ` (${who.join(', ')})` : ''}: ${read.problem}`)
    return
  }
  for (const path of read.paths) {
    draft.rules++
    draft.lines.push(
      '',
      '[[vars.RULES]]',
      ...(path === undefined ? [] : [`path = ${quote(path)}`]),
      ...(who === undefined ? [] : [`who = ${list(who)}`]),
      `action = "${action}"`,
    )
  }
}

/**
 * A pattern of robots.txt covers what begins with it, unless it ends with `$`. A pattern of a rule covers whole paths, and
 * begins with a slash.
 */
function pathsOf(pattern: string): Read {
  if (isWhole(pattern)) return { paths: [undefined] }
  const isAnchored = pattern.endsWith('$')
  const literal = isAnchored ? pattern.slice(0, -1) : pattern
  if (literal.includes('?')) return { problem: 'a path pattern must be without a query' }
  if (literal.includes('$')) return { problem: 'a $ within a pattern must be escaped as %24' }
  if (!/^[/*]/.test(literal)) return { problem: 'a pattern must begin with / or *' }
  const whole = isAnchored || literal.endsWith('*') ? literal : `${literal}*`
  const rest = whole.replace(/^\*+/, '')
  const paths = whole.startsWith('/') ? [whole] : rest.startsWith('/') ? [rest, `/*${rest}`] : [`/*${rest}`]
  const problem = paths.map((path) => problemOf({ path })).find((found) => found !== undefined)
  return problem === undefined ? { paths } : { problem: `a path ${problem}` }
}

function isWhole(pattern: string): boolean {
  return /^(?:\/|\*|\/\*)\**$/.test(pattern)
}

/** Why a rule with this term is invalid; undefined if it is valid. */
function problemOf(term: { who: string } | { path: string }): string | undefined {
  const { issues } = v.safeParse(rule, { action: 'block', ...term })
  // The places of the messages are those within RULES.
  return issues && problemsOf(issues, expected)[0]?.message
}

const expected = Object.fromEntries(
  Object.entries(RULE_EXPECTED).map(([place, row]) => [place.replace(/^RULES\./, ''), row]),
)

function comment(draft: Draft, text: string): void {
  draft.comments++
  draft.lines.push(`# ${oneLine(text)}`)
}

function list(words: readonly string[]): string {
  return words.length === 1 ? quote(words[0] ?? '') : `[${words.map(quote).join(', ')}]`
}

/** A basic string of TOML. JSON escapes the same characters, but for DEL. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}

/** Text from a file must not end a comment: a line of its own could be a rule. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ').slice(0, 300)
}
