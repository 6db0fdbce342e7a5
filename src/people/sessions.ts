/** The sessions of the console in SQL. */
import type { SessionView } from './console-call.ts'
import type { Principal } from './principal.ts'

/** A session ends when it was not used for so long. Milliseconds. */
const IDLE_MS = 30 * 60_000
/** A session ends after so long, however much it is used. Milliseconds. */
export const SESSION_MS = 12 * 3_600_000
/** The use of a session is written at most once in so long: a page load costs no write. Milliseconds. */
const USE_STEP_MS = 60_000
/** The most sessions of one principal. The oldest one ends when another opens. */
const MAX_SESSIONS = 20
/** The most sessions in a list. Older ones are left out, and end by themselves. */
const MAX_LISTED = 200
/** The characters of a hash that name a session in a list: enough to be unique, and they open nothing. */
const ID_CHARS = 22

/** A session that is opened. `provenAt`: when its principal showed a token or passkey; null where it cannot. */
export type NewSession = {
  hash: string
  principal: Principal
  client: string
  provenAt: number | null
  /** It ends then at the latest. Unix milliseconds. */
  endsAt: number
}

/** Sessions by the hash of their secret id. The caller gives the time, in Unix milliseconds. */
export class Sessions {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Stores a session. In a transaction of the caller. */
  add({ hash, principal, client, provenAt, endsAt }: NewSession, now: number): void {
    this.#sql.exec(
      'DELETE FROM session WHERE used_at < ? OR opened_at < ? OR ends_at < ?',
      now - IDLE_MS,
      now - SESSION_MS,
      now,
    )
    this.#sql.exec(
      `DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE principal ->> '$.id' = ?
         ORDER BY opened_at DESC LIMIT -1 OFFSET ?)`,
      principal.id,
      MAX_SESSIONS - 1,
    )
    const { scopes: _, provenAt: __, ...stored } = principal
    const row = [hash, JSON.stringify(stored), client, now, now, provenAt, endsAt]
    this.#sql.exec(
      `INSERT INTO session (hash, principal, client, opened_at, used_at, proven_at, ends_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ...row,
    )
  }

  /** The principal as it was when the session opened, with its last proof; null if the session has ended. */
  find(hash: string, now: number): Principal | null {
    const [row] = this.#sql.exec(
      'SELECT principal, opened_at, used_at, proven_at, ends_at FROM session WHERE hash = ?',
      hash,
    )
    if (!row) return null
    const [openedAt, usedAt] = [Number(row.opened_at), Number(row.used_at)]
    if (now - usedAt > IDLE_MS || now >= Number(row.ends_at ?? openedAt + SESSION_MS)) {
      this.drop(hash)
      return null
    }
    if (now - usedAt >= USE_STEP_MS)
      this.#sql.exec('UPDATE session SET used_at = ? WHERE hash = ?', now, hash)
    const principal = JSON.parse(String(row.principal)) as Principal
    return row.proven_at === null ? principal : { ...principal, provenAt: Number(row.proven_at) }
  }

  /** Stores that the principal of a session has proven itself again. */
  prove(hash: string, now: number): void {
    this.#sql.exec('UPDATE session SET proven_at = ? WHERE hash = ?', now, hash)
  }

  /** Ends a session. */
  drop(hash: string): void {
    this.#sql.exec('DELETE FROM session WHERE hash = ?', hash)
  }

  /** Ends all sessions of a principal. */
  dropAllOf(principal: string): void {
    this.#sql.exec("DELETE FROM session WHERE principal ->> '$.id' = ?", principal)
  }

  /** The open sessions of a principal, or of all if it is null. The latest first. `own`: the hash of the one that asks. */
  list(own: string, principal: string | null, now: number): SessionView[] {
    const rows = this.#sql.exec(
      `SELECT hash, principal ->> '$.name' AS name, client, opened_at, used_at FROM session
         WHERE used_at >= ?1 AND coalesce(ends_at, opened_at + ${SESSION_MS}) > ?2 AND (?3 IS NULL OR principal ->> '$.id' = ?3)
         ORDER BY opened_at DESC LIMIT ?4`,
      now - IDLE_MS,
      now,
      principal,
      MAX_LISTED,
    )
    return [...rows].map((row) => ({
      id: String(row.hash).slice(0, ID_CHARS),
      principal: String(row.name),
      client: String(row.client),
      openedAt: Number(row.opened_at),
      usedAt: Number(row.used_at),
      isThis: row.hash === own,
    }))
  }

  /** Ends the session that a list names, of that principal unless it is null. Returns whether there was one. */
  revoke(id: string, principal: string | null): boolean {
    const ended = this.#sql.exec(
      `DELETE FROM session WHERE substr(hash, 1, ${ID_CHARS}) = ?1 AND (?2 IS NULL OR principal ->> '$.id' = ?2)`,
      id,
      principal,
    )
    return ended.rowsWritten > 0
  }
}
