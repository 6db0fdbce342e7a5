/** The relayer's tables: orders with their nonces, and every transaction signed for them. */
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import type { Fees } from './gas.ts'
import { type Sponsored, worstCost } from './gas-money.ts'

/**
 * A transaction to make. `id` is its idempotency key: one id never makes two different transactions. `sponsored`: a payer
 * causes it, so it has a least amount and a budget.
 */
export type TransactionOrder = { id: string; to: Address; data: Hex; gas?: bigint; sponsored?: Sponsored }

/** A stored order. `nonce` is null after another transaction has used it and that is final. */
export type Placed = { id: string; to: Address; data: Hex; gas: bigint; nonce: number | null; open: boolean }

/** An order with a nonce: a signed transaction of it may be mined. */
export type Signed = Placed & { nonce: number }

/** One signed transaction of an order. `raw` is null once it has been pruned. */
export type SignedTransaction = { hash: Hex; raw: Hex | null; fees: Fees; at: number }

// Landed statements are never edited; later versions append.
const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS placed (
    id TEXT PRIMARY KEY,
    nonce INTEGER UNIQUE,
    receiver TEXT NOT NULL,
    data TEXT NOT NULL,
    gas TEXT NOT NULL,
    open INTEGER NOT NULL CHECK (open IN (0, 1)),
    at INTEGER NOT NULL
  ) STRICT`,
  `CREATE INDEX IF NOT EXISTS placed_open ON placed (nonce) WHERE open = 1`,
  `CREATE TABLE IF NOT EXISTS attempt (
    hash TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    raw TEXT,
    max_fee TEXT NOT NULL,
    tip TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT`,
  `CREATE INDEX IF NOT EXISTS placed_kept ON placed (at) WHERE data <> ''`,
  `CREATE INDEX IF NOT EXISTS attempt_order ON attempt (order_id, at)`,
  `CREATE INDEX IF NOT EXISTS attempt_nonce ON attempt (nonce)`,
  `CREATE INDEX IF NOT EXISTS attempt_kept ON attempt (at) WHERE raw IS NOT NULL`,
]

type Row = Record<string, SqlStorageValue>

/** Stores orders and their signed transactions in the relayer's SQLite. */
export class Orders {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    for (const statement of SCHEMA) storage.sql.exec(statement)
  }

  find(id: string): Placed | undefined {
    const [row] = this.#rows('SELECT * FROM placed WHERE id = ?', id)
    return row && placedOf(row)
  }

  /** Orders whose outcome is not known, by nonce. */
  open(limit: number): Placed[] {
    return this.#rows('SELECT * FROM placed WHERE open = 1 ORDER BY nonce LIMIT ?', limit).map(placedOf)
  }

  /** The most that all open orders may still cost, in wei: only one transaction of each can be mined. */
  committed(): bigint {
    const rows = this.#rows(
      `SELECT gas, (SELECT max_fee FROM attempt WHERE order_id = placed.id ORDER BY at DESC, rowid DESC LIMIT 1) AS max_fee
       FROM placed WHERE open = 1`,
    )
    return rows.reduce(
      (sum, { gas, max_fee: maxFee }) =>
        sum + worstCost(BigInt(String(gas)), { maxFee: BigInt(String(maxFee ?? 0)) }),
      0n,
    )
  }

  /** All transactions signed for an order, newest first. */
  attempts(id: string): SignedTransaction[] {
    return this.#rows('SELECT * FROM attempt WHERE order_id = ? ORDER BY at DESC, rowid DESC', id).map(
      attemptOf,
    )
  }

  /** When the newest transaction was signed, in Unix milliseconds; 0 for none whose bytes are kept. */
  signedAt(): number {
    const [row] = this.#rows('SELECT max(at) AS at FROM attempt WHERE raw IS NOT NULL')
    return Number(row?.at ?? 0)
  }

  /** Counts the orders whose outcome is unknown. */
  count(): number {
    const [row] = this.#rows('SELECT count(*) AS open FROM placed WHERE open = 1')
    return row?.open as number
  }

  /** Stores an order and its first signed transaction in one write, before anything is sent. */
  place(order: Placed & { nonce: number }, attempt: SignedTransaction): void {
    this.#storage.transactionSync(() => {
      const { id, nonce, to, data, gas } = order
      this.#storage.sql.exec(
        `INSERT INTO placed VALUES (?, ?, ?, ?, ?, 1, ?)
         ON CONFLICT (id) DO UPDATE SET nonce = excluded.nonce, gas = excluded.gas, open = 1 WHERE placed.nonce IS NULL`,
        id,
        nonce,
        to,
        data,
        gas.toString(),
        attempt.at,
      )
      this.#keep(id, nonce, attempt)
    })
  }

  /** Stores a replacement: the same nonce and content at a higher fee. */
  replace(order: Placed & { nonce: number }, attempt: SignedTransaction): void {
    this.#storage.transactionSync(() => this.#keep(order.id, order.nonce, attempt))
  }

  /** Records whether the order's transaction is on the chain (`open` is false). Returns whether that changed. */
  mark(id: string, open: boolean): boolean {
    const news = this.#rows(
      `UPDATE placed SET open = ?1 WHERE id = ?2 AND open <> ?1 AND data <> '' RETURNING id`,
      open ? 1 : 0,
      id,
    )
    return news.length > 0
  }

  /** Records that another transaction has the order's nonce and is final: ours can never be mined. */
  displace(id: string): void {
    this.#storage.sql.exec('UPDATE placed SET nonce = NULL, open = 0 WHERE id = ?', id)
  }

  /** Reopens orders whose nonces the chain no longer counts, after a reorganization. */
  reopen(from: number): void {
    this.#storage.sql.exec(`UPDATE placed SET open = 1 WHERE open = 0 AND nonce >= ? AND data <> ''`, from)
  }

  /** Deletes the bytes, never the ids, of orders mined before `until` (Unix ms). */
  prune(until: number): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(
        `UPDATE attempt SET raw = NULL WHERE raw IS NOT NULL AND at < ?
         AND order_id IN (SELECT id FROM placed WHERE open = 0 AND nonce IS NOT NULL)`,
        until,
      )
      this.#storage.sql.exec(
        `UPDATE placed SET data = '' WHERE open = 0 AND nonce IS NOT NULL AND at < ? AND data <> ''`,
        until,
      )
    })
  }

  #keep(id: string, nonce: number, { hash, raw, fees, at }: SignedTransaction): void {
    this.#storage.sql.exec(
      'INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?)',
      hash,
      id,
      nonce,
      raw,
      fees.maxFee.toString(),
      fees.tip.toString(),
      at,
    )
  }

  #rows(query: string, ...bindings: SqlStorageValue[]): Row[] {
    return this.#storage.sql.exec(query, ...bindings).toArray()
  }
}

function placedOf(row: Row): Placed {
  return {
    id: row.id as string,
    to: row.receiver as Address,
    data: row.data as Hex,
    gas: BigInt(row.gas as string),
    nonce: row.nonce as number | null,
    open: row.open === 1,
  }
}

function attemptOf(row: Row): SignedTransaction {
  return {
    hash: row.hash as Hex,
    raw: row.raw as Hex | null,
    fees: { maxFee: BigInt(row.max_fee as string), tip: BigInt(row.tip as string) },
    at: row.at as number,
  }
}

/** Whether a signed transaction of an order may be mined. */
export function isSigned(order: Placed): order is Signed {
  return order.nonce !== null
}

/** @throws RangeError unless the order has the content that is stored under its id */
export function assertSame(known: Pick<Placed, 'to' | 'data'>, order: TransactionOrder): void {
  const same = known.to === order.to && (known.data === order.data || known.data.length === 0)
  if (!same) throw new RangeError(`order ${order.id} must keep its first content`)
}
