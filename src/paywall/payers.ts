/** The accounts that this isolate has sold to lately, and the requests of each that are under way. A cache, never evidence. */

/** How long a sale lets its account ask the origin early. */
export const KNOWN_MS = 600_000

/** The most accounts that may ask the origin early. Beyond them, the one that bought first is dropped. */
export const MAX_KNOWN = 1_000

/**
 * The most requests of one account that one isolate sells at once, from the charge to the first byte of the answer. Threat: a
 * payer with a slow origin could otherwise hold any number of charges (faults: H3). Beyond it: 503 with `Retry-After`.
 */
export const MAX_AT_ONCE = 256

/** The accounts as one isolate has seen them. Times in Unix milliseconds. */
export class RecentPayers {
  /** When each account bought last, the earliest first. */
  readonly #bought = new Map<string, number>()
  readonly #open = new Map<string, number>()

  /** Begins a request of an account. Returns false if too many of its requests are under way; else {@link leave} must follow. */
  enter(account: string): boolean {
    const open = this.#open.get(account) ?? 0
    if (open >= MAX_AT_ONCE) return false
    this.#open.set(account, open + 1)
    return true
  }

  /** Ends a request that {@link enter} began. */
  leave(account: string): void {
    const open = this.#open.get(account) ?? 0
    if (open > 1) this.#open.set(account, open - 1)
    else this.#open.delete(account)
  }

  /**
   * Whether an account has bought within {@link KNOWN_MS} and was not refused since. Threat: a signature alone must not make the
   * origin work.
   */
  isKnown(account: string, now: number): boolean {
    const at = this.#bought.get(account)
    return at !== undefined && at > now - KNOWN_MS
  }

  /** Records a sale. */
  bought(account: string, now: number): void {
    this.#bought.delete(account)
    this.#bought.set(account, now)
    if (this.#bought.size <= MAX_KNOWN) return
    const [earliest] = this.#bought.keys()
    if (earliest !== undefined) this.#bought.delete(earliest)
  }

  /** Records a refusal: the account must pay before the origin is asked, until its next sale. */
  refused(account: string): void {
    this.#bought.delete(account)
  }
}
