/** Tries a policy on a log: the decisions that it would have made, counted by crawler and rule. Pure. */
import type { Published } from '../identity/claim.ts'
import { type Asker, type ClientEvidence, classify } from '../identity/classify.ts'
import { crawlerNamed } from '../identity/crawlers.ts'
import { type Action, type Decision, decideUrl, type Policy } from '../paywall/policy.ts'
import { estimate, type History, newHistory } from './estimate.ts'
import { Pages, PageTable, pageNumber } from './pages.ts'
import { type LogEntry, type LogRecord, SKIPPED, type SkipReason } from './record.ts'

/** Names of their own for this many clients; all others share one. */
const MAX_CRAWLERS = 1_000
/** User-Agents whose classification is kept. */
const MAX_AGENTS = 2_000
/** Longer User-Agents are cut before they are kept, as the classification cuts them. */
const MAX_AGENT_CHARS = 512

/** The client of requests that name no product, and of names beyond the limit. */
const NAMELESS = '(no name)'
const FURTHER = '(further names)'
const READERS = '(readers)'

/** The requests of one crawler that one rule decided. Amounts in micro-dollars. */
export type TrialRow = {
  crawler: string
  /** The address is not one that the crawler's operator publishes. */
  refuted: boolean
  class: string
  action: Action
  /** `RULES[0]`, `free` or `default`. */
  rule: string
  why: string
  requests: number
  /** Distinct pages; a least number where `pagesCapped`. */
  pages: number
  pagesCapped: boolean
  /** The sum of the prices of all requests. */
  listPrice: bigint
  /** The same under quotas and re-crawl windows, as if each crawler paid for all that is not free. */
  price: bigint
}

/** A sum over rows. */
export type TrialSum = Pick<TrialRow, 'requests' | 'pages' | 'listPrice' | 'price'>

/** The result of a trial. Requests that deliver no page are free, so no row counts them. */
export type TrialReport = {
  lines: number
  skipped: { reason: SkipReason; about: string; lines: number }[]
  /** The requests that were read, and those among them that delivered no page. */
  requests: number
  notDelivered: { otherMethod: number; otherStatus: number; otherHost: number }
  /** Pages that the Worker refuses with 400 for their URL. */
  refusedUrls: number
  /** ISO 8601; null if the log states no time. */
  from: string | null
  to: string | null
  /** The dearest first. */
  rows: TrialRow[]
  totals: Record<Action, TrialSum>
  /** The requests by crawlers: all, those without a known purpose, and those under another's name. */
  crawlers: { requests: number; unclassified: number; refuted: number }
  notes: string[]
}

type Tally = {
  name: string
  refuted: boolean
  class: string
  pages: PageTable
  rows: Map<Decision['rule'], { row: TrialRow; history: History }>
}

/** `host`: only the requests for this host count. `published`: the addresses that operators publish. */
export type TrialOptions = { host?: string | undefined; published?: Published | undefined }

/** Takes the entries of a log one by one, and reports on those so far. */
export class Trial {
  readonly #policy: Policy
  readonly #host: string | undefined
  readonly #askerOf: (record: LogRecord) => Asker
  readonly #skipped = new Map<SkipReason, number>()
  readonly #notDelivered = { otherMethod: 0, otherStatus: 0, otherHost: 0 }
  readonly #tallies = new Map<string, Tally>()
  readonly #crawlers = { requests: 0, unclassified: 0, refuted: 0 }
  readonly #pages = new Pages()
  #requests = 0
  #hasCountries = false
  #refusedUrls = 0
  #from = Number.POSITIVE_INFINITY
  #to = Number.NEGATIVE_INFINITY

  constructor(policy: Policy, { host, published }: TrialOptions = {}) {
    this.#policy = policy
    this.#host = host
    this.#askerOf = storedClassification(published)
  }

  /** Counts a request, or a line that holds none. */
  add(entry: LogEntry): void {
    if (typeof entry === 'string') this.#skipped.set(entry, (this.#skipped.get(entry) ?? 0) + 1)
    else this.#count(entry)
  }

