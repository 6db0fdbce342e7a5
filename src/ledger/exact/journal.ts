/** An `exact` payer's tables: one row per authorization, and one row of totals. */
import { padAmount, unpadAmount } from '../../protocol/amount.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { columnsOf } from '../columns.ts'
import { soldIn, soldOf } from '../sold.ts'
import { ExactSales } from './sales.ts'
import { AUTHORIZATION, createExactTables } from './tables.ts'
import type { ExactTotals, RecordedPayment, Status, UnresolvedPayment, Use } from './types.ts'

type Row = Record<string, SqlStorageValue>

/** One authorization as it is stored. */
export type AuthorizationRow = {
  status: Status
  taker: string
  amount: string
  request: string
  at: number
  tx: Hex | null
  since: number | null
  undelivered: number
  shown: number
  runner: string | null
  deliveries: number
  site: string | null
  undone: 'open' | 'lost' | null
}

/** Conditions of open payments. Each is found by an index, so only as it is spelled here. */
const UNRESOLVED = `status <> 'settled' AND status IN ('taken', 'doubtful')`
/** Refused, while somebody may still use the signature. */
const WATCHED = `status <> 'settled' AND status = 'released' AND shown = 1`
const UNDONE = `undone = 'open'`
const UNDELIVERED = 'undelivered = 1'

/** Reads and writes one payer's tables. Callers hold the transaction. Times in Unix milliseconds. */
export class AuthorizationJournal {
  readonly #sql: SqlStorage
  readonly sales: ExactSales

  constructor(sql: SqlStorage) {
    this.#sql = sql
    this.sales = new ExactSales(sql)
  }

