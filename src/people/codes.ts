/** One-time codes that open a session of the console, in SQL. */
import type { Principal } from './principal.ts'

/** A code can be used for so long. Milliseconds. */
export const CODE_MS = 15 * 60_000
/** The most unused codes of one principal. The oldest one ends when another is made. */
export const MAX_CODES = 20

/** A code as it was made. It is shown once. `expiresAt` in Unix milliseconds. */
export type SignInCode = { code: string; expiresAt: number }

/** Codes by their hash. The caller gives the time, in Unix milliseconds. */
export class Codes {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Stores a code, and returns when it ends. In a transaction of the caller. */
  add(hash: string, { id, name, role, publisher }: Principal, now: number): number {
    const endsAt = now + CODE_MS
    this.#sql.exec('DELETE FROM code WHERE ends_at <= ?', now)
    this.#sql.exec(
      `DELETE FROM code WHERE hash IN (SELECT hash FROM code WHERE principal ->> '$.id' = ?
         ORDER BY ends_at DESC LIMIT -1 OFFSET ?)`,
      id,
      MAX_CODES - 1,
    )
    const row = [hash, JSON.stringify({ id, name, role, publisher }), endsAt]
    this.#sql.exec('INSERT INTO code (hash, principal, ends_at) VALUES (?, ?, ?)', ...row)
    return endsAt
  }

  /** Removes a code and returns its principal: of any number of uses at once, one gets it. Null if it ended or was used. */
  take(hash: string, now: number): Principal | null {
    const [row] = [...this.#sql.exec('DELETE FROM code WHERE hash = ? RETURNING principal, ends_at', hash)]
    return row && Number(row.ends_at) > now ? (JSON.parse(String(row.principal)) as Principal) : null
  }
}
