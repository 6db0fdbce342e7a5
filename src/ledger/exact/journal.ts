/** An `exact` payer's tables: one row per authorization, and one row of totals. */
import { padAmount, unpadAmount } from '../../protocol/amount.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { addColumns, columnsOf, type TableVersion } from '../columns.ts'
import { soldIn, soldOf } from '../sold.ts'
import { ExactSales } from './sales.ts'
import type { RecordedPayment, Status, UnresolvedPayment, Use } from './types.ts'

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
}

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS authorization (
    token TEXT NOT NULL,
    nonce TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('taken', 'doubtful', 'settled', 'released')),
    at INTEGER NOT NULL,
    taker TEXT NOT NULL,
    amount TEXT NOT NULL CHECK (length(amount) = 39),
    signature TEXT NOT NULL,
    request TEXT NOT NULL,
    tx TEXT,
    PRIMARY KEY (token, nonce)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS total (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    payments INTEGER NOT NULL,
    received TEXT NOT NULL CHECK (length(received) = 39)
  ) STRICT`,
]

/**
 * Columns that were added later, oldest first, with what fills them. Payments of the first version lack a receiver, so they
 * stay unresolved. `shown`: whether anybody else may hold the signature; refused payments of earlier versions may have been.
 * `runner`: the request that the origin is carrying out, for a method with effects. `rule`, `site`, `policy` and `who`: what was sold.
 * `paid_at`, `number` and `earlier`: when it was settled, its place among the settled, and the key of the one before it.
 */
const AUTHORIZATION: TableVersion = {
  table: 'authorization',
  first: 9,
  added: [
    ['receiver', 'ALTER TABLE authorization ADD COLUMN receiver TEXT'],
    ['valid_before', 'ALTER TABLE authorization ADD COLUMN valid_before TEXT'],
    ['since', 'ALTER TABLE authorization ADD COLUMN since INTEGER'],
    [
      'undelivered',
      'ALTER TABLE authorization ADD COLUMN undelivered INTEGER NOT NULL DEFAULT 0 CHECK (undelivered IN (0, 1))',
    ],
    [
      'shown',
      'ALTER TABLE authorization ADD COLUMN shown INTEGER NOT NULL DEFAULT 0 CHECK (shown IN (0, 1))',
      `UPDATE authorization SET shown = 1 WHERE status <> 'settled'`,
    ],
    ['runner', 'ALTER TABLE authorization ADD COLUMN runner TEXT'],
    ['deliveries', 'ALTER TABLE authorization ADD COLUMN deliveries INTEGER NOT NULL DEFAULT 0'],
    ['rule', 'ALTER TABLE authorization ADD COLUMN rule TEXT'],
    ['site', 'ALTER TABLE authorization ADD COLUMN site TEXT'],
    ['policy', 'ALTER TABLE authorization ADD COLUMN policy INTEGER'],
    ['who', 'ALTER TABLE authorization ADD COLUMN who TEXT'],
    ['paid_at', 'ALTER TABLE authorization ADD COLUMN paid_at INTEGER'],
    ['number', 'ALTER TABLE authorization ADD COLUMN number INTEGER'],
    [
      'earlier',
      'ALTER TABLE authorization ADD COLUMN earlier TEXT',
      'ALTER TABLE total ADD COLUMN last TEXT',
      'ALTER TABLE total ADD COLUMN sold TEXT',
    ],
  ],
}

/** A payer may have paid a million times. The few that are open are found without reading those. */
const UNPAID = `CREATE INDEX IF NOT EXISTS unpaid ON authorization (status) WHERE status <> 'settled'`
const UNDELIVERED = 'CREATE INDEX IF NOT EXISTS undelivered ON authorization (at) WHERE undelivered = 1'

/** Refused, while somebody may still use the signature. */
const WATCHED = `status = 'released' AND shown = 1`

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
    for (const statement of SCHEMA) this.#sql.exec(statement)
    addColumns(this.#sql, AUTHORIZATION)
    this.#sql.exec(UNPAID)
    this.#sql.exec(UNDELIVERED)
  }

  read(token: Address, nonce: Hex): AuthorizationRow | undefined {
    const [row] = this.#sql
      .exec(
        `SELECT status, taker, amount, request, at, tx, since, undelivered, shown, runner, deliveries, site
         FROM authorization WHERE token = ? AND nonce = ?`,
        token,
        nonce,
      )
      .toArray()
    return row as AuthorizationRow | undefined
  }

  /** Reserves an authorization. The time of its first reservation stays, and so does `shown`. */
  put(use: Use, status: 'taken' | 'doubtful', now: number): void {
    const earlier = this.read(use.token, use.nonce)
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

  /** Renews the lease of request `id`, and records that the signature is shown from now on. Returns false if another request holds the authorization. */
  renew(token: Address, nonce: Hex, id: string, now: number): boolean {
    return (
      this.#sql
        .exec(
          `UPDATE authorization SET at = ?, shown = 1
           WHERE token = ? AND nonce = ? AND taker = ? AND status IN ('taken', 'doubtful') RETURNING 1`,
          now,
          token,
          nonce,
          id,
        )
        .toArray().length > 0
    )
  }

  /** Records the transfer, once. Returns whether it is new. */
  settle(token: Address, nonce: Hex, transaction: Hex, delivers: boolean, now: number): boolean {
    const row = this.read(token, nonce)
    if (!row) return false
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

  /** Deletes the payment that request `id` held last: the chain shows that it can never be used. */
  close(token: Address, nonce: Hex, id: string): void {
    this.#sql.exec(
      `DELETE FROM authorization WHERE token = ? AND nonce = ? AND taker = ? AND status <> 'settled'`,
      token,
      nonce,
      id,
    )
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

  totals(): { payments: number; received: bigint } {
    const { payments, received } = this.sales.total()
    return { payments, received }
  }

  /** Whether a payment is unresolved, undelivered or watched. Every alarm asks, so it reads no other payment. */
  isOpen(): boolean {
    const unpaid = `SELECT 1 FROM authorization
      WHERE status <> 'settled' AND (status IN ('taken', 'doubtful') OR ${WATCHED}) LIMIT 1`
    const undelivered = 'SELECT 1 FROM authorization WHERE undelivered = 1 LIMIT 1'
    return [unpaid, undelivered].some((query) => this.#sql.exec(query).toArray().length > 0)
  }

  /** How many payments are unresolved, undelivered, and watched. */
  open(): { inDoubt: number; undelivered: number; watched: number } {
    const [row] = this.#sql
      .exec(
        `SELECT count(*) FILTER (WHERE status IN ('taken', 'doubtful')) AS doubts,
         count(*) FILTER (WHERE undelivered = 1) AS undelivered,
         count(*) FILTER (WHERE ${WATCHED}) AS watched FROM authorization`,
      )
      .toArray()
    return {
      inDoubt: Number(row?.doubts),
      undelivered: Number(row?.undelivered),
      watched: Number(row?.watched),
    }
  }

  /** Unresolved and watched payments without a lease since `until`, by `validBefore`, the earliest first. */
  doubts(until: number, limit: number): UnresolvedPayment[] {
    return this.#sql
      .exec(
        `SELECT token, receiver, nonce, amount, valid_before, taker, since FROM authorization
         WHERE (status IN ('taken', 'doubtful') OR ${WATCHED}) AND at <= ? AND receiver IS NOT NULL
         ORDER BY length(valid_before), valid_before LIMIT ?`,
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

function recorded(row: Record<string, SqlStorageValue>): RecordedPayment {
  const isWatched = row.status === 'released' && row.shown === 1
  return {
    id: `${row.token}:${row.nonce}`,
    status: row.undelivered ? 'undelivered' : isWatched ? 'watched' : (row.status as Status),
    at: Number(row.at) || null,
    amount: unpadAmount(String(row.amount)),
    request: String(row.request),
    ...soldIn(row),
    transaction: row.tx as Hex | null,
    signature: row.signature as Hex,
  }
}