  /** The result for all entries so far. */
  report(): TrialReport {
    const rows = [...this.#tallies.values()]
      .flatMap((tally) => [...tally.rows.values()].map(({ row }) => row))
      .sort(dearestFirst)
    const skipped = [...this.#skipped].map(([reason, lines]) => ({ reason, about: SKIPPED[reason], lines }))
    return {
      lines: skipped.reduce((sum, { lines }) => sum + lines, this.#requests),
      skipped,
      requests: this.#requests,
      notDelivered: this.#notDelivered,
      refusedUrls: this.#refusedUrls,
      from: isoTime(this.#from),
      to: isoTime(this.#to),
      rows,
      totals: { charge: sumOf(rows, 'charge'), allow: sumOf(rows, 'allow'), block: sumOf(rows, 'block') },
      crawlers: this.#crawlers,
      notes: notesOn(this.#policy, rows, this.#tallies.has(FURTHER), this.#hasCountries),
    }
  }

  #count(record: LogRecord): void {
    this.#requests++
    if (this.#host !== undefined && record.host !== this.#host) {
      this.#notDelivered.otherHost++
      return
    }
    if (record.time !== null) {
      this.#from = Math.min(this.#from, record.time)
      this.#to = Math.max(this.#to, record.time)
    }
    if (record.method !== 'GET') this.#notDelivered.otherMethod++
    else if (!PAGES.has(record.status)) this.#notDelivered.otherStatus++
    else this.#decide(record)
  }

  #decide(record: LogRecord): void {
    const { path, query, time, host, country } = record
    this.#hasCountries ||= country !== undefined
    const url = query === '' ? path : `${path}?${query}`
    const asker = this.#askerOf(record)
    if (asker.kind === 'crawler') {
      this.#crawlers.requests++
      if (isUnclassified(asker)) this.#crawlers.unclassified++
      if (asker.claim === 'refuted') this.#crawlers.refuted++
    }
    const decided = decideUrl(this.#policy, {
      method: 'GET',
      url,
      asker,
      country,
      ...(time !== null && { now: time }),
    })
    if (!decided.ok) {
      this.#refusedUrls++
      return
    }
    const decision = decided.value
    const tally = tallyOf(this.#tallies, asker)
    const { row, history } = rowOf(tally, decision)
    const page = pageNumber(`${row.rule} ${host ?? ''}${url}`)
    row.requests++
    row.listPrice += decision.price
    row.price += estimate(decision, asker, history, page, time, this.#pages)
    const added = this.#pages.put(tally.pages, page)
    if (added === 'new') row.pages++
    if (added === 'full') row.pagesCapped = true
  }
}

/** Answers that deliver a page. All others are free, as they are behind the live paywall. */
const PAGES: ReadonlySet<number> = new Set([200, 203, 206])

/**
 * Classifies clients as the gate does. A log holds few User-Agents, and a classification costs most of a line's time. The
 * address matters only where the operator of the named crawler publishes its own.
 */
function storedClassification(published: Published | undefined): (record: LogRecord) => Asker {
  const stored = new Map<string, Asker>()
  function classified({ ua, category, score }: LogRecord, listed: ReturnType<Published>): Asker {
    const isAutomated = score === 1
    const key =
      category === undefined && !isAutomated && listed === 'unknown'
        ? (ua ?? '')
        : [ua, category, isAutomated, listed].join('\n')
    const known = stored.get(key)
    if (known) return known
    // Trap: a part of a line keeps the whole line in memory, so what is kept is written anew.
    const userAgent = ua === null ? null : copyOf(ua.slice(0, MAX_AGENT_CHARS))
    const evidence: ClientEvidence = {
      userAgent,
      cf: { verifiedBotCategory: category, botManagement: score === undefined ? undefined : { score } },
      signed: false,
      paying: false,
      address: 'that of this line',
      published: () => listed,
    }
    const asker = classify(evidence)
    if (stored.size >= MAX_AGENTS) stored.clear()
    if (key.length <= 2 * MAX_AGENT_CHARS) stored.set(copyOf(key), asker)
    return asker
  }
  return (record) => {
    const asker = classified(record, 'unknown')
    if (!published || !record.ip || asker.name === undefined) return asker
    const listed = published(asker.name, record.ip)
    return listed === 'unknown' ? asker : classified(record, listed)
  }
}

function copyOf(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}

/** A crawler that no list gives a purpose. */
function isUnclassified({ class: purpose, name }: Asker): boolean {
  return purpose === 'other' && (name === undefined || crawlerNamed(name) === undefined)
}

function tallyOf(tallies: Map<string, Tally>, asker: Asker): Tally {
  const name = asker.kind === 'reader' ? READERS : (asker.name ?? NAMELESS)
  const own = asker.claim === 'refuted' ? `${name}\nrefuted` : name
  const key = tallies.has(own) || tallies.size < MAX_CRAWLERS ? own : FURTHER
  const known = tallies.get(key)
  if (known) return known
  const purpose = asker.kind === 'reader' ? 'reader' : key === FURTHER ? '' : asker.class
  const made = {
    name: key === FURTHER ? key : name,
    refuted: key !== FURTHER && asker.claim === 'refuted',
    class: purpose,
    pages: new PageTable(),
    rows: new Map(),
  }
  tallies.set(key, made)
  return made
}

function rowOf(tally: Tally, { action, rule, why }: Decision): { row: TrialRow; history: History } {
  const known = tally.rows.get(rule)
  if (known) return known
  const row: TrialRow = {
    crawler: tally.name,
    refuted: tally.refuted,
    class: tally.class,
    action,
    rule: typeof rule === 'number' ? `RULES[${rule}]` : rule,
    why,
    requests: 0,
    pages: 0,
    pagesCapped: false,
    listPrice: 0n,
    price: 0n,
  }
  const made = { row, history: newHistory() }
  tally.rows.set(rule, made)
  return made
}

function dearestFirst(one: TrialRow, other: TrialRow): number {
  if (one.listPrice !== other.listPrice) return one.listPrice > other.listPrice ? -1 : 1
  return other.requests - one.requests
}

function sumOf(rows: readonly TrialRow[], action: Action): TrialSum {
  const sum = { requests: 0, pages: 0, listPrice: 0n, price: 0n }
  for (const row of rows.filter((row) => row.action === action)) {
    sum.requests += row.requests
    sum.pages += row.pages
    sum.listPrice += row.listPrice
    sum.price += row.price
  }
  return sum
}

/** The sources of facts that a log lacks. */
type Sources = { asksOrigin?: boolean; dates?: { inPath: unknown } }

function notesOn(
  policy: Policy & Sources,
  rows: readonly TrialRow[],
  hasFurther: boolean,
  hasCountries: boolean,
): string[] {
  const notes: string[] = []
  if (policy.asksOrigin)
    notes.push('The origin was not asked: prices that it states are those of the rules here.')
  if (policy.dates && !policy.dates.inPath)
    notes.push('Only dates in URLs count here: set DATES.pattern to try rules with an age.')
  const unknown = unestimated(policy)
  if (unknown.length > 0) notes.push(`The estimate leaves out what may cost less: ${unknown.join(', ')}.`)
  if (!hasCountries && policy.rules.some(({ written }) => written.country !== undefined))
    notes.push('This log names no countries: rules with a country count "none" for each request.')
  if (rows.some(({ pagesCapped }) => pagesCapped))
    notes.push(
      'Pages with a + are a least number: at most 100,000 per crawler and 500,000 in all are counted.',
    )
  if (hasFurther) notes.push(`Only ${MAX_CRAWLERS} names have rows of their own. ${FURTHER} holds the rest.`)
  return notes
}

/** The terms that lower prices by facts that no log has. */
function unestimated({ rules, contracts, passes }: Policy): string[] {
  const has = (holds: (decision: Decision) => unknown) => rules.some(({ decision }) => holds(decision))
  return [
    ...(has(({ steps }) => steps) ? ['steps of a month'] : []),
    ...(contracts ? ['contracts of agents that sign'] : []),
    ...(passes ? ['passes'] : []),
    ...(has(({ isCeiling }) => isCeiling) ? ['final amounts of the origin'] : []),
  ]
}

function isoTime(time: number): string | null {
  return Number.isFinite(time) ? new Date(time).toISOString() : null
}
