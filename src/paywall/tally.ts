/** Counts requests by their kind in memory, and hands the counts on a moment later. Nothing about money depends on them. */
import { log } from '../platform/log.ts'

/** How often a kind was counted. `asked`: micro-dollars. `pages`: the requests that asked for an amount above 0. */
export type Counted<Kind> = Kind & { requests: number; pages: number; asked: number }

/** How one tally counts. */
export type TallySettings<Kind> = {
  /** The name of the counts in the log. */
  name: string
  /** How long counts wait in memory. Those of an isolate that ends meanwhile are lost. */
  waitMs: number
  /** The kind that a kind is counted as, asked for when it is new within `waitMs`. By default itself. */
  named?(kind: Kind, now: number): Kind
  /** How many kinds are counted apart within `waitMs`. Beyond it, {@link TallySettings.join} replaces a kind. */
  maxKinds: number
  /** So many kinds are handed on at once, without waiting. */
  maxParts: number
  /** The kind that a kind beyond the limit is counted as. It must leave few: clients choose paths and names. */
  join(kind: Kind): Kind
  /** A text that is equal for equal kinds alone. */
  keyOf(kind: Kind): string
}

/** The reach of a tally into its surroundings. */
export type TallyPorts<Kind> = {
  /** Stores counts. `at`: Unix milliseconds. */
  store(figures: Counted<Kind>[], at: number): Promise<void>
  /** Keeps the isolate alive until the promise ends. */
  defer(ending: Promise<void>): void
  wait(ms: number): Promise<void>
  now(): number
}

/** The counts of one isolate. */
export class Tally<Kind extends object> {
  readonly #settings: TallySettings<Kind>
  readonly #ports: TallyPorts<Kind>
  #figures = new Map<string, Counted<Kind>>()
  /** Kinds counted apart since the last wait began. */
  #kinds = 0
  /** Unix milliseconds; 0 while nothing waits. */
  #waitsUntil = 0

  constructor(settings: TallySettings<Kind>, ports: TallyPorts<Kind>) {
    this.#settings = settings
    this.#ports = ports
  }

  /** Counts a request. `asked`: the micro-dollars that it was asked for; 0 unless it was charged or would have been. `now`: Unix ms. */
  count(kind: Kind, asked: bigint, now = this.#ports.now()): void {
    const key = this.#settings.keyOf(kind)
    const figure = this.#figures.get(key) ?? this.#open(key, kind, now)
    figure.requests += 1
    if (asked > 0n) {
      figure.pages += 1
      figure.asked += Number(asked)
    }
    if (this.#figures.size >= this.#settings.maxParts) this.#ports.defer(this.#handOn())
    if (now < this.#waitsUntil) return
    // Trap: an invocation that the platform ends takes its wait along. A later request waits in its place.
    this.#waitsUntil = now + 2 * this.#settings.waitMs
    this.#ports.defer(this.#wait())
  }

  #open(sent: string, kind: Kind, now: number): Counted<Kind> {
    const { keyOf, named, join, maxKinds } = this.#settings
    const own = named ? named(kind, now) : kind
    const isApart = this.#kinds < maxKinds
    const counted = isApart ? own : join(own)
    const key = named || !isApart ? keyOf(counted) : sent
    const known = this.#figures.get(key)
    if (known) return known
    if (isApart) this.#kinds += 1
    const figure = { ...counted, requests: 0, pages: 0, asked: 0 }
    this.#figures.set(key, figure)
    return figure
  }

  async #wait(): Promise<void> {
    await this.#ports.wait(this.#settings.waitMs)
    this.#waitsUntil = 0
    this.#kinds = 0
    await this.#handOn()
  }

  async #handOn(): Promise<void> {
    const figures = [...this.#figures.values()]
    if (figures.length === 0) return
    this.#figures = new Map()
    try {
      await this.#ports.store(figures, this.#ports.now())
    } catch (fault) {
      const requests = figures.reduce((sum, figure) => sum + figure.requests, 0)
      const { name } = this.#settings
      log('counts_lost', { name, requests, fault })
    }
  }
}
