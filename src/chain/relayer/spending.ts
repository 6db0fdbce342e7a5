/** The relayer's record of the gas that payers have cost, by day. It decides whether one more order may be paid for. */
import { DAY_MS } from '../../platform/time.ts'
import { type Declined, type GasTerms, type Sponsored, worthItsGas } from './gas-money.ts'

/** A payer without an order in this many days is new again. Older rows are deleted. */
const KEEP_DAYS = 30
/** The row that payers of their first day share. */
const NEW = 'new'

// Landed statements are never edited; later versions append.
const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS spent (
    day INTEGER NOT NULL,
    payer TEXT NOT NULL,
    wei TEXT NOT NULL,
    PRIMARY KEY (payer, day)
  ) STRICT, WITHOUT ROWID`,
]

/** The cost of an order now, in wei: expected, and at worst. */
export type Cost = { expected: bigint; worst: bigint }

/** An order that we do not pay for now. `least`: the amount that is worth its gas, in atomic units. */
export type DeclinedOrder = { status: 'declined'; reason: Declined; least: bigint }

/**
 * Counts what payers cost. A payer of its first day also counts against the budget that new payers share: a stranger with
 * many addresses takes nothing from payers that were here before.
 */
export class Spending {
  readonly #sql: SqlStorage
  readonly #terms: GasTerms

  constructor(sql: SqlStorage, terms: GasTerms) {
    this.#sql = sql
    this.#terms = terms
    for (const statement of SCHEMA) sql.exec(statement)
  }

  /** Declines an order at any price; undefined while the budgets are not used up. `now`: Unix ms. */
  exhausted(sponsored: Sponsored, now: number): DeclinedOrder | undefined {
    const reason = this.#over(sponsored, 0n, now)
    return reason && { status: 'declined', reason, least: 0n }
  }

  /**
   * Declines an order; undefined if it may be signed. `fee`: wei per gas. `free`: the relayer's balance without the cost of
   * open orders, in wei.
   */
  decline(
    sponsored: Sponsored,
    { cost, fee, free, now }: { cost: Cost; fee: bigint; free: bigint; now: number },
  ): DeclinedOrder | undefined {
    const least = worthItsGas(sponsored.kind, fee, this.#terms.nativePrice)
    const isReserved = free - cost.worst < this.#terms.reserve
    const reason =
      sponsored.amount < least
        ? 'below_gas'
        : isReserved
          ? 'reserve'
          : this.#over(sponsored, cost.expected, now)
    return reason && { status: 'declined', reason, least }
  }

  /** Counts an order that is being signed. The caller stores the order in the same write. */
  spend({ payer }: Sponsored, { expected }: Cost, now: number): void {
    const day = dayOf(now)
    for (const bucket of this.#isNew(payer, day) ? [payer, NEW] : [payer]) {
      const wei = (this.#spent(bucket, day) + expected).toString()
      this.#sql.exec('INSERT OR REPLACE INTO spent VALUES (?, ?, ?)', day, bucket, wei)
    }
  }

  /** Deletes the rows of payers that have been away for long. */
  prune(now: number): void {
    this.#sql.exec('DELETE FROM spent WHERE day < ?', dayOf(now) - KEEP_DAYS)
  }

  #over({ payer }: Sponsored, wei: bigint, now: number): Declined | undefined {
    const day = dayOf(now)
    const { perPayer, newPayers } = this.#terms
    if (exceeds(this.#spent(payer, day), wei, perPayer)) return 'payer_budget'
    if (this.#isNew(payer, day) && exceeds(this.#spent(NEW, day), wei, newPayers)) return 'new_payers_budget'
    return undefined
  }

  #spent(payer: string, day: number): bigint {
    const [row] = this.#sql.exec('SELECT wei FROM spent WHERE payer = ? AND day = ?', payer, day).toArray()
    return BigInt(String(row?.wei ?? 0))
  }

  #isNew(payer: string, day: number): boolean {
    const earlier = 'SELECT 1 FROM spent WHERE payer = ? AND day < ? LIMIT 1'
    return this.#sql.exec(earlier, payer, day).toArray().length === 0
  }
}

/** A budget that is used up stays used up, also for an order that costs nothing. */
function exceeds(spent: bigint, more: bigint, budget: bigint): boolean {
  return spent >= budget || spent + more > budget
}

function dayOf(now: number): number {
  return Math.floor(now / DAY_MS)
}
