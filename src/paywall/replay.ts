/** Replays counted requests under another policy. Pure: figures have no URLs, so it says what it cannot know. */
import type { Asker } from '../identity/classify.ts'
import { crawlerNamed } from '../identity/crawlers.ts'
import { CLAIM } from '../identity/who.ts'
import { type Action, decideUrl, entryName, type Policy } from './policy.ts'

/** Requests that are alike as far as figures tell. Amounts in micro-dollars. */
export type CountedRequests = {
  /** The confirmed crawler, a claimed name behind `~`, `readers`, or empty for a client without a name. */
  who: string
  /** The rule that decided, with its factors; null where it was not counted. */
  rule: string | null
  /** The page, or the first two segments of it; null where it was not counted. */
  path: string | null
  requests: number
  /** Those that were paid, and the sum that they paid. */
  charges: number
  charged: bigint
}

/** A decision as the replay compares it. `rule`: `RULES[0]`, `free`, `preset`, `default` or `url`. `price` in micro-dollars. */
export type ReplayedDecision = { action: Action; price: bigint; rule: string }

/** Alike requests with the decision in force, and those that the other policy may make: several where the page decides. */
export type ReplayedRow = Pick<CountedRequests, 'who' | 'requests' | 'charges' | 'charged'> & {
  live: ReplayedDecision
  draft: ReplayedDecision[]
}

/** The least and the most of a sum. They are equal where no page decides. */
export type Span<Sum extends number | bigint> = { least: Sum; most: Sum }

/** Sums over rows. `asked`: had every request paid. `earned`: had those paid that did. */
export type ReplayedSums = {
  charge: Span<number>
  allow: Span<number>
  block: Span<number>
  asked: Span<bigint>
  earned: Span<bigint>
}

/** The result. `left`: requests that no known page explains. They are in no sum. */
export type Replay = {
  rows: ReplayedRow[]
  live: ReplayedSums
  draft: ReplayedSums
  left: number
  /** What the figures do not say, as sentences. */
  notes: string[]
}

/** Clients that are tried, those with most requests first. Requests of further ones are `left`. */
export const MAX_CLIENTS = 100
/** Pages that are tried for each client. A rule whose pages are not among them counts as one that covers nothing. */
export const MAX_PAGES = 300
/** Rows of a result; the smallest beyond it are in the sums alone. */
const MAX_ROWS = 200

const READERS = 'readers'

/**
 * Replays requests that were counted under `live` as `draft` would decide them. A request without a page may have been for
 * any known page that `live` decides by the same rule, so `draft` may decide it in several ways.
 */
export function replay(
  { live, draft, host }: { live: Policy; draft: Policy; host: string },
  counted: readonly CountedRequests[],
): Replay {
  const pages = pagesOf(counted, live, draft)
  const clients = Map.groupBy(counted, ({ who }) => who)
  const sized = [...clients].sort(([, one], [, other]) => requestsIn(other) - requestsIn(one))
  const rows = new Map<string, ReplayedRow>()
  let left = 0
  for (const [at, [who, all]] of sized.entries()) {
    const asker = at < MAX_CLIENTS ? askerOf(who) : undefined
    const tried = asker && pages.map((page) => triedAt(page, asker, { live, draft, host }))
    for (const one of all) {
      const row = tried && asker && rowOf(one, tried, (page) => triedAt(page, asker, { live, draft, host }))
      if (row) add(rows, row)
      else left += one.requests
    }
  }
  const all = [...rows.values()].sort((one, other) => other.requests - one.requests)
  return {
    rows: all.slice(0, MAX_ROWS),
    live: sumsOf(all, ({ live }) => [live], true),
    draft: sumsOf(all, ({ draft }) => draft, false),
    left,
    notes: notesOn({ live, draft }, all, pages.length),
  }
}

type Tried = { page: string; live: ReplayedDecision; draft: ReplayedDecision }

function triedAt(
  page: string,
  asker: Asker,
  { live, draft, host }: { live: Policy; draft: Policy; host: string },
): Tried {
  const request = { method: 'GET', url: `https://${host}${page}`, asker }
  return { page, live: decided(live, request), draft: decided(draft, request) }
}

function decided(policy: Policy, request: Parameters<typeof decideUrl>[1]): ReplayedDecision {
  const read = decideUrl(policy, request)
  // A URL that crawlers are refused is answered 400, whatever the rules say.
  if (!read.ok) return { action: 'block', price: 0n, rule: 'url' }
  const { action, price } = read.value
  return { action, price, rule: ruleIn(entryName(read.value)) }
}

/** The rule of an entry's name, without its factors. */
function ruleIn(name: string): string {
  return name.split(' ', 1)[0] ?? ''
}

