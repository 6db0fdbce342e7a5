/** Reservations of `exact` authorizations: one Durable Object per payer. */
import { DurableObject } from 'cloudflare:workers'
import { padAmount, unpadAmount } from '../../protocol/amount.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import type { Reason } from '../../protocol/refusal.ts'
import { listExact } from '../book/accounts.ts'
import { REPLAY_WINDOW } from '../replay-window.ts'

/** How long a reservation blocks other requests. After that, its request counts as lost. */
export const LEASE_MS = 120_000

/**
 * An authorization must be valid for this long, so that a block can be mined in time (x402 exact EVM
 * §Verification).
 */
const MARGIN_SECONDS = 6n

/**
 * One use of one EIP-3009 authorization, identified by network, token, payer and nonce. Amounts in atomic
 * units.
 */
export type Use = {
  /** The request's idempotency key: repeat the call with it after an unknown outcome. */
  id: string
  /** The object's own name: `<network>:<payer>`. */
  name: string
  token: Address
  payer: Address
  receiver: Address
  nonce: Hex
  /** The value of the authorization. */
  amount: bigint
  /** Unix seconds. The token contract rejects the authorization from then on. */
  validBefore: bigint
  signature: Hex
  request: string
}

/** A payment with an unknown outcome that no request holds any more. */
export type UnresolvedPayment = Pick<Use, 'token' | 'receiver' | 'nonce' | 'amount' | 'validBefore'> & {
  /** The id of the request that held it last. */
  taker: string
  /** When it was first reserved, in Unix milliseconds. */
  since: number
}

/** The result of {@link Authorizations.take}. */
export type Reservation =
  /** An unknown payer, and `opens` is false. Nothing was stored. */
  | { outcome: 'unknown_payer' }
  /** Reserved: unused so far, or its earlier request failed. Settle it. */
  | { outcome: 'taken' }
  /** An earlier request for the same resource left it unresolved. Read the chain before you settle. */
  | { outcome: 'doubtful' }
  /** Already paid for this request, recently or without a delivery. Deliver it; do not settle. */
  | { outcome: 'replayed'; transaction: Hex }
  | { outcome: 'refused'; reason: Reason }

type Status = 'taken' | 'doubtful' | 'settled' | 'released'

/**
 * One payer's `exact` payments: their number and sum in atomic units, and how many are unresolved or
 * undelivered.
 */
export type ExactTotals = { payments: number; received: bigint; inDoubt: number; undelivered: number }

/**
 * A reserved authorization, as evidence. `at` is its last change in Unix milliseconds, or null without a
 * transfer.
 */
export type RecordedPayment = {
  /** `<token>:<nonce>` */
  id: string
  /** `undelivered`: the transfer was found on chain after its request had ended. */
  status: Status | 'undelivered'
  at: number | null
  amount: bigint
  request: string
  transaction: Hex | null
  signature: Hex
}

