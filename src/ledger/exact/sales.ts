/**
 * The settled payments of an `exact` payer in order. Authorizations are stored by nonce: each settled one has a number and
 * the key of the one before it, so that the latest are found without an index, which would cost a row more for each.
 */
import { padAmount, unpadAmount } from '../../protocol/amount.ts'
import type { Redemption, Sale } from '../figures/fold.ts'
import type { SalesJournal } from '../figures/report.ts'
import { soldIn } from '../sold.ts'

type Row = Record<string, SqlStorageValue>

/** The row `total`. `last`: the key of the last settled payment. `sold`: the sum of all that a site sold since they are numbered. */
type Total = { payments: number; received: bigint; last: string | null; sold: bigint }

const NOTHING: Total = { payments: 0, received: 0n, last: null, sold: 0n }
const COLUMNS = 'number, earlier, paid_at, amount, request, site, rule, policy, who'

/** Reads and writes the order of the settled payments. Callers hold the transaction. Amounts in atomic units. */
export class ExactSales implements SalesJournal {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  total(): Total {
    const [table] = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'total'`).toArray()
    const [row] = table ? this.#sql.exec('SELECT * FROM total').toArray() : []
    if (!row) return NOTHING
    return {
      payments: Number(row.payments),
      received: unpadAmount(String(row.received)),
      last: (row.last ?? null) as string | null,
      sold: row.sold ? unpadAmount(String(row.sold)) : 0n,
    }
  }

  /** Adds the payment `key` (`<token>:<nonce>`) to the totals, as the last one. Returns its number and the key before it. */
  add(key: string, amount: bigint, isSold: boolean): { number: number; earlier: string | null } {
    const { payments, received, last, sold } = this.total()
    this.#sql.exec(
      'INSERT OR REPLACE INTO total (one, payments, received, last, sold) VALUES (1, ?, ?, ?, ?)',
      payments + 1,
      padAmount(received + amount),
      key,
      padAmount(isSold ? sold + amount : sold),
    )
    return { number: payments + 1, earlier: last }
  }

  last(): number {
    return this.total().payments
  }

  /** Payments of versions without numbers are passed over. */
  read(from: number, limit: number, take: (sale: Sale) => void): number {
    const to = Math.min(from + limit, this.last())
    for (const row of this.#between(from, to)) {
      const { site, rule, who } = soldIn(row)
      if (site === null) continue
      const amount = unpadAmount(String(row.amount))
      const request = String(row.request)
      take({ kind: 'charge', amount, at: Number(row.paid_at), site, rule, who, request })
    }
    return to
  }

  /** Each payment is a receipt, whatever it bought. */
  receipts(from: number, to: number): Redemption[] {
    return this.#between(from, to).map(({ paid_at, amount }) => ({
      at: Number(paid_at),
      amount: unpadAmount(String(amount)),
    }))
  }

  charged(to: number): bigint {
    const { sold, payments } = this.total()
    const later = this.#between(to, payments).filter(({ site }) => site !== null)
    return later.reduce((sum, { amount }) => sum - unpadAmount(String(amount)), sold)
  }

  earlier(back: number): number | null {
    let row = this.#payment(this.total().last)
    for (let step = 0; row && step < back; step++) row = this.#payment(row.earlier as string | null)
    return row ? Number(row.paid_at) : null
  }

  /** The payments with a number above `from`, up to `to`. Follows them back from the last one, or scans for older ones. */
  #between(from: number, to: number): Row[] {
    const { payments, last } = this.total()
    if (to < payments) {
      const older = `SELECT ${COLUMNS} FROM authorization WHERE number > ? AND number <= ?`
      return this.#sql.exec(older, from, to).toArray()
    }
    const rows: Row[] = []
    for (let row = this.#payment(last); row && Number(row.number) > from; ) {
      rows.push(row)
      row = this.#payment(row.earlier as string | null)
    }
    return rows
  }

  #payment(key: string | null): Row | undefined {
    const [token, nonce] = key?.split(':') ?? []
    if (token === undefined || nonce === undefined) return undefined
    const one = `SELECT ${COLUMNS} FROM authorization WHERE token = ? AND nonce = ?`
    return this.#sql.exec(one, token, nonce).toArray()[0]
  }
}
