/** Replays counted requests under another policy. Pure: figures have no URLs, so it says what it cannot know. */
import type { Asker } from '../identity/classify.ts'
import { crawlerNamed } from '../identity/crawlers.ts'
import { CLAIM } from '../identity/who.ts'
import { type Action, decideUrl, entryName, type Policy } from './policy.ts'

/** Requests that are alike as far as figures state it. Amounts in micro-dollars. */
export type CountedRequests = {
  /** The confirmed crawler, a claimed name behind `~`, `readers`, or empty for a client without a name. */
  who: string
  /** The rule that decided, with its factors; null where it was not counted. */
  rule: string | null
  /** The page, or the first two segments of it; null where it was not counted. */
  path: string | null
  /** `path` is the whole page. */
  isPage?: boolean
  requests: number
  /** Those that were paid, and the sum that they paid. */
  charges: number
  charged: bigint
}

/** Requests that were counted under one policy: the rules of another have other places. */
export type CountedUnder = { policy: Policy; requests: readonly CountedRequests[] }

/** A decision as the replay compares it. `rule`: `RULES[0]`, `free`, `preset`, `default` or `url`. `price` in micro-dollars. */
export type ReplayedDecision = { action: Action; price: bigint; rule: string }

/** Alike requests with both decisions: several pairs where the page decides. */
export type ReplayedRow = Pick<CountedRequests, 'who' | 'requests' | 'charges' | 'charged'> & {
  outcomes: { live: ReplayedDecision; draft: ReplayedDecision }[]
}

/** The least and the most of a sum. They are equal where no page decides. */
export type Bounds<Sum extends number | bigint> = { least: Sum; most: Sum }

/** Sums over rows. `asked`: had every request paid. `earned`: had those paid that did. */
export type ReplayedSums = Record<'charge' | 'allow' | 'block', Bounds<number>> &
  Record<'asked' | 'earned', Bounds<bigint>>

/** The result. `change`: draft less live. `left`: requests that no known page explains. They are in no sum. */
export type Replay = {
  rows: ReplayedRow[]
  live: ReplayedSums
  draft: ReplayedSums
  change: ReplayedSums
  left: number
  /** The facts that figures lack, as sentences. */
  notes: string[]
}

/** Clients that are tried, those with most requests first. Requests of further ones are `left`. */
export const MAX_CLIENTS = 100
/** Pages that are tried for each client. A rule whose pages are not among them counts as one that covers nothing. */
export const MAX_TRIED_PAGES = 300
/** Rows of a result; the smallest beyond it are in the sums alone. */
const MAX_ROWS = 200

const READERS = 'readers'

/**
 * Replays counted requests as `live` and as `draft` would decide them. A request without a page may have been for any known
 * page that the policy of its time decides by the same rule, so there may be several outcomes.
 */
export function replay(
  policies: { live: Policy; draft: Policy; host: string },
  counted: readonly CountedUnder[],
): Replay {
  const all = counted.flatMap(({ requests }) => requests)
  const pages = pagesOf(all, policies)
  const rows = new Map<string, ReplayedRow>()
  const known = largest(all)
  let left = 0
  for (const { policy, requests } of counted) {
    for (const [who, alike] of Map.groupBy(requests, ({ who }) => who)) {
      const asker = known.has(who) ? askerOf(who) : undefined
      const tryAt = asker && ((page: string) => triedAt(page, asker, { ...policies, past: policy }))
      const tried = tryAt && pages.map(tryAt)
      for (const one of alike) {
        const row = tried && rowOf(one, one.path === null ? tried : pagesAt(one.path, one).map(tryAt))
        if (row) add(rows, row)
        else left += one.requests
      }
    }
  }
  const sorted = [...rows.values()].sort((one, other) => other.requests - one.requests)
  return {
    rows: sorted.slice(0, MAX_ROWS),
    live: sumsOf(sorted, ({ live }, of) => of(live)),
    draft: sumsOf(sorted, ({ draft }, of) => of(draft)),
    change: sumsOf(sorted, ({ live, draft }, of) => of(draft) - of(live)),
    left,
    notes: notesOn(policies, sorted, pages.length),
  }
}

/** Two segments may be the page itself, or a folder of it. */
function pagesAt(path: string, { isPage }: CountedRequests): string[] {
  return isPage || path.split('/').length < 3 ? [path] : [path, `${path}/x`]
}