function rowOf(
  { who, rule, path, requests, charges, charged }: CountedRequests,
  tried: readonly Tried[],
  tryAt: (page: string) => Tried,
): ReplayedRow | undefined {
  const known = rule === null ? undefined : ruleIn(rule)
  const isMeant = ({ live }: Tried) => known === undefined || live.rule === known
  // Two segments may be the page itself or a folder of it.
  const meant = (path === null ? tried : [path, `${path}/x`].map(tryAt)).filter(isMeant)
  const [first] = meant
  if (!first) return undefined
  const draft = [...new Map(meant.map(({ draft }) => [keyOf(draft), draft])).values()]
  return { who, requests, charges, charged, live: first.live, draft }
}

function keyOf({ action, price, rule }: ReplayedDecision): string {
  return `${action} ${price} ${rule}`
}

function add(rows: Map<string, ReplayedRow>, row: ReplayedRow): void {
  const key = [row.who, keyOf(row.live), ...row.draft.map(keyOf)].join('\n')
  const known = rows.get(key)
  if (!known) return void rows.set(key, row)
  known.requests += row.requests
  known.charges += row.charges
  known.charged += row.charged
}

function requestsIn(counted: readonly CountedRequests[]): number {
  return counted.reduce((sum, { requests }) => sum + requests, 0)
}

/** The client that figures name; undefined for the name that many share. */
function askerOf(who: string): Asker | undefined {
  if (who === READERS) return { kind: 'reader', reasons: [] }
  if (who === 'other') return undefined
  const isClaimed = who.startsWith(CLAIM)
  const name = isClaimed ? who.slice(CLAIM.length) : who
  const claim = isClaimed || name === '' ? 'unknown' : 'confirmed'
  const purpose = crawlerNamed(name)?.class ?? 'other'
  return { kind: 'crawler', ...(name && { name }), class: purpose, claim, reasons: [] }
}

/** Pages to try: those that were counted, then one that each pattern covers, and one that no pattern names. */
function pagesOf(counted: readonly CountedRequests[], ...policies: readonly Policy[]): string[] {
  const patterns = policies.flatMap(({ rules }) => rules.flatMap(({ written: { path } }) => path ?? []))
  const seen = counted.flatMap(({ path }) => path ?? [])
  const all = ['/', '/x/x', ...patterns.map((pattern) => pattern.replaceAll('*', 'x')), ...seen]
  return [...new Set(all)].slice(0, MAX_PAGES)
}

type DecisionsOf = (row: ReplayedRow) => readonly ReplayedDecision[]

function sumsOf(rows: readonly ReplayedRow[], decisionsOf: DecisionsOf, isLive: boolean): ReplayedSums {
  const span = (of: (decision: ReplayedDecision, row: ReplayedRow) => bigint): Span<bigint> => {
    const sums = { least: 0n, most: 0n }
    for (const row of rows) {
      const values = decisionsOf(row).map((decision) => of(decision, row))
      const [first = 0n] = values
      sums.least += values.reduce((best, value) => (value < best ? value : best), first)
      sums.most += values.reduce((best, value) => (value > best ? value : best), first)
    }
    return sums
  }
  const requests = (action: Action): Span<number> => {
    const { least, most } = span((decision, row) => (decision.action === action ? BigInt(row.requests) : 0n))
    return { least: Number(least), most: Number(most) }
  }
  return {
    charge: requests('charge'),
    allow: requests('allow'),
    block: requests('block'),
    asked: span(({ price }, { requests }) => price * BigInt(requests)),
    earned: span(({ price }, { charges, charged }) => (isLive ? charged : price * BigInt(charges))),
  }
}

/** Terms that depend on facts which no figure has. */
const UNCOUNTED = {
  query: 'queries',
  method: 'methods',
  country: 'countries',
  age: 'the age of pages',
  steps: 'steps of a month',
  free: 'free pages of a day',
  recrawl: 're-crawls',
}

function notesOn(
  { live, draft }: { live: Policy; draft: Policy },
  rows: readonly ReplayedRow[],
  pages: number,
): string[] {
  const written = [...live.rules, ...draft.rules].map(({ written }) => written)
  const uncounted = Object.entries(UNCOUNTED)
    .filter(([term]) => written.some((rule) => rule[term] !== undefined))
    .map(([, name]) => name)
  const notes = [
    'Traffic is counted without pages. Where pages decide, the sums state the least and the most.',
  ]
  if (uncounted.length > 0)
    notes.push(`No figure has ${uncounted.join(', ')}: each request counts as a plain GET from nowhere.`)
  if (live.asksOrigin || draft.asksOrigin)
    notes.push('The origin was not asked: prices that it states are those of the rules here.')
  if (live.contracts || draft.contracts || live.passes || draft.passes)
    notes.push('Contracts and passes are left out: figures do not say who has one.')
  if (pages >= MAX_PAGES) notes.push(`Only ${MAX_PAGES} pages were tried.`)
  if (rows.length > MAX_ROWS) notes.push(`The ${MAX_ROWS} largest rows are listed. The sums have all.`)
  return notes
}
