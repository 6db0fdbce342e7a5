/** The origin's statements about pages: asked for once, and kept for minutes. A cache of one isolate. */
import { log } from '../../platform/log.ts'
import type { OriginFacts } from './origin-price.ts'

/** How long a statement is used. */
export const STATED_MS = 300_000
/** How long a page is not asked about again after the origin failed. The rule's own price holds meanwhile. */
export const FAILED_MS = 30_000
/** The most pages that are known. Beyond it, the page that was asked about first is dropped. */
export const MAX_PAGES = 4_096
/** The most questions that wait for the origin at once. Beyond it the rule's own price holds. */
export const MAX_ASKED = 64
/** How long a request waits for another one that asks about the same page, and how often it looks. */
const SHARED_MS = 2_000
const POLL_MS = 5

const UNKNOWN: OriginFacts = { price: null, published: null }

/** `before`: the statement that held until `replacedAt`, and may still be in an offer. */
type Known = { facts: OriginFacts; until: number; before?: { facts: OriginFacts; replacedAt: number } }

/** Asks the origin about a page. Rejects if it fails. */
type Ask = () => Promise<OriginFacts>

/** The pages that one isolate knows, by canonical URL. Times in Unix milliseconds. */
export class OriginMemory {
  readonly #known = new Map<string, Known>()
  /** Questions under way, and until when others wait for them. */
  readonly #asked = new Map<string, number>()
  readonly #now: () => number

  /** @param now the clock */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Returns the statement about a page, from memory or from the origin. Never rejects: a failure counts as silence. */
  async of(url: string, ask: Ask): Promise<OriginFacts> {
    const known = this.#fresh(url)
    if (known) return known
    const until = this.#asked.get(url)
    // Trap: a promise of another request must not be awaited in workerd, so this one looks again and again.
    if (until !== undefined && until > this.#now()) return this.#wait(url, until)
    if (!this.#mayAsk()) return UNKNOWN
    this.#asked.set(url, this.#now() + SHARED_MS)
    try {
      return this.learn(url, await ask())
    } catch (fault) {
      report(url, String(fault))
      return this.#keep(url, UNKNOWN, FAILED_MS)
    } finally {
      this.#asked.delete(url)
    }
  }

  /** Stores a statement. */
  learn(url: string, facts: OriginFacts): OriginFacts {
    if (facts.fault !== undefined) report(url, facts.fault)
    return this.#keep(url, facts, STATED_MS)
  }

  /** Returns the last statement, of any age. */
  known(url: string): OriginFacts | undefined {
    return this.#known.get(url)?.facts
  }

  /** Returns the statement that another one replaced within the last `ms`; otherwise undefined. */
  before(url: string, ms: number): OriginFacts | undefined {
    const before = this.#known.get(url)?.before
    return before && before.replacedAt > this.#now() - ms ? before.facts : undefined
  }

  #mayAsk(): boolean {
    if (this.#asked.size < MAX_ASKED) return true
    // A request that was cancelled has not taken its question back.
    for (const [url, until] of this.#asked) if (until <= this.#now()) this.#asked.delete(url)
    return this.#asked.size < MAX_ASKED
  }

  #fresh(url: string): OriginFacts | undefined {
    const known = this.#known.get(url)
    return known && known.until > this.#now() ? known.facts : undefined
  }

  #keep(url: string, facts: OriginFacts, ms: number): OriginFacts {
    const now = this.#now()
    const earlier = this.#known.get(url)
    const isSame = earlier?.facts.price === facts.price && earlier.facts.published === facts.published
    const before = earlier && !isSame ? { facts: earlier.facts, replacedAt: now } : earlier?.before
    this.#known.delete(url)
    this.#known.set(url, { facts, until: now + ms, ...(before && { before }) })
    const [first] = this.#known.keys()
    if (this.#known.size > MAX_PAGES && first !== undefined) this.#known.delete(first)
    return facts
  }

  async #wait(url: string, until: number): Promise<OriginFacts> {
    for (let polls = 0; polls < SHARED_MS / POLL_MS && this.#asked.has(url); polls++) {
      await new Promise((over) => setTimeout(over, POLL_MS))
      if (this.#now() >= until) break
    }
    return this.#fresh(url) ?? UNKNOWN
  }
}

function report(url: string, fault: string): void {
  log('origin_price_unusable', { url, fault })
}
