/** Counts how requests end: by site, client, rule and status. In memory alone, and approximate. */
import type { Asker } from '../identity/classify.ts'
import { crawlerNamed } from '../identity/crawlers.ts'
import { CLAIM, whoOf } from '../identity/who.ts'
import type { TrafficKind } from '../ledger/book/traffic.ts'
import { HOUR_MS } from '../platform/time.ts'
import type { Result } from '../protocol/refusal.ts'
import { type Decision, entryName } from './policy.ts'
import type { Tally, TallySettings } from './tally.ts'

/** How a request ends. */
export type Ending = TrafficKind['outcome']

/** A request whose decision is known. */
export type Decided = {
  /** Scheme and host. Without a registry of sites, the host is the site. */
  origin: string
  asker: Asker
  /** Not ok for a URL that cannot be read. */
  decided: Result<Decision>
  /** A look at the price: it asks for no amount. */
  head: boolean
}

/**
 * Counts the end of a request: the id of a registered site, how it ended, and the status of the answer. It must neither wait
 * nor throw.
 */
export type Count = (site: string | undefined, request: Decided, outcome: Ending, status: number) => void

/** Returns what counts a site's request by its end, and returns the answer. */
export function counting(count: Count | undefined, site: string | undefined) {
  return (request: Decided) =>
    (outcome: Ending, answer: Response): Response => {
      count?.(site, request, outcome, answer.status)
      return answer
    }
}

/** The name that kinds beyond a limit are counted under. */
const OTHER = 'other'

/** How many kinds of one isolate are counted apart within ten seconds. Beyond it `who` and `rule` are `other`. */
export const MAX_TRAFFIC_KINDS = 1_000

/**
 * How many names that clients choose, and how many hosts that no registry names, an isolate counts apart in an hour. Beyond it
 * they are `other`.
 */
export const MAX_CHOSEN = 50

/** How traffic is counted: written at 100 kinds or after ten seconds. */
export function trafficCounts(): TallySettings<TrafficKind> {
  const names = new ChosenNames(isListed)
  return {
    name: 'traffic',
    waitMs: 10_000,
    maxKinds: MAX_TRAFFIC_KINDS,
    maxParts: 100,
    named: (kind, now) => ({ ...kind, who: names.named(kind.who, now) }),
    join: (kind) => ({ ...kind, who: OTHER, rule: OTHER }),
    keyOf: ({ site, who, rule, outcome, status }) => `${site}\n${who}\n${rule}\n${outcome}\n${status}`,
  }
}

/** The client of a reader's request. Names of crawlers are never plural. */
const READERS = 'readers'

const CLASSES = [OTHER, '1xx', '2xx', '3xx', '4xx', '5xx']

/** Returns what counts the requests of all gates of an isolate into one tally. `now`: Unix milliseconds. */
export function trafficCount(tally: Pick<Tally<TrafficKind>, 'count'>, now: () => number): Count {
  const hosts = new ChosenNames(() => false)
  return (site, { origin, asker, decided, head }, outcome, status) => {
    const at = now()
    const decision = decided.ok ? decided.value : undefined
    const kind: TrafficKind = {
      site: site ?? hosts.named(origin.slice(origin.indexOf('//') + 2), at),
      who: asker.kind === 'reader' ? READERS : (whoOf(asker) ?? ''),
      rule: decision ? entryName(decision) : 'url',
      outcome,
      status: CLASSES[Math.floor(status / 100)] ?? OTHER,
    }
    tally.count(kind, outcome === 'unpaid' && decision && !head ? decision.price : 0n, at)
  }
}

/** Names that clients choose. A bounded number of them is counted apart in an hour: they must not fill the store. */
class ChosenNames {
  readonly #isListed: (name: string) => boolean
  readonly #names = new Set<string>()
  #chosen = 0
  #until = 0

  constructor(isListed: (name: string) => boolean) {
    this.#isListed = isListed
  }

  named(name: string, now: number): string {
    if (now >= this.#until) this.#begin(now)
    if (this.#names.has(name)) return name
    if (!this.#isListed(name)) {
      if (this.#chosen >= MAX_CHOSEN) return OTHER
      this.#chosen += 1
    }
    this.#names.add(name)
    return name
  }

  #begin(now: number): void {
    this.#names.clear()
    this.#chosen = 0
    this.#until = now + HOUR_MS
  }
}

/** Whether a name is in our table, or that of readers or of clients without a name. */
function isListed(who: string): boolean {
  const name = who.startsWith(CLAIM) ? who.slice(CLAIM.length) : who
  return name === '' || name === READERS || crawlerNamed(name) !== undefined
}
