/**
 * The settled payments of an `exact` payer in order. Authorizations are stored by nonce: each settled one has a number and
 * the key of the one before it, so that the latest are found without an index, which would cost a row more for each.
 *
 * A payment is provisional until a run has seen its transfer in a final block. Provisional are the last ones of the order, so
 * their number is all that is stored about them.
 */
import { padAmount, unpadAmount } from '../../protocol/amount.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import type { Redemption, Sale } from '../figures/fold.ts'
import type { SalesJournal } from '../figures/report.ts'
import { soldIn } from '../sold.ts'
import { createLosses } from './tables.ts'
import type { AuthorizationKey, ExactTotals, LostPayment, ProvisionalPayment } from './types.ts'

type Row = Record<string, SqlStorageValue>

/** The row `total`. `last`: the key of the last settled payment. `sold`: the sum of all that a site sold since they are numbered. */
type Total = Pick<ExactTotals, 'payments' | 'received' | 'provisional' | 'lost'> & {
  last: string | null
  sold: bigint
}

/** The totals of an unknown payer. */
export const NO_TOTALS: ExactTotals = {
  payments: 0,
  received: 0n,
  inDoubt: 0,
  undelivered: 0,
  watched: 0,
  provisional: 0,
  lost: 0,
}

const NOTHING: Total = { payments: 0, received: 0n, last: null, sold: 0n, provisional: 0, lost: 0 }
const COLUMNS = `token, nonce, receiver, valid_before, tx, undelivered, undone,
  number, earlier, paid_at, amount, request, site, rule, policy, who`

/** The position after the last event: each payment is one, and each loss another. */
export function positionOf({ payments, lost }: Pick<Total, 'payments' | 'lost'>): number {
  return payments + 2 * lost
}

/** Reads and writes the order of the settled payments. Callers hold the transaction. Amounts in atomic units. */
export class ExactSales implements SalesJournal {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  total(): Total {
    if (!this.#has('total')) return NOTHING
    const [row] = this.#sql.exec('SELECT * FROM total').toArray()
    if (!row) return NOTHING
    return {
      payments: Number(row.payments),
      received: unpadAmount(String(row.received)),
      last: (row.last ?? null) as string | null,
      sold: row.sold ? unpadAmount(String(row.sold)) : 0n,
      provisional: Number(row.provisional ?? 0),
      lost: Number(row.lost ?? 0),
    }
  }

