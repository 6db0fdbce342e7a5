/** The identity of an `exact` payer, stored once: an object that its alarm wakes cannot read its own name. */
import type { Address } from '../../protocol/evm/hex.ts'
import type { Use } from './types.ts'

/** The parties of a payer's first payment. `openedAt` in Unix milliseconds. */
export type ExactPayer = { id: string; payer: Address; receiver: Address; token: Address; openedAt: number }

const SCHEMA = `CREATE TABLE IF NOT EXISTS payer (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  name TEXT NOT NULL,
  payer TEXT NOT NULL,
  receiver TEXT NOT NULL,
  token TEXT NOT NULL,
  opened_at INTEGER NOT NULL
) STRICT`

/** Reads and writes the one row of table `payer`. Callers hold the transaction. */
export class PayerRecord {
  readonly #sql: SqlStorage
  #known: ExactPayer | null = null

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Stores the payer of the first use. A ledger of an earlier version gets it with its next payment. */
  note({ name: id, payer, receiver, token }: Use, openedAt: number): void {
    if (this.read()) return
    this.#sql.exec(SCHEMA)
    this.#sql.exec('INSERT INTO payer VALUES (1, ?, ?, ?, ?, ?)', id, payer, receiver, token, openedAt)
  }

  /** Returns the payer, or null before the first payment that stored it. */
  read(): ExactPayer | null {
    if (this.#known) return this.#known
    const sql = this.#sql
    if (sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'payer'`).toArray().length === 0) return null
    const [row] = sql.exec('SELECT * FROM payer').toArray()
    this.#known = row
      ? {
          id: String(row.name),
          payer: row.payer as Address,
          receiver: row.receiver as Address,
          token: row.token as Address,
          openedAt: Number(row.opened_at),
        }
      : null
    return this.#known
  }
}
