/** Counts the requests of shadow mode in memory, and hands the counts on a second later. */
import type { Figure, ShadowKind } from '../ledger/book/shadow.ts'

/** How long counts wait in memory. Those of an isolate that ends meanwhile are lost. */
export const TALLY_WAIT_MS = 1_000

/**
 * How many kinds of requests are counted apart before they are handed on. Beyond it a kind is counted with the path `*`, and a
 * crawler that is not in our table with the name `others`: clients choose paths and names, and must not fill the store.
 */
export const MAX_KINDS = 2_000

/** The reach of a tally into its surroundings. */
export type TallyPorts = {
  /** Stores counts. `at`: Unix milliseconds. */
  store(figures: Figure[], at: number): Promise<void>
  /** Keeps the isolate alive until the promise ends. */
  defer(ending: Promise<void>): void
  wait(ms: number): Promise<void>
  now(): number
}

/** One request. `isKnown`: the crawler is in our table. */
export type ShadowSeen = ShadowKind & { isKnown: boolean }

/** The counts of one isolate. */
export class Tally {
  readonly #ports: TallyPorts
  #figures = new Map<string, Figure>()
  #isWaiting = false

  constructor(ports: TallyPorts) {
    this.#ports = ports
  }

  /** Counts a request; `asked` in micro-dollars is 0 unless a page was delivered that would have been charged. */
  count(seen: ShadowSeen, asked: bigint): void {
    const { isKnown, ...kind } = seen
    const figure = this.#figureOf(kind, isKnown)
    figure.requests += 1
    if (asked > 0n) figure.pages += 1
    figure.asked += Number(asked)
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#ports.defer(this.#handOn())
  }

  #figureOf(kind: ShadowKind, isKnown: boolean): Figure {
    const known = this.#figures.get(keyOf(kind))
    if (known) return known
    const counted =
      this.#figures.size < MAX_KINDS
        ? kind
        : { ...kind, path: '*', crawler: isKnown ? kind.crawler : 'others' }
    const key = keyOf(counted)
    const figure = this.#figures.get(key) ?? { ...counted, requests: 0, pages: 0, asked: 0 }
    this.#figures.set(key, figure)
    return figure
  }

  async #handOn(): Promise<void> {
    await this.#ports.wait(TALLY_WAIT_MS)
    const figures = [...this.#figures.values()]
    this.#figures = new Map()
    this.#isWaiting = false
    try {
      await this.#ports.store(figures, this.#ports.now())
    } catch (fault) {
      const requests = figures.reduce((sum, figure) => sum + figure.requests, 0)
      console.warn(JSON.stringify({ message: 'shadow counts lost', requests, fault: String(fault) }))
    }
  }
}

function keyOf({ crawler, class: purpose, rule, action, path }: ShadowKind): string {
  return [crawler, purpose, rule, action, path].join('\n')
}
