/** The relayer's tables: orders with the nonce each was given, and every transaction that was ever signed for one. */
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import type { Fees } from './gas.ts'

/** A transaction to be made. `id` is its idempotency key: the same id never becomes another transaction. */
export type TransactionOrder = { id: string; to: Address; data: Hex; gas?: bigint }

/** An order as it is kept. `nonce` is null once another transaction has taken it for good. */
export type Placed = { id: string; to: Address; data: Hex; gas: bigint; nonce: number | null; open: boolean }

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

  /** All that was signed for an order, newest first. */
  attempts(id: string): SignedTransaction[] {
    return this.#rows('SELECT * FROM attempt WHERE order_id = ? ORDER BY at DESC, rowid DESC', id).map(
      attemptOf,
    )
  }

  /** One more than the highest nonce ever signed for. */
  nextNonce(): number {
    const [row] = this.#rows('SELECT coalesce(max(nonce) + 1, 0) AS next FROM attempt')
    return row?.next as number
  }

  /** Keeps an order together with its first signed transaction: both are on disk before anything is sent, or neither. */
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

  /** Keeps a replacement: the same nonce and content at a higher fee. */
  replace(order: Placed & { nonce: number }, attempt: SignedTransaction): void {
    this.#storage.transactionSync(() => this.#keep(order.id, order.nonce, attempt))
  }

  /** Whether the chain has the order's transaction or has lost it again; true if that is news. */
  mark(id: string, open: boolean): boolean {
    const news = this.#rows(
      `UPDATE placed SET open = ?1 WHERE id = ?2 AND open <> ?1 AND data <> '' RETURNING id`,
      open ? 1 : 0,
      id,
    )
    return news.length > 0
  }

  /** Another transaction has the order's nonce, and that is final: what was signed for it can never be mined. */
  displace(id: string): void {
    this.#storage.sql.exec('UPDATE placed SET nonce = NULL, open = 0 WHERE id = ?', id)
  }

  /** Opens what was mined at nonces that the chain no longer counts (a reorganisation). */
  reopen(from: number): void {
    this.#storage.sql.exec(`UPDATE placed SET open = 1 WHERE open = 0 AND nonce >= ? AND data <> ''`, from)
  }

  /** Forgets the bytes, never the id, of what was mined before `until` (Unix ms). */
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
