/**
 * The one alarm of an account. It lists the account while it owes, so that no list in D1 is the only index of money
 * (faults: E12), and reports what it has charged.
 */
import { log } from '../platform/log.ts'
import type { FigureAccount } from './book/figure-report.ts'
import { FigureReports, type Reported, type SalesJournal, type Unreported } from './figures/report.ts'

/**
 * How long an account may owe before it writes its row again, and between two such writes. Below one day: a row
 * that one nightly run misses is there for the next. Most of a day: a run has usually settled the account by
 * then, and the alarm finds nothing to do.
 */
export const LIST_AFTER_MS = 20 * 3_600_000

/** When the alarm tries again to list the account, after D1 could not be written. */
export const LIST_RETRY_MS = 600_000

/** The same for a report. */
export const REPORT_RETRY_MS = 300_000

/** The key of the time at which the account must be listed again. */
const LIST_AT = 'list_at'

/** The account of an alarm. */
export type AlarmedAccount = {
  kind: FigureAccount['kind']
  /** The account's id, or null before it was opened. */
  id(): string | null
  /** The journal that it reports. */
  sales: SalesJournal
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
 * Invariant: while the account owes, or has charges to report, an alarm is set, to the duty that is due first. Only the change
 * from owing nothing to owing, and the first charge after a report, set one. The time of the list is stored: after a restart,
 * an alarm at any other time is the report's.
 *
 * Trap: an alarm that throws is dropped after six retries, so {@link ring} catches everything.
 */
export class AccountAlarm {
  readonly #storage: DurableObjectStorage
  readonly #account: AlarmedAccount
  readonly #reports: FigureReports
  /** When the alarm rings, and when it must by each of its two duties, in Unix milliseconds. Null: not set. */
  #ringsAt: number | null = null
  #listAt: number | null = null
  #reportAt: number | null = null
  #isListed = false
  #isTried = false
  #listing: Promise<void> | null = null

  /** Sets the alarm that an earlier version or a lost alarm left out. */
  constructor(ctx: DurableObjectState, book: D1Database, account: AlarmedAccount) {
    this.#storage = ctx.storage
    this.#account = account
    this.#reports = new FigureReports(book, account.sales, () => {
      const id = account.id()
      return id === null ? null : { kind: account.kind, account: id }
    })
    ctx.blockConcurrencyWhile(async () => {
      const at = await this.#storage.getAlarm()
      this.#ringsAt = at
      // An account of an earlier version has stored no time. Its alarm is the list's.
      this.#listAt = this.#storage.kv.get<number>(LIST_AT) ?? at
      if (at !== this.#listAt) this.#reportAt = at
      if (at !== null || !account.owes()) return
      // Trap: an alarm that wakes the object is not set any more. The time that it has stored must stay.
      await (this.#listAt === null ? this.#list(LIST_AFTER_MS) : this.#set())
      // An alarm that rings right after this is the one that has woken the object, and not yet the list's.
      this.#ringsAt = null
    })
  }

  /** Sets the alarm for the list unless it is set. Call it inside the transaction that makes the account owe. */
  owing(): void {
    const begins = this.#listAt === null
    if (begins) void this.#list(LIST_AFTER_MS)
    if (this.#isListed || (this.#isTried && !begins)) return
    this.#isTried = true
    // Trap: a kill can lose the first write of the row, and the alarm makes up for it only hours later.
    this.list(begins ? Date.now() : null)
  }

  /** Sets the alarm for a report unless it is set. Call it inside the transaction that changes what was charged. */
  charged(): void {
    if (this.#reportAt !== null) return
    const now = Date.now()
    this.#reportAt = now + this.#reports.delayMs(now)
    void this.#set()
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

  /** Reports every charge now. Returns null for an account that was never opened. */
  report(): Promise<Reported | Unreported | null> {
    return this.#reports.reportAfresh()
  }

  /**
   * The alarm's work: reports what was charged, lists the account if that is due, and sets the alarm for the next time. A
   * charge meanwhile sets it too. Never throws.
   */
  async ring(): Promise<void> {
    const now = Math.max(this.#ringsAt ?? 0, Date.now())
    this.#ringsAt = null
    this.#reportAt = null
    try {
      await this.#report()
      if (this.#listAt !== null && this.#listAt <= now) await this.#listAgain()
      await this.#set()
    } catch (fault) {
      this.#ringsAt = null
      this.#listAt = null
      this.#reportAt = null
      log('alarm_not_set', { fault })
    }
  }

  async #report(): Promise<void> {
    try {
      await this.#reports.report()
    } catch (fault) {
      this.#reportAt ??= Date.now() + REPORT_RETRY_MS
      log('figures_not_reported', { fault })
    }
  }

  /** Trap: an account that was settled before D1 had its row needs one too. A run sweeps to the receivers of rows alone. */
  async #listAgain(): Promise<void> {
    this.#listAt = null
    const mustWrite = this.#account.owes() || !this.#isListed
    const isWritten = !mustWrite || (await this.#isWritten())
    if (isWritten && !this.#account.owes()) this.#storage.kv.delete(LIST_AT)
    else await this.#list(isWritten ? LIST_AFTER_MS : LIST_RETRY_MS)
  }

  async #isWritten(): Promise<boolean> {
    try {
      await this.#write(Date.now())
      return true
    } catch (fault) {
      logNotListed(fault)
      return false
    }
  }

  async #write(relistedAt: number | null): Promise<void> {
    await this.#account.list(relistedAt)
    this.#isListed = true
  }

  async #list(delayMs: number): Promise<void> {
    this.#listAt = Date.now() + delayMs
    this.#storage.kv.put(LIST_AT, this.#listAt)
    await this.#set()
  }

  /** Sets the alarm to the duty that is due first, unless it rings by then. */
  async #set(): Promise<void> {
    const next = Math.min(
      this.#listAt ?? Number.POSITIVE_INFINITY,
      this.#reportAt ?? Number.POSITIVE_INFINITY,
    )
    if (!Number.isFinite(next) || (this.#ringsAt !== null && this.#ringsAt <= next)) return
    this.#ringsAt = next
    await this.#storage.setAlarm(next)
  }
}

function logNotListed(fault: unknown): void {
  log('account_not_listed', { fault })
}