  /** Adds the payment `key` (`<token>:<nonce>`) to the totals, as the last one. Returns its number and the key before it. */
  add(key: string, amount: bigint, isSold: boolean): { number: number; earlier: string | null } {
    const total = this.total()
    this.#write({
      ...total,
      payments: total.payments + 1,
      received: total.received + amount,
      last: key,
      sold: isSold ? total.sold + amount : total.sold,
      provisional: total.provisional + 1,
    })
    return { number: positionOf(total) + 1, earlier: total.last }
  }

  /** Up to `limit` provisional payments, the oldest first. Reads each of them. */
  provisional(limit: number): ProvisionalPayment[] {
    const { provisional } = this.total()
    const rows: Row[] = []
    let step = 0
    for (const row of this.#back()) {
      if (step === provisional) break
      if (step++ >= provisional - limit) rows.push(row)
    }
    return rows.reverse().map((row) => ({
      token: row.token as Address,
      receiver: row.receiver as Address,
      nonce: row.nonce as Hex,
      amount: unpadAmount(String(row.amount)),
      validBefore: BigInt(String(row.valid_before)),
      transaction: row.tx as Hex,
    }))
  }

  /** Makes the payments up to `last` final, or all without it. Changes nothing if it was done before. */
  confirm(last: AuthorizationKey | null): void {
    const total = this.total()
    let later = 0
    if (last) {
      for (const { token, nonce } of this.#back()) {
        if (later === total.provisional || (token === last.token && nonce === last.nonce)) break
        later++
      }
    }
    if (later < total.provisional) this.#write({ ...total, provisional: later })
  }

  /** Has a settled payment looked for, because the chain lacks its transfer. */
  undo({ token, nonce }: AuthorizationKey): void {
    this.#sql.exec(
      `UPDATE authorization SET undone = 'open'
       WHERE token = ? AND nonce = ? AND status = 'settled' AND undone IS NULL`,
      token,
      nonce,
    )
  }

  /** Replaces the transfer of a payment that was undone: the chain has it in another transaction. */
  replace(token: Address, nonce: Hex, transaction: Hex): void {
    this.#sql.exec('UPDATE authorization SET tx = ? WHERE token = ? AND nonce = ?', transaction, token, nonce)
  }

  /** Ends the search for a payment that was undone: a final block has its transfer again. */
  restore({ token, nonce }: AuthorizationKey): void {
    this.#sql.exec(
      `UPDATE authorization SET undone = NULL WHERE token = ? AND nonce = ? AND undone = 'open'`,
      token,
      nonce,
    )
  }

  /**
   * Takes a payment that was undone for good out of the receipts. If its page was delivered, what was charged for it stays: it
   * was sold, and never paid.
   */
  lose(token: Address, nonce: Hex, now: number): void {
    const row = this.#payment(`${token}:${nonce}`)
    if (row?.undone !== 'open') return
    const total = this.total()
    const amount = unpadAmount(String(row.amount))
    const isReleased = row.undelivered === 1
    createLosses(this.#sql)
    this.#sql.exec(
      'INSERT INTO loss (number, at, token, nonce, released) VALUES (?, ?, ?, ?, ?)',
      positionOf(total) + 1,
      now,
      token,
      nonce,
      isReleased ? 1 : 0,
    )
    this.#sql.exec(
      `UPDATE authorization SET undone = 'lost', undelivered = 0 WHERE token = ? AND nonce = ?`,
      token,
      nonce,
    )
    this.#write({
      ...total,
      payments: total.payments - 1,
      received: total.received - amount,
      sold: isReleased && row.site !== null ? total.sold - amount : total.sold,
      lost: total.lost + 1,
    })
  }

  /** The lost payments that no run has named. */
  losses(): LostPayment[] {
    return this.#lost(0, this.last())
      .filter(({ named }) => named === 0)
      .map(({ lost_number: number, nonce, amount, tx }) => ({
        number: Number(number),
        nonce: nonce as Hex,
        amount: unpadAmount(String(amount)),
        transaction: tx as Hex,
      }))
  }

  /** Ends the naming of the lost payments up to `number`. */
  named(number: number): void {
    if (this.#has('loss')) this.#sql.exec('UPDATE loss SET named = 1 WHERE number <= ?', number)
  }

  last(): number {
    return positionOf(this.total())
  }

  /** Payments of versions without numbers are passed over. */
  read(from: number, limit: number, take: (sale: Sale) => void): number {
    const to = Math.min(from + limit, this.last())
    for (const row of this.#between(from, to)) takeSale(row, 'charge', take)
    for (const row of this.#lost(from, to)) if (row.released === 1) takeSale(row, 'release', take)
    return to
  }

  /** Each payment is a receipt, whatever it bought, until it is lost. */
  receipts(from: number, to: number): Redemption[] {
    const paid = this.#between(from, to).map(({ paid_at, amount }) => ({
      at: Number(paid_at),
      amount: unpadAmount(String(amount)),
    }))
    const lost = this.#lost(from, to).map(({ lost_at, amount }) => ({
      at: Number(lost_at),
      amount: -unpadAmount(String(amount)),
    }))
    return [...paid, ...lost]
  }

  charged(to: number): bigint {
    const { sold } = this.total()
    const amountOf = ({ amount }: Row) => unpadAmount(String(amount))
    const isSold = ({ site }: Row) => site !== null
    const later = this.#between(to, this.last()).filter(isSold)
    const released = this.#lost(to, this.last()).filter((row) => isSold(row) && row.released === 1)
    return [...later.map((row) => -amountOf(row)), ...released.map(amountOf)].reduce(
      (sum, change) => sum + change,
      sold,
    )
  }

  earlier(back: number): number | null {
    let step = 0
    for (const row of this.#back()) if (step++ === back) return Number(row.paid_at)
    return null
  }

  /** The payments with a number above `from`, up to `to`. Follows them back from the last one, or scans for older ones. */
  #between(from: number, to: number): Row[] {
    if (to < this.last()) {
      const older = `SELECT ${COLUMNS} FROM authorization WHERE number > ? AND number <= ?`
      return this.#sql.exec(older, from, to).toArray()
    }
    const rows: Row[] = []
    for (const row of this.#back()) {
      if (Number(row.number) <= from) break
      rows.push(row)
    }
    return rows
  }

  /** The lost payments whose loss has a number above `from`, up to `to`. */
  #lost(from: number, to: number): Row[] {
    if (!this.#has('loss')) return []
    const losses = `SELECT loss.at AS lost_at, loss.number AS lost_number, loss.released, loss.named, authorization.*
      FROM loss
      JOIN authorization USING (token, nonce) WHERE loss.number > ? AND loss.number <= ?`
    return this.#sql.exec(losses, from, to).toArray()
  }

  /** The payments from the last one back. */
  *#back(): Generator<Row> {
    for (let row = this.#payment(this.total().last); row; row = this.#payment(row.earlier as string | null))
      yield row
  }

  #payment(key: string | null): Row | undefined {
    const [token, nonce] = key?.split(':') ?? []
    if (token === undefined || nonce === undefined) return undefined
    const one = `SELECT ${COLUMNS} FROM authorization WHERE token = ? AND nonce = ?`
    return this.#sql.exec(one, token, nonce).toArray()[0]
  }

  #has(table: string): boolean {
    return this.#sql.exec('SELECT 1 FROM sqlite_master WHERE name = ?', table).toArray().length > 0
  }

  #write({ payments, received, last, sold, provisional, lost }: Total): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO total (one, payments, received, last, sold, provisional, lost)
       VALUES (1, ?, ?, ?, ?, ?, ?)`,
      payments,
      padAmount(received),
      last,
      padAmount(sold),
      provisional,
      lost,
    )
  }
}

/** Passes on the sale of a payment, or its release. The payment of an invoice sells nothing. */
function takeSale(row: Row, kind: 'charge' | 'release', take: (sale: Sale) => void): void {
  const { site, rule, who } = soldIn(row)
  if (site === null) return
  const paid = unpadAmount(String(row.amount))
  const amount = kind === 'charge' ? paid : -paid
  take({ kind, amount, at: Number(row.paid_at), site, rule, who, request: String(row.request) })
}