  /** Whether the tables exist, and whether with all their columns. */
  state(): 'none' | 'old' | 'current' {
    const columns = columnsOf(this.#sql, AUTHORIZATION)
    if (columns.size === 0) return 'none'
    return AUTHORIZATION.added.every(([column]) => columns.has(column)) ? 'current' : 'old'
  }

  /** Creates the tables, or adds the columns that they lack. */
  create(): void {
    createExactTables(this.#sql)
  }

  read(token: Address, nonce: Hex): AuthorizationRow | undefined {
    const [row] = this.#sql
      .exec(
        `SELECT status, taker, amount, request, at, tx, since, undelivered, shown, runner, deliveries, site, undone
         FROM authorization WHERE token = ? AND nonce = ?`,
        token,
        nonce,
      )
      .toArray()
    return row as AuthorizationRow | undefined
  }

  /**
   * Reserves an authorization. The time of its first reservation stays, and so does `shown`. One that has paid keeps its place
   * among the payments.
   */
  put(use: Use, status: 'taken' | 'doubtful', now: number): void {
    const earlier = this.read(use.token, use.nonce)
    if (earlier?.status === 'settled') {
      this.#retake(use, now)
      return
    }
    const sold = soldOf(use)
    this.#sql.exec(
      `INSERT OR REPLACE INTO authorization
       (token, nonce, status, at, taker, amount, signature, request, receiver, valid_before, since, shown,
       rule, site, policy, who)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      use.token,
      use.nonce,
      status,
      now,
      use.id,
      padAmount(use.amount),
      use.signature,
      use.request,
      use.receiver,
      use.validBefore.toString(),
      earlier?.since ?? now,
      use.isShown || earlier?.shown ? 1 : 0,
      sold.rule,
      sold.site,
      sold.policy,
      sold.who,
    )
  }

  #retake({ token, nonce, id }: Use, now: number): void {
    this.#sql.exec(
      'UPDATE authorization SET taker = ?, at = ? WHERE token = ? AND nonce = ?',
      id,
      now,
      token,
      nonce,
    )
  }

  /** Renews the lease of request `id`, and records that the signature is shown from now on. Returns false if another request holds the authorization. */
  renew(token: Address, nonce: Hex, id: string, now: number): boolean {
    return (
      this.#sql
        .exec(
          `UPDATE authorization SET at = ?, shown = 1
           WHERE token = ? AND nonce = ? AND taker = ?
           AND (status IN ('taken', 'doubtful') OR undone = 'open') RETURNING 1`,
          now,
          token,
          nonce,
          id,
        )
        .toArray().length > 0
    )
  }

  /** Records the transfer, once. Returns whether it is new. A transfer that was undone may be another transaction now. */
  settle(token: Address, nonce: Hex, transaction: Hex, delivers: boolean, now: number): boolean {
    const row = this.read(token, nonce)
    if (!row) return false
    if (row.undone === 'open') this.sales.replace(token, nonce, transaction)
    if (row.status === 'settled') {
      if (row.undelivered && delivers) this.#deliver(token, nonce, now)
      return false
    }
    const { number, earlier } = this.sales.add(
      `${token}:${nonce}`,
      unpadAmount(row.amount),
      row.site !== null,
    )
    this.#sql.exec(
      `UPDATE authorization SET status = 'settled', tx = ?, at = ?, undelivered = ?, deliveries = ?,
       paid_at = ?, number = ?, earlier = ? WHERE token = ? AND nonce = ?`,
      transaction,
      now,
      delivers ? 0 : 1,
      delivers ? 1 : 0,
      now,
      number,
      earlier,
      token,
      nonce,
    )
    return true
  }

  /** Marks an undelivered payment as delivered. */
  #deliver(token: Address, nonce: Hex, now: number): void {
    this.#sql.exec(
      'UPDATE authorization SET undelivered = 0, runner = NULL, at = ? WHERE token = ? AND nonce = ?',
      now,
      token,
      nonce,
    )
  }

  /** Counts one more delivery of a paid authorization. */
  count(token: Address, nonce: Hex): void {
    this.#sql.exec(
      'UPDATE authorization SET deliveries = deliveries + 1 WHERE token = ? AND nonce = ?',
      token,
      nonce,
    )
  }

  /** Reserves the only delivery of an undelivered payment for request `id`. */
  run(token: Address, nonce: Hex, id: string, now: number): void {
    this.#sql.exec(
      `UPDATE authorization SET runner = ?, at = ?, deliveries = deliveries + 1
       WHERE token = ? AND nonce = ? AND undelivered = 1`,
      id,
      now,
      token,
      nonce,
    )
  }

  /** Takes back the failed delivery of request `id`. */
  undeliver(token: Address, nonce: Hex, id: string): void {
    this.#sql.exec(
      `UPDATE authorization SET deliveries = max(0, deliveries - 1), runner = nullif(runner, ?)
       WHERE token = ? AND nonce = ? AND status = 'settled'`,
      id,
      token,
      nonce,
    )
  }

  /** Deletes the reservation of request `id` unless somebody else may have its signature. */
  forget(token: Address, nonce: Hex, id: string): void {
    this.#sql.exec(
      `DELETE FROM authorization WHERE token = ? AND nonce = ? AND taker = ?
       AND status IN ('taken', 'doubtful') AND shown = 0`,
      token,
      nonce,
      id,
    )
  }

  /** Ends the lease of request `id`, so that the next request need not wait. */
  mark(status: Status, token: Address, nonce: Hex, id: string): void {
    this.#sql.exec(
      `UPDATE authorization SET status = ?, at = 0
       WHERE token = ? AND nonce = ? AND taker = ? AND status IN ('taken', 'doubtful')`,
      status,
      token,
      nonce,
      id,
    )
  }

  /**
   * Deletes the payment that request `id` held last: the chain shows that it can never be used. One that had been settled is
   * lost, and stays. Returns whether it is.
   */
  close(token: Address, nonce: Hex, id: string, now: number): boolean {
    const row = this.read(token, nonce)
    if (row?.undone === 'open' && row.taker === id) {
      this.sales.lose(token, nonce, now)
      return true
    }
    this.#sql.exec(
      `DELETE FROM authorization WHERE token = ? AND nonce = ? AND taker = ? AND status <> 'settled'`,
      token,
      nonce,
      id,
    )
    return false
  }

  /**
   * How many payments requests hold since `leased`, how many were refused and are watched, and how many of those were
   * first reserved after `lately`.
   */
  unpaid(leased: number, lately: number): { held: number; refused: number; refusedLately: number } {
    const [row] = this.#sql
      .exec(
        `SELECT count(*) FILTER (WHERE status <> 'released' AND at > ?) AS held,
         count(*) FILTER (WHERE status = 'released') AS refused,
         count(*) FILTER (WHERE status = 'released' AND since > ?) AS lately
         FROM authorization WHERE status <> 'settled'`,
        leased,
        lately,
      )
      .toArray()
    return { held: Number(row?.held), refused: Number(row?.refused), refusedLately: Number(row?.lately) }
  }

  /** Deletes refused payments that lapsed before `lapsed` (Unix seconds). Without a node of ours nothing else ends their watch. */
  prune(lapsed: number): void {
    this.#sql.exec(
      `DELETE FROM authorization
       WHERE status <> 'settled' AND status = 'released'
       AND (valid_before IS NULL OR (length(valid_before), valid_before) < (length(?1), ?1))`,
      lapsed.toString(),
    )
  }

  totals(): Pick<ExactTotals, 'payments' | 'received' | 'provisional' | 'lost'> {
    const { payments, received, provisional, lost } = this.sales.total()
    return { payments, received, provisional, lost }
  }

  /** Whether a payment is unresolved, undelivered, watched or not final. Every alarm asks, so it reads no other payment. */
  isOpen(): boolean {
    if (this.sales.total().provisional > 0) return true
    return [UNRESOLVED, WATCHED, UNDELIVERED, UNDONE].some(
      (which) => this.#sql.exec(`SELECT 1 FROM authorization WHERE ${which} LIMIT 1`).toArray().length > 0,
    )
  }

  /** How many payments are unresolved, undelivered, and watched. Each is counted by its index. */
  open(): { inDoubt: number; undelivered: number; watched: number } {
    const count = (which: string) => `(SELECT count(*) FROM authorization WHERE ${which})`
    const [row] = this.#sql
      .exec(
        `SELECT ${count(UNRESOLVED)} + ${count(UNDONE)} AS doubts, ${count(UNDELIVERED)} AS undelivered,
         ${count(WATCHED)} AS watched`,
      )
      .toArray()
    return {
      inDoubt: Number(row?.doubts),
      undelivered: Number(row?.undelivered),
      watched: Number(row?.watched),
    }
  }

  /** Unresolved, watched and undone payments without a lease since `until`, by `validBefore`, the earliest first. */
  doubts(until: number, limit: number): UnresolvedPayment[] {
    const searches = [`${UNRESOLVED} AND at <= ?1`, `${WATCHED} AND at <= ?1`, UNDONE].map(
      (which) => `SELECT token, receiver, nonce, amount, valid_before, taker, since, undone FROM authorization
        WHERE ${which} AND receiver IS NOT NULL`,
    )
    return this.#sql
      .exec(
        `SELECT * FROM (${searches.join(' UNION ALL ')}) ORDER BY length(valid_before), valid_before LIMIT ?2`,
        until,
        limit,
      )
      .toArray()
      .map((row) => ({
        token: row.token as Address,
        receiver: row.receiver as Address,
        nonce: row.nonce as Hex,
        amount: unpadAmount(String(row.amount)),
        validBefore: BigInt(String(row.valid_before)),
        taker: String(row.taker),
        since: Number(row.since),
        isUndone: row.undone !== null,
      }))
  }

  /** One authorization, or null. */
  use(token: Address, nonce: Hex): RecordedPayment | null {
    const [row] = this.#sql
      .exec('SELECT * FROM authorization WHERE token = ? AND nonce = ?', token, nonce)
      .toArray()
    return row ? recorded(row) : null
  }

  /** Up to `limit` authorizations with `id > after`, in order of id. */
  uses(after: string, limit: number): RecordedPayment[] {
    const [token = '', nonce = ''] = after.split(':')
    return this.#sql
      .exec(
        'SELECT * FROM authorization WHERE (token, nonce) > (?, ?) ORDER BY token, nonce LIMIT ?',
        token,
        nonce,
        limit,
      )
      .toArray()
      .map(recorded)
  }
}

function statusOf({ status, undone, undelivered, shown }: Row): RecordedPayment['status'] {
  if (undone !== null) return undone === 'lost' ? 'lost' : 'undone'
  if (undelivered === 1) return 'undelivered'
  return status === 'released' && shown === 1 ? 'watched' : (status as Status)
}

function recorded(row: Row): RecordedPayment {
  return {
    id: `${row.token}:${row.nonce}`,
    status: statusOf(row),
    at: Number(row.at) || null,
    amount: unpadAmount(String(row.amount)),
    request: String(row.request),
    ...soldIn(row),
    transaction: row.tx as Hex | null,
    signature: row.signature as Hex,
  }
}
