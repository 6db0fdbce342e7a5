/**
 * The alarm of an account that owes. The account writes itself into the read model, so that no list in D1 is
 * the only index of money (faults: E12).
 */

/**
 * How long an account may owe before it writes its row again, and between two such writes. Below one day: a row
 * that one nightly run misses is there for the next. Most of a day: a run has usually settled the account by
 * then, and the alarm finds nothing to do.
 */
export const LIST_AFTER_MS = 20 * 3_600_000

/** When the alarm tries again after D1 could not be written. */
export const LIST_RETRY_MS = 600_000

/** The calls from the alarm to its account. */
export type ListedDebtor = {
  /** Whether a run still has something to do for the account. */
  owes(): boolean
  /**
   * Writes the account into the read model, unless it is there. `relistedAt` (Unix ms) marks a row that was
   * missing; null for the first one.
   * @throws when D1 cannot be written
   */
  list(relistedAt: number | null): Promise<void>
}

/**
 * Invariant: while the account owes, an alarm is set. Only the change from owing nothing to owing writes one.
 *
 * Trap: an alarm that throws is dropped after six retries, so {@link ring} catches everything.
 */
export class DebtAlarm {
  readonly #storage: DurableObjectStorage
  readonly #debtor: ListedDebtor
  #isSet = false
  #isListed = false
  #listing: Promise<void> | null = null

  /** Sets the alarm that an earlier version or a lost alarm left out. */
  constructor(ctx: DurableObjectState, debtor: ListedDebtor) {
    this.#storage = ctx.storage
    this.#debtor = debtor
    ctx.blockConcurrencyWhile(async () => {
      this.#isSet = (await this.#storage.getAlarm()) !== null
      if (!this.#isSet && debtor.owes()) await this.#set(LIST_AFTER_MS)
    })
  }

  /** Sets the alarm unless it is set. Call it inside the transaction that makes the account owe. */
  arm(): void {
    if (this.#isSet) return
    void this.#set(LIST_AFTER_MS)
    if (!this.#isListed) this.list(Date.now())
  }

  /** Starts to write the account into the read model. Does not wait: if it fails, the alarm does it again. */
  list(relistedAt: number | null): void {
    this.#listing ??= this.#write(relistedAt)
      .catch(logNotListed)
      .finally(() => {
        this.#listing = null
      })
  }

  /** Writes the account into the read model, unless it is there. @throws when D1 cannot be written */
  async listed(): Promise<void> {
    await this.#listing
    await this.#write(null)
  }

  /** The alarm's work: writes the account down and sets the alarm again, until nothing is owed. Never throws. */
  async ring(): Promise<void> {
    try {
      if (!this.#debtor.owes()) {
        this.#isSet = false
        return
      }
      await this.#set(await this.#listAgain())
    } catch (fault) {
      this.#isSet = false
      console.error(JSON.stringify({ message: 'debt alarm not set', fault: String(fault) }))
    }
  }

  /** Returns in how many milliseconds the alarm must ring again. */
  async #listAgain(): Promise<number> {
    try {
      await this.#write(Date.now())
      return LIST_AFTER_MS
    } catch (fault) {
      logNotListed(fault)
      return LIST_RETRY_MS
    }
  }

  async #write(relistedAt: number | null): Promise<void> {
    await this.#debtor.list(relistedAt)
    this.#isListed = true
  }

  async #set(delayMs: number): Promise<void> {
    this.#isSet = true
    await this.#storage.setAlarm(Date.now() + delayMs)
  }
}

function logNotListed(fault: unknown): void {
  console.warn(JSON.stringify({ message: 'account not listed', fault: String(fault) }))
}
