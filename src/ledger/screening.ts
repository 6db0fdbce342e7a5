/** Screening decisions, journalled in the object of the account that they are about. A listed payer's account is held. */
import { DurableObject } from 'cloudflare:workers'
import { dayOf } from '../platform/time.ts'
import type { Address } from '../protocol/evm/hex.ts'
import type { Hold, JournalledScreening, Screened, ScreeningEntry } from '../protocol/screening.ts'

// Threat: reading an object must not create tables, or anyone could fill storage (faults: H1). `held`: 1 where a row begins a
// hold, 0 where it ends one.
const SCHEMA = `CREATE TABLE IF NOT EXISTS screening (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  act TEXT NOT NULL,
  address TEXT NOT NULL,
  status TEXT NOT NULL,
  allowed INTEGER NOT NULL,
  list TEXT NOT NULL,
  dated INTEGER,
  reason TEXT NOT NULL,
  held INTEGER
) STRICT`

/**
 * The table `screening` of one object. It takes every decision but a repeated one: `clear` by the same list, or any other by the
 * same list for the same act on the same day (UTC). So a payer that asks again and again writes a row a day.
 */
class Screenings {
  readonly #sql: SqlStorage
  /** The hold as it is stored; null without one. */
  hold: Hold | null

  constructor(sql: SqlStorage) {
    this.#sql = sql
    const last = this.#lastMark()
    this.hold = last?.held === 1 ? holdOf(last) : null
  }

  /** Records a decision unless it is a repeated one. Callers hold the transaction. */
  note(decision: Screened, at: number): void {
    const { address, act, status, list, isAllowed } = decision
    const [last] = this.#select('WHERE address = ? ORDER BY seq DESC LIMIT 1', address)
    // The operator released a hold of this address alone: an account has two.
    const [mark] = this.#select('WHERE address = ? AND held IS NOT NULL ORDER BY seq DESC LIMIT 1', address)
    const isReleased = mark?.held === 0 && mark.list === list
    const starts = status === 'listed' && !this.hold && !isReleased
    const isSame = (row: Row | undefined): row is Row =>
      row?.status === status && row.list === list && row.isAllowed === isAllowed
    if (!starts && isSame(last)) {
      if (status === 'clear') return
      // Threat: a payer that asks by several acts in turn must not write a row each time.
      const [known] = this.#select('WHERE address = ? AND act = ? ORDER BY seq DESC LIMIT 1', address, act)
      if (isSame(known) && dayOf(known.at) === dayOf(at)) return
    }
    this.#append({ ...decision, at }, starts ? 1 : null)
    if (starts) this.hold = holdOf({ ...decision, at })
  }

  /** Ends the hold. Callers hold the transaction. */
  release(hold: Hold, reason: string, at: number): void {
    const { address, list, dated } = hold
    this.#append(
      { at, act: 'operator', address, status: 'released', isAllowed: true, list, dated, reason },
      0,
    )
    this.hold = null
  }

  /** Up to `limit` entries with `seq > after`, oldest first. */
  entries(after: number, limit: number): ScreeningEntry[] {
    return this.#select('WHERE seq > ? ORDER BY seq LIMIT ?', after, limit).map(
      ({ held: _, ...entry }) => entry,
    )
  }

  /** The row that began or ended a hold last. */
  #lastMark(): Row | undefined {
    return this.#select('WHERE held IS NOT NULL ORDER BY seq DESC LIMIT 1')[0]
  }

  #append(entry: Omit<ScreeningEntry, 'seq'>, held: number | null): void {
    this.#sql.exec(SCHEMA)
    const { at, act, address, status, isAllowed, list, dated, reason } = entry
    this.#sql.exec(
      `INSERT INTO screening (at, act, address, status, allowed, list, dated, reason, held)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[at, act, address, status, isAllowed ? 1 : 0, list, dated, reason, held],
    )
  }

  #select(where: string, ...bound: SqlStorageValue[]): Row[] {
    const [table] = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'screening'`).toArray()
    if (!table) return []
    return this.#sql
      .exec(`SELECT * FROM screening ${where}`, ...bound)
      .toArray()
      .map((row) => ({
        seq: Number(row.seq),
        at: Number(row.at),
        act: row.act as ScreeningEntry['act'],
        address: row.address as Address,
        status: row.status as ScreeningEntry['status'],
        isAllowed: row.allowed === 1,
        list: String(row.list),
        dated: row.dated as number | null,
        reason: String(row.reason),
        held: row.held as number | null,
      }))
  }
}

type Row = ScreeningEntry & { held: number | null }

function holdOf({
  address,
  list,
  dated,
  reason,
  at,
}: Omit<Screened, 'act' | 'status' | 'isAllowed'> & { at: number }): Hold {
  return { address, list, dated, reason, since: at }
}

/**
 * An object that journals screening decisions about its account. A listed payer's account is held: the object that extends this
 * one then charges and refunds nothing, and runs claim nothing from it.
 */
export abstract class ScreenedObject<Env = unknown> extends DurableObject<Env> {
  readonly #screenings = new Screenings(this.ctx.storage.sql)

  /**
   * Records a decision, durably, and returns the hold that it leaves. `listed` holds the account, unless the operator has
   * released the address from the same list.
   */
  async screened(decision: Screened): Promise<Hold | null | undefined> {
    this.ctx.storage.transactionSync(() => this.#screenings.note(decision, Date.now()))
    return this.#screenings.hold
  }

  /** Records the decisions about both ends of a payment, durably. */
  protected async screenedBoth({ screening, receiverScreening }: JournalledScreening): Promise<void> {
    if (screening) await this.screened(screening)
    if (receiverScreening) await this.screened(receiverScreening)
  }

  /** Ends the hold by the operator's word `reason`, and returns the hold that has ended; null if there was none. */
  async releaseHold(reason: string): Promise<Hold | null> {
    const { hold } = this.#screenings
    if (hold) this.ctx.storage.transactionSync(() => this.#screenings.release(hold, reason, Date.now()))
    return hold
  }

  /** Up to `limit` screening decisions with `seq > after`, oldest first. */
  async screenings(after: number, limit: number): Promise<ScreeningEntry[]> {
    return this.#screenings.entries(after, limit)
  }

  /** The hold of the account; null without one. */
  async hold(): Promise<Hold | null> {
    return this.#screenings.hold
  }

  /** The same, for the object itself. */
  protected get held(): Hold | null {
    return this.#screenings.hold
  }
}
