/** A credit line's table: the append-only journal. The state of the line is derived from it. */
import { padAmount, unpadAmount } from '../../protocol/amount.ts'
import type { StatedEntry } from '../../protocol/statement.ts'
import { addColumns, type TableVersion } from '../columns.ts'
import { EntrySales } from '../figures/entries.ts'
import { entriesSql } from '../page-sql.ts'
import type { NonceUse } from './nonce-window.ts'
import type { LineEntry, Remembered } from './types.ts'

const AMOUNT = (name: string) => `${name} TEXT NOT NULL CHECK (length(${name}) = 39)`

// Threat: reading an unknown line must not create tables. Later versions append statements and never edit
// released ones.
const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS entry (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    ${AMOUNT('amount')},
    ${AMOUNT('authorized')},
    ${AMOUNT('charged')},
    ${AMOUNT('redeemed')},
    ${AMOUNT('credit')},
    ${AMOUNT('ceiling')},
    id TEXT NOT NULL,
    once TEXT,
    attempt INTEGER NOT NULL,
    iou TEXT,
    request TEXT,
    site TEXT,
    rule TEXT,
    body TEXT,
    of INTEGER,
    CHECK (authorized >= charged AND charged >= redeemed)
  ) STRICT`,
  // One commitment is charged once, whatever any cache contains.
  'CREATE UNIQUE INDEX IF NOT EXISTS used ON entry (once, attempt) WHERE once IS NOT NULL',
  `CREATE INDEX IF NOT EXISTS document ON entry (seq) WHERE kind NOT IN ('charge', 'replay', 'release')`,
]

const REMEMBERED = `seq, at, kind, amount, authorized, charged, redeemed, credit, ceiling,
  id, once, attempt, iou, request, site, rule, of, policy, who`

/** Columns that came later, oldest first. A line of an earlier version gets them when it wakes. */
const ENTRY: TableVersion = {
  table: 'entry',
  first: 18,
  added: [
    ['policy', 'ALTER TABLE entry ADD COLUMN policy INTEGER'],
    ['who', 'ALTER TABLE entry ADD COLUMN who TEXT'],
  ],
}

/** The credit notes of a line, by its index `document`. */
export const CORRECTING_NOTES = `SELECT seq FROM entry
  WHERE kind NOT IN ('charge', 'replay', 'release') AND kind = 'credit_note' ORDER BY seq`

type Row = Record<string, SqlStorageValue>

/** Reads and writes one line's table. Callers hold the transaction. Times in Unix milliseconds. */
export class LineJournal {
  readonly #sql: SqlStorage
  #made = false

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Creates the table. Idempotent. */
  create(): void {
    for (const statement of SCHEMA) this.#sql.exec(statement)
    this.#upgrade()
  }

  /** Stores one entry. */
  append(entry: LineEntry): void {
    this.#sql.exec(
      'INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      entry.seq,
      entry.at,
      entry.kind,
      padAmount(entry.amount),
      padAmount(entry.authorized),
      padAmount(entry.charged),
      padAmount(entry.redeemed),
      padAmount(entry.credit),
      padAmount(entry.ceiling),
      entry.id,
      entry.once,
      entry.attempt,
      entry.iou,
      entry.request,
      entry.site,
      entry.rule,
      entry.body,
      entry.of,
      entry.policy,
      entry.who,
    )
  }

  /** Whether the line was ever opened. Migrates the tables of an earlier version. */
  exists(): boolean {
    if (this.#made) return true
    this.#made = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'entry'`).toArray().length > 0
    if (this.#made) this.#upgrade()
    return this.#made
  }

  #upgrade(): void {
    addColumns(this.#sql, ENTRY)
    this.#sql.exec('DROP INDEX IF EXISTS used')
  }

  /** Returns the last entry. */
  last(): Remembered | undefined {
    return this.recent(0, 1)[0]
  }

  /** Returns up to `limit` entries with `seq > after`, oldest first; or those with `seq < after`, newest first. */
  entries(after: number, limit: number, isNewestFirst = false): LineEntry[] {
    if (!this.exists()) return []
    return this.#read(entriesSql(isNewestFirst), after, limit)
  }

  /**
   * Returns the stated fields of up to `limit` entries with `seq > after`, oldest first. A period may have a
   * million entries, so the query leaves out the bodies.
   */
  stated(after: number, limit: number): StatedEntry[] {
    if (!this.exists()) return []
    return this.#sql
      .exec(
        `SELECT seq, at, kind, id, amount, site, rule, request, iou, of, policy, who
         FROM entry WHERE seq > ? ORDER BY seq LIMIT ?`,
        after,
        limit,
      )
      .toArray()
      .map(statedOf)
  }

  /** Returns the newest entries with `at > since`, at most `limit`, oldest first. */
  recent(since: number, limit: number): Remembered[] {
    if (!this.exists()) return []
    const found: Remembered[] = []
    for (const row of this.#sql.exec(`SELECT ${REMEMBERED} FROM entry ORDER BY seq DESC LIMIT ?`, limit)) {
      const entry = rememberedOf(row)
      if (entry.at <= since) break
      found.push(entry)
    }
    return found.reverse()
  }

  /** Returns the entries with `seq > after` that carry a document, oldest first. */
  documents(after = 0): LineEntry[] {
    if (!this.exists()) return []
    return this.#read(
      `SELECT * FROM entry WHERE seq > ? AND kind NOT IN ('charge', 'replay', 'release') AND kind <> 'lower'
       ORDER BY seq`,
      after,
    )
  }

  /** Returns the nonces of charges with `at > since`, oldest first. */
  uses(since: number): (NonceUse & { once: string; at: number })[] {
    if (!this.exists()) return []
    const found: (NonceUse & { once: string; at: number })[] = []
    for (const row of this.#sql.exec('SELECT seq, at, once, attempt FROM entry ORDER BY seq DESC')) {
      const [seq, at, once, attempt] = [Number(row.seq), Number(row.at), row.once, Number(row.attempt)]
      if (at <= since) break
      if (typeof once === 'string') found.push({ seq, at, once, attempt })
    }
    return found.reverse()
  }

  /** Returns a charge with its replays and releases, oldest first. */
  story(seq: number): LineEntry[] {
    if (!this.exists()) return []
    return this.#read('SELECT * FROM entry WHERE seq = ?1 OR (seq > ?1 AND of = ?1) ORDER BY seq', seq)
  }

  /** Returns the charges less releases of the entries from `first` to `last`, by the totals and not by their own amounts. */
  charged(first: number, last: number): bigint {
    const sales = new EntrySales(this.#sql, CORRECTING_NOTES)
    return sales.charged(last) - sales.charged(first - 1)
  }

  /** Returns the time of the first charge or release of an amount after `seq`, or null. */
  movedAfter(seq: number): number | null {
    if (!this.exists()) return null
    const [row] = this.#sql
      .exec(
        `SELECT at FROM entry WHERE seq > ? AND kind IN ('charge', 'release', 'lower') AND amount <> ? ORDER BY seq LIMIT 1`,
        seq,
        padAmount(0n),
      )
      .toArray()
    return row ? (row.at as number) : null
  }

  #read(query: string, ...bindings: SqlStorageValue[]): LineEntry[] {
    return this.#sql
      .exec(query, ...bindings)
      .toArray()
      .map(entryOf)
  }
}

function statedOf(row: Row): StatedEntry {
  return {
    seq: row.seq as number,
    at: row.at as number,
    kind: row.kind as string,
    id: row.id as string,
    amount: unpadAmount(row.amount as string),
    site: row.site as string | null,
    rule: row.rule as string | null,
    request: row.request as string | null,
    iou: row.iou as string | null,
    of: row.of as number | null,
    policy: row.policy as number | null,
    who: row.who as string | null,
  }
}

function rememberedOf(row: Row): Remembered {
  return {
    ...statedOf(row),
    authorized: unpadAmount(String(row.authorized)),
    charged: unpadAmount(String(row.charged)),
    redeemed: unpadAmount(String(row.redeemed)),
    credit: unpadAmount(String(row.credit)),
    kind: row.kind as LineEntry['kind'],
    ceiling: unpadAmount(String(row.ceiling)),
    once: row.once as string | null,
    attempt: row.attempt as number,
    policy: row.policy as number | null,
    who: row.who as string | null,
  }
}

function entryOf(row: Row): LineEntry {
  return { ...rememberedOf(row), body: row.body as string | null }
}
