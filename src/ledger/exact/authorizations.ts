/**
 * The memory of used `exact` authorizations: one Durable Object per payer. An authorization opens one
 * resource, once paid.
 */
import { DurableObject } from 'cloudflare:workers'
import { padAmount, unpadAmount } from '../../protocol/amount.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import type { Reason } from '../../protocol/refusal.ts'
import { listExact } from '../book/accounts.ts'
import { REPLAY_WINDOW } from '../replay-window.ts'

/** How long a request that took an authorization is believed to be still at work. Milliseconds. */
export const LEASE = 120_000

/**
 * Seconds an authorization must still be valid, so that a block can be mined before it ends (x402 exact EVM
 * §Verification).
 */
const MARGIN = 6n

/** One use of one EIP-3009 authorization; (network, token, payer, nonce) names it. */
export type Use = {
  /** Names the request; the same call may be repeated with it after an unknown outcome. */
  id: string
  /** The object's own name: `<network>:<payer>`. */
  name: string
  token: Address
  payer: Address
  receiver: Address
  nonce: Hex
  /** What the authorization moves. */
  amount: bigint
  /** Unix seconds: the token takes it only before. */
  validBefore: bigint
  signature: Hex
  request: string
}

/** A payment that no request is at work on any more and whose end is not known. */
export type UnresolvedPayment = Pick<Use, 'token' | 'receiver' | 'nonce' | 'amount' | 'validBefore'> & {
  /** The request that had it last. */
  taker: string
  /** When it was first taken, in Unix milliseconds. */
  since: number
}

export type Taken =
  /** Nothing was ever taken from this payer. Nothing is now. */
  | { outcome: 'stranger' }
  /** Nobody used it, or only a request that failed. Settle it. */
  | { outcome: 'taken' }
  /** An earlier request for the same resource left it in doubt. Ask the chain before anything else. */
  | { outcome: 'doubtful' }
  /** Paid for this same request, lately or for nothing so far: deliver (again), settle nothing. */
  | { outcome: 'replayed'; transaction: Hex }
  | { outcome: 'refused'; reason: Reason }

type Status = 'taken' | 'doubtful' | 'settled' | 'released'

/**
 * What one payer has paid by `exact`, in atomic units; how many payments are in doubt, and how many bought
 * nothing.
 */
export type ExactTotals = { payments: number; received: bigint; inDoubt: number; undelivered: number }

/**
 * An authorization that was taken, as evidence. `at` is when that changed last, or null where it ended
 * without a transfer.
 */
export type RecordedPayment = {
  /** `<token>:<nonce>` */
  id: string
  /**
   * `undelivered`: the money was found on the chain when the request that should have delivered was long
   * dead.
   */
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

/**
 * What the tables of the first version lack. A payment of that version does not say who it was to, and stays
 * in doubt.
 */
const SECOND = [
  'ALTER TABLE authorization ADD COLUMN receiver TEXT',
  'ALTER TABLE authorization ADD COLUMN valid_before TEXT',
  'ALTER TABLE authorization ADD COLUMN since INTEGER',
  'ALTER TABLE authorization ADD COLUMN undelivered INTEGER NOT NULL DEFAULT 0 CHECK (undelivered IN (0, 1))',
]

export class Authorizations extends DurableObject<{ BOOK: D1Database }> {
  #ready = false

  /**
   * Takes an authorization for a request, before anything of the origin's answer leaves. Durable when it
   * answers. One that has lapsed, or is about to, or is not over `price`, what the resource costs now, opens
   * only what it was taken for before, over the same amount, and leaves no trace otherwise. Unless it `opens`
   * a memory, nothing is taken of who never paid here: none is to be had for a signature alone (faults: H1).
   */
  async take(use: Use, price: bigint = use.amount, opens = true): Promise<Taken> {
    const late = use.validBefore < BigInt(Math.floor(Date.now() / 1000)) + MARGIN
    const against: Reason | null = late ? 'exact_too_late' : use.amount === price ? null : 'exact_value'
    if (!this.#exists()) {
      if (against) return { outcome: 'refused', reason: against }
      if (!opens) return { outcome: 'stranger' }
      await this.#open(use)
    }
    const now = Date.now()
    return this.ctx.storage.transactionSync((): Taken => {
      const row = this.#row(use.token, use.nonce)
      if (!row || row.status === 'released')
        return against ? { outcome: 'refused', reason: against } : this.#put(use, 'taken', now)
      // The payer may have signed the same nonce over less: its price is not looked at again.
      const same = row.request === use.request && unpadAmount(row.amount) === use.amount
      if (!same) return { outcome: 'refused', reason: 'exact_bound' }
      if (row.status === 'settled') {
        if (!row.tx || (!row.undelivered && row.at <= now - REPLAY_WINDOW))
          return { outcome: 'refused', reason: 'exact_used' }
        return { outcome: 'replayed', transaction: row.tx }
      }
      if (row.taker === use.id) return { outcome: row.status }
      if (row.at > now - LEASE) return { outcome: 'refused', reason: 'exact_in_progress' }
      return this.#put(use, 'doubtful', now, row.since ?? now)
    })
  }

  /**
   * Renews the lease of the request `id` before it settles. False when another request has taken the
   * authorization over meanwhile: what this one settled then could pay for two deliveries.
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

  /** The transfer is on chain, and its request delivers now. Repeating it changes nothing. */
  async settled(token: Address, nonce: Hex, transaction: Hex): Promise<void> {
    this.#settle(token, nonce, transaction, true)
  }

  /**
   * The transfer of a payment in doubt is on chain. Nothing was delivered: an answer leaves only after
   * {@link settled}. What the payer has bought is theirs when they ask for it again. Repeating it changes
   * nothing.
   */
  async found(token: Address, nonce: Hex, transaction: Hex): Promise<void> {
    this.#settle(token, nonce, transaction, false)
  }

  /** Nothing was or will be moved: the payer may use the authorization again. */
  async release(token: Address, nonce: Hex, id: string): Promise<void> {
    this.#mark('released', token, nonce, id)
  }

  /** The outcome is not known: only the chain can say, and only the same request may ask again. */
  async doubt(token: Address, nonce: Hex, id: string): Promise<void> {
    this.#mark('doubtful', token, nonce, id)
  }

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

  /** Payments in doubt that nobody is at work on, those that lapse first before others. */
  async doubts(limit: number): Promise<UnresolvedPayment[]> {
    if (!this.#exists()) return []
    return this.ctx.storage.sql
      .exec(
        `SELECT token, receiver, nonce, amount, valid_before, taker, since FROM authorization
         WHERE status IN ('taken', 'doubtful') AND at <= ? AND receiver IS NOT NULL
         ORDER BY length(valid_before), valid_before LIMIT ?`,
        Date.now() - LEASE,
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

  /** The authorizations after `after` (an id; '' for the first page), in order of id. */
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
    // Another call may have opened it meanwhile.
    if (!this.#exists()) this.#make([...SCHEMA, ...SECOND])
  }

  /** Whether anything was ever taken here. Tables of an earlier version are brought up to this one. */
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

  /** What was paid for and not given is given now. */
  #deliver(token: Address, nonce: Hex, now: number): void {
    this.ctx.storage.sql.exec(
      'UPDATE authorization SET undelivered = 0, at = ? WHERE token = ? AND nonce = ?',
      now,
      token,
      nonce,
    )
  }

  /** The request that has it is done with it, and the next one need not wait for the lease. */
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