type Row = {
  status: Status
  taker: string
  amount: string
  request: string
  at: number
  tx: Hex | null
  since: number | null
  undelivered: number
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

/** Columns that the first version lacks. Its payments have no receiver, so they stay unresolved. */
const SECOND = [
  'ALTER TABLE authorization ADD COLUMN receiver TEXT',
  'ALTER TABLE authorization ADD COLUMN valid_before TEXT',
  'ALTER TABLE authorization ADD COLUMN since INTEGER',
  'ALTER TABLE authorization ADD COLUMN undelivered INTEGER NOT NULL DEFAULT 0 CHECK (undelivered IN (0, 1))',
]

/**
 * The source of truth for which request an `exact` authorization paid for. One authorization opens one
 * resource.
 *
 * Amounts in atomic units. Every change is durable when its call returns.
 */
export class Authorizations extends DurableObject<{ BOOK: D1Database }> {
  #ready = false

  /**
   * Reserves an authorization for a request, before any byte of the response leaves.
   *
   * If it expires too soon or its value is not `price`, it opens only the resource it was reserved for
   * before. Otherwise it is refused and nothing is stored.
   *
   * Threat: a signature alone must not create storage (faults: H1). With `opens: false`, an unknown payer
   * gets `unknown_payer` and nothing is stored.
   * @throws when D1 cannot be written for a new payer; nothing is reserved then
   */
  async take(use: Use, price: bigint = use.amount, opens = true): Promise<Reservation> {
    const late = use.validBefore < BigInt(Math.floor(Date.now() / 1000)) + MARGIN_SECONDS
    const against: Reason | null = late ? 'exact_too_late' : use.amount === price ? null : 'exact_value'
    if (!this.#exists()) {
      if (against) return { outcome: 'refused', reason: against }
      if (!opens) return { outcome: 'unknown_payer' }
      await this.#open(use)
    }
    const now = Date.now()
    return this.ctx.storage.transactionSync((): Reservation => {
      const row = this.#row(use.token, use.nonce)
      if (!row || row.status === 'released')
        return against ? { outcome: 'refused', reason: against } : this.#put(use, 'taken', now)
      // Threat: the payer may sign the same nonce again over less. The price is not checked again, so the
      // amount must match.
      const same = row.request === use.request && unpadAmount(row.amount) === use.amount
      if (!same) return { outcome: 'refused', reason: 'exact_bound' }
      if (row.status === 'settled') {
        if (!row.tx || (!row.undelivered && row.at <= now - REPLAY_WINDOW))
          return { outcome: 'refused', reason: 'exact_used' }
        return { outcome: 'replayed', transaction: row.tx }
      }
      if (row.taker === use.id) return { outcome: row.status }
      if (row.at > now - LEASE_MS) return { outcome: 'refused', reason: 'exact_in_progress' }
      return this.#put(use, 'doubtful', now, row.since ?? now)
    })
  }

  /**
   * Renews the lease of request `id` before it settles. Returns false if another request holds the
   * authorization now: do not settle, or one transfer would pay for two deliveries.
   */
  async renew(token: Address, nonce: Hex, id: string): Promise<boolean> {
    return (
      this.ctx.storage.sql
        .exec(
          `UPDATE authorization SET at = ? WHERE token = ? AND nonce = ? AND taker = ? AND status IN ('taken', 'doubtful') RETURNING 1`,
          Date.now(),
          token,
          nonce,
          id,
        )
        .toArray().length > 0
    )
  }

  /** Records that the transfer is on chain and that its request delivers now. Idempotent. */
  async settled(token: Address, nonce: Hex, transaction: Hex): Promise<void> {
    this.#settle(token, nonce, transaction, true)
  }

  /**
   * Records that the transfer of an unresolved payment is on chain, but undelivered: a response leaves only
   * after {@link settled}. The payer gets the resource when they repeat the request. Idempotent.
   */
  async found(token: Address, nonce: Hex, transaction: Hex): Promise<void> {
    this.#settle(token, nonce, transaction, false)
  }

  /**
   * Releases the reservation of request `id`, because no transfer happened or will. The payer may use it
   * again.
   */
  async release(token: Address, nonce: Hex, id: string): Promise<void> {
    this.#mark('released', token, nonce, id)
  }

  /**
   * Marks the payment of request `id` as unresolved. From now on only the same resource may be requested with
   * it.
   */
  async doubt(token: Address, nonce: Hex, id: string): Promise<void> {
    this.#mark('doubtful', token, nonce, id)
  }

  /** Returns the payer's totals; zeros for an unknown payer. */
  async totals(): Promise<ExactTotals> {
    if (!this.#exists()) return { payments: 0, received: 0n, inDoubt: 0, undelivered: 0 }
    const [row] = this.ctx.storage.sql
      .exec(
        `SELECT count(*) FILTER (WHERE status IN ('taken', 'doubtful')) AS doubts,
         count(*) FILTER (WHERE undelivered = 1) AS undelivered FROM authorization`,
      )
      .toArray()
    return { ...this.#totals(), inDoubt: Number(row?.doubts), undelivered: Number(row?.undelivered) }
  }

  /**
   * Returns up to `limit` unresolved payments that no request holds, by `validBefore`, the earliest first.
   */
  async doubts(limit: number): Promise<UnresolvedPayment[]> {
    if (!this.#exists()) return []
    return this.ctx.storage.sql
      .exec(
        `SELECT token, receiver, nonce, amount, valid_before, taker, since FROM authorization
         WHERE status IN ('taken', 'doubtful') AND at <= ? AND receiver IS NOT NULL
         ORDER BY length(valid_before), valid_before LIMIT ?`,
        Date.now() - LEASE_MS,
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

  /** Returns up to `limit` authorizations with `id > after` (`''` for the first page), in order of id. */
  async uses(after: string, limit: number): Promise<RecordedPayment[]> {
    if (!this.#exists()) return []
    const [token = '', nonce = ''] = after.split(':')
    return this.ctx.storage.sql
      .exec(
        'SELECT * FROM authorization WHERE (token, nonce) > (?, ?) ORDER BY token, nonce LIMIT ?',
        token,
        nonce,
        limit,
      )
      .toArray()
      .map((row) => ({
        id: `${row.token}:${row.nonce}`,
        status: row.undelivered ? 'undelivered' : (row.status as Status),
        at: Number(row.at) || null,
        amount: unpadAmount(String(row.amount)),
        request: String(row.request),
        transaction: row.tx as Hex | null,
        signature: row.signature as Hex,
      }))
  }

  async #open(use: Use): Promise<void> {
    await listExact(this.env.BOOK, use.name, use)
    // Another call may have created the tables during the D1 write.
    if (!this.#exists()) this.#make([...SCHEMA, ...SECOND])
  }

  /** Whether the payer has reserved anything before. Migrates the tables of an earlier version. */
  #exists(): boolean {
    if (this.#ready) return true
    const { sql } = this.ctx.storage
    const columns = sql.exec(`SELECT name FROM pragma_table_info('authorization')`).toArray()
    if (columns.length === 0) return false
    this.#make(columns.some(({ name }) => name === 'undelivered') ? [] : SECOND)
    return true
  }

  #make(statements: string[]): void {
    this.ctx.storage.transactionSync(() => {
      for (const statement of statements) this.ctx.storage.sql.exec(statement)
    })
    this.#ready = true
  }

  #row(token: Address, nonce: Hex): Row | undefined {
    const [row] = this.ctx.storage.sql
      .exec(
        `SELECT status, taker, amount, request, at, tx, since, undelivered FROM authorization
         WHERE token = ? AND nonce = ?`,
        token,
        nonce,
      )
      .toArray()
    return row as Row | undefined
  }

  #put<Outcome extends 'taken' | 'doubtful'>(
    use: Use,
    outcome: Outcome,
    now: number,
    since = now,
  ): { outcome: Outcome } {
    this.ctx.storage.sql.exec(
      `INSERT OR REPLACE INTO authorization VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, 0)`,
      use.token,
      use.nonce,
      outcome,
      now,
      use.id,
      padAmount(use.amount),
      use.signature,
      use.request,
      use.receiver,
      use.validBefore.toString(),
      since,
    )
    return { outcome }
  }

  #settle(token: Address, nonce: Hex, transaction: Hex, delivers: boolean): void {
    if (!this.#exists()) return
    this.ctx.storage.transactionSync(() => {
      const sql = this.ctx.storage.sql
      const [row] = sql
        .exec(
          'SELECT status, amount, undelivered FROM authorization WHERE token = ? AND nonce = ?',
          token,
          nonce,
        )
        .toArray()
      if (!row) return
      if (row.status === 'settled') {
        if (row.undelivered && delivers) this.#deliver(token, nonce, Date.now())
        return
      }
      sql.exec(
        `UPDATE authorization SET status = 'settled', tx = ?, at = ?, undelivered = ? WHERE token = ? AND nonce = ?`,
        transaction,
        Date.now(),
        delivers ? 0 : 1,
        token,
        nonce,
      )
      const { payments, received } = this.#totals()
      sql.exec(
        'INSERT OR REPLACE INTO total VALUES (1, ?, ?)',
        payments + 1,
        padAmount(received + unpadAmount(String(row.amount))),
      )
    })
  }

  /** Marks an undelivered payment as delivered. */
  #deliver(token: Address, nonce: Hex, now: number): void {
    this.ctx.storage.sql.exec(
      'UPDATE authorization SET undelivered = 0, at = ? WHERE token = ? AND nonce = ?',
      now,
      token,
      nonce,
    )
  }

  /** Ends the lease of request `id`, so that the next request need not wait. */
  #mark(status: Status, token: Address, nonce: Hex, id: string): void {
    this.ctx.storage.sql.exec(
      `UPDATE authorization SET status = ?, at = 0
       WHERE token = ? AND nonce = ? AND taker = ? AND status IN ('taken', 'doubtful')`,
      status,
      token,
      nonce,
      id,
    )
  }

  #totals(): { payments: number; received: bigint } {
    const [row] = this.ctx.storage.sql.exec('SELECT payments, received FROM total').toArray()
    return row
      ? { payments: Number(row.payments), received: unpadAmount(String(row.received)) }
      : { payments: 0, received: 0n }
  }
}
