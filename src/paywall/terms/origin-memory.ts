/** What the origin says of pages: asked once for each page, and kept for minutes. A cache of one isolate. */
import type { OriginFacts } from './origin-price.ts'

/** How long the origin's word is used. */
export const KNOWN_MS = 300_000
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

/** `before`: what was said until `replacedAt`, and may still be in an offer. */
type Known = { facts: OriginFacts; until: number; before?: { facts: OriginFacts; replacedAt: number } }

/** Asks the origin about a page. Rejects if it fails. */
export type AskOrigin = () => Promise<OriginFacts>

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

  /** What the origin says of a page: as it is known, or asked now. Never rejects: a failure is like no word at all. */
  async of(url: string, ask: AskOrigin): Promise<OriginFacts> {
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

  /** Keeps what an answer said. */
  learn(url: string, facts: OriginFacts): OriginFacts {
    if (facts.fault !== undefined) report(url, facts.fault)
    return this.#keep(url, facts, KNOWN_MS)
  }

  /** What the origin said last, however long ago. */
  known(url: string): OriginFacts | undefined {
    return this.#known.get(url)?.facts
  }

  /** What the origin said before, if that changed within the last `ms`; otherwise undefined. */
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
  console.warn(JSON.stringify({ message: 'the origin states no price that can be used', url, fault }))
}