/** The clients that are tried. */
function largest(counted: readonly CountedRequests[]): ReadonlySet<string> {
  const sums = new Map<string, number>()
  for (const { who, requests } of counted) sums.set(who, (sums.get(who) ?? 0) + requests)
  const sorted = [...sums].sort(([, one], [, other]) => other - one)
  return new Set(sorted.slice(0, MAX_CLIENTS).map(([who]) => who))
}

/** A page with what each policy decides for it. `past`: the one under which the request was counted. */
type Tried = Record<'past' | 'live' | 'draft', ReplayedDecision>

function triedAt(
  page: string,
  asker: Asker,
  { past, live, draft, host }: Record<keyof Tried, Policy> & { host: string },
): Tried {
  const request = { method: 'GET', url: `https://${host}${page}`, asker }
  const made = decided(live, request)
  return { past: past === live ? made : decided(past, request), live: made, draft: decided(draft, request) }
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

/** `tried`: the pages that the requests may have been for. */
function rowOf(
  { who, rule, requests, charges, charged }: CountedRequests,
  tried: readonly Tried[],
): ReplayedRow | undefined {
  const known = rule === null ? undefined : ruleIn(rule)
  const meant = tried.filter(({ past }) => known === undefined || past.rule === known)
  const outcomes = [
    ...new Map(meant.map(({ live, draft }) => [keyOf({ live, draft }), { live, draft }])).values(),
  ]
  return outcomes.length === 0 ? undefined : { who, requests, charges, charged, outcomes }
}

function keyOf(outcome: ReplayedRow['outcomes'][number]): string {
  return [outcome.live, outcome.draft]
    .map(({ action, price, rule }) => `${action} ${price} ${rule}`)
    .join(' ')
}

function add(rows: Map<string, ReplayedRow>, row: ReplayedRow): void {
  const key = [row.who, ...row.outcomes.map(keyOf)].join('\n')
  const known = rows.get(key)
  if (!known) return void rows.set(key, row)
  known.requests += row.requests
  known.charges += row.charges
  known.charged += row.charged
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
function pagesOf(
  counted: readonly CountedRequests[],
  { live, draft }: { live: Policy; draft: Policy },
): string[] {
  const patterns = [live, draft].flatMap(({ rules }) => rules.flatMap(({ written: { path } }) => path ?? []))
  const seen = counted.flatMap(({ path }) => path ?? [])
  const all = ['/', '/x/x', ...patterns.map((pattern) => pattern.replaceAll('*', 'x')), ...seen]
  return [...new Set(all)].slice(0, MAX_TRIED_PAGES)
}

type Measure = (decision: ReplayedDecision) => bigint
type Measured = (outcome: ReplayedRow['outcomes'][number], of: Measure) => bigint

function sumsOf(rows: readonly ReplayedRow[], measured: Measured): ReplayedSums {
  const span = (measureOf: (row: ReplayedRow) => Measure): Bounds<bigint> => {
    const sums = { least: 0n, most: 0n }
    for (const row of rows) {
      const of = measureOf(row)
      const values = row.outcomes.map((outcome) => measured(outcome, of))
      const [first = 0n] = values
      sums.least += values.reduce((best, value) => (value < best ? value : best), first)
      sums.most += values.reduce((best, value) => (value > best ? value : best), first)
    }
    return sums
  }
  const requests = (action: Action): Bounds<number> => {
    const { least, most } = span((row) => (one) => (one.action === action ? BigInt(row.requests) : 0n))
    return { least: Number(least), most: Number(most) }
  }
  return {
    charge: requests('charge'),
    allow: requests('allow'),
    block: requests('block'),
    asked: span((row) => (one) => one.price * BigInt(row.requests)),
    earned: span((row) => (one) => one.price * BigInt(row.charges)),
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
    notes.push(`No figure has ${uncounted.join(', ')}: each request counts as a GET without them.`)
  if (live.asksOrigin || draft.asksOrigin)
    notes.push('The origin was not asked: prices that it states are those of the rules here.')
  if (live.contracts || draft.contracts || live.passes || draft.passes)
    notes.push('Contracts and passes are left out: figures do not say who has one.')
  if (pages >= MAX_TRIED_PAGES) notes.push(`Only ${MAX_TRIED_PAGES} pages were tried.`)
  if (rows.length > MAX_ROWS) notes.push(`The ${MAX_ROWS} largest rows are listed. The sums have all.`)
  return notes
}
