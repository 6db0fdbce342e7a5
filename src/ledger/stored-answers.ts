/** Answers of methods with effects: a replay gets the stored answer, so that no effect is repeated. */
import type { Reason } from '../protocol/refusal.ts'
import { REPLAY_WINDOW_MS } from './replay-window.ts'

/** An answer as the origin gave it. */
export type StoredAnswer = { status: number; headers: { name: string; value: string }[]; body: ArrayBuffer }

/** The most bytes of one stored answer: body, header names and values. Larger ones are marked as delivered. */
export const MAX_ANSWER_BYTES = 65_536

/** The most answers that one object stores. Older ones are dropped, and their replays are refused. */
export const MAX_ANSWERS = 1_000

/**
 * How long a request with effects may be at work. Until then its replays are asked to wait. After that its
 * answer counts as lost. Longer than any origin may take.
 */
export const DELIVERY_LEASE_MS = 150_000

/** The most outdated rows that one write deletes. One write adds one row, so they never accumulate. */
const DELETED_AT_ONCE = 20

const SCHEMA = `CREATE TABLE IF NOT EXISTS answer (
  seq INTEGER PRIMARY KEY,
  charge TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  status INTEGER,
  headers TEXT,
  body BLOB
) STRICT`

/**
 * The answers of one object, by the charge that paid for them. A row without a body marks a delivery whose
 * answer is not stored. Times in Unix milliseconds.
 */
export class StoredAnswers {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Stores the answer to a charge; null only marks the delivery. The first call for a charge counts. */
  put(charge: string, answer: StoredAnswer | null, now: number): void {
    this.#sql.exec(SCHEMA)
    const [row] = this.#sql
      .exec(
        `INSERT INTO answer (charge, at, status, headers, body) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (charge) DO NOTHING RETURNING seq`,
        charge,
        now,
        answer?.status ?? null,
        answer ? JSON.stringify(answer.headers) : null,
        answer?.body ?? null,
      )
      .toArray()
    if (!row) return
    this.#sql.exec(
      'UPDATE answer SET status = NULL, headers = NULL, body = NULL WHERE seq = ?',
      Number(row.seq) - MAX_ANSWERS,
    )
    this.#sql.exec(
      `DELETE FROM answer WHERE at <= ?
       AND seq IN (SELECT seq FROM answer ORDER BY seq LIMIT ${DELETED_AT_ONCE})`,
      now - REPLAY_WINDOW_MS,
    )
  }

  /**
   * Returns what a replay of a charge gets: its answer, or the reason why there is none. `begun` is when the
   * charged request was sent to the origin. It is never sent again: after its lease the effect may have happened.
   */
  replay(charge: string, begun: number, now: number): StoredAnswer | Reason {
    const answer = this.find(charge)
    if (answer === undefined) return begun > now - DELIVERY_LEASE_MS ? 'effect_running' : 'effect_unknown'
    return answer ?? 'effect_delivered'
  }

  /** Returns the answer to a charge; null if it was delivered but is not stored, undefined if it was not delivered. */
  find(charge: string): StoredAnswer | null | undefined {
    if (!this.#exists()) return undefined
    const [row] = this.#sql
      .exec('SELECT status, headers, body FROM answer WHERE charge = ?', charge)
      .toArray()
    if (!row) return undefined
    if (row.body === null) return null
    const headers = JSON.parse(String(row.headers)) as StoredAnswer['headers']
    return { status: Number(row.status), headers, body: row.body as ArrayBuffer }
  }

  /** Drops every answer that is older than the replay window. Called when the object wakes. */
  prune(now: number): void {
    if (this.#exists()) this.#sql.exec('DELETE FROM answer WHERE at <= ?', now - REPLAY_WINDOW_MS)
  }

  #exists(): boolean {
    return this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'answer'`).toArray().length > 0
  }
}
