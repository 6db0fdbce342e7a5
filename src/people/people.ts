/** The sessions of the console: one Durable Object for a deployment. */
import { DurableObject } from 'cloudflare:workers'
import { encodeBase64url } from '../protocol/encoding/base64url.ts'
import type { SessionView } from './console-call.ts'
import type { Principal } from './principal.ts'

/** The name of the one object. */
export const PEOPLE = 'people'

/** A session ends when it was not used for so long. Milliseconds. */
const IDLE_MS = 30 * 60_000
/** A session ends after so long, however much it is used. Milliseconds. */
const SESSION_MS = 12 * 3_600_000
/** The use of a session is written at most once in so long: a page load costs no write. Milliseconds. */
const USE_STEP_MS = 60_000
/** The most sessions of one principal. The oldest one ends when another opens. */
const MAX_SESSIONS = 20
/** The most sessions in a list. Older ones are left out, and end by themselves. */
const MAX_LISTED = 200
/** The characters of a hash that name a session in a list: enough to be unique, and they open nothing. */
const ID_CHARS = 22

/** Principals and sessions. Secrets are stored as SHA-256 alone. */
export class People<Env = unknown> extends DurableObject<Env> {
  readonly #sql = this.ctx.storage.sql

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS session (
      hash TEXT PRIMARY KEY, principal TEXT NOT NULL, client TEXT NOT NULL,
      opened_at INTEGER NOT NULL, used_at INTEGER NOT NULL) WITHOUT ROWID`)
  }

  /** Opens a session. `client` is its User-Agent, for the list. Returns the secret id, which is not stored. */
  async open(principal: Principal, client: string): Promise<string> {
    const session = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)))
    const hash = await hashOf(session)
    const now = Date.now()
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec(
        'DELETE FROM session WHERE used_at < ? OR opened_at < ?',
        now - IDLE_MS,
        now - SESSION_MS,
      )
      this.#sql.exec(
        `DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE principal ->> '$.id' = ?
           ORDER BY opened_at DESC LIMIT -1 OFFSET ?)`,
        principal.id,
        MAX_SESSIONS - 1,
      )
      const row = [hash, JSON.stringify(principal), client, now, now]
      this.#sql.exec(
        'INSERT INTO session (hash, principal, client, opened_at, used_at) VALUES (?, ?, ?, ?, ?)',
        ...row,
      )
    })
    return session
  }

  /** The principal of a session; null if it has ended or was never opened. */
  async of(session: string): Promise<Principal | null> {
    const hash = await hashOf(session)
    const now = Date.now()
    const [row] = this.#sql.exec('SELECT principal, opened_at, used_at FROM session WHERE hash = ?', hash)
    if (!row) return null
    const [openedAt, usedAt] = [Number(row.opened_at), Number(row.used_at)]
    if (now - usedAt > IDLE_MS || now - openedAt > SESSION_MS) {
      this.#sql.exec('DELETE FROM session WHERE hash = ?', hash)
      return null
    }
    if (now - usedAt >= USE_STEP_MS)
      this.#sql.exec('UPDATE session SET used_at = ? WHERE hash = ?', now, hash)
    return JSON.parse(String(row.principal)) as Principal
  }

  /** Ends a session. */
  async close(session: string): Promise<void> {
    this.#sql.exec('DELETE FROM session WHERE hash = ?', await hashOf(session))
  }

  /** The open sessions of a principal, or of all if `principal` is null. The latest first. `session` asks. */
  async list(session: string, principal: string | null): Promise<SessionView[]> {
    const own = await hashOf(session)
    const now = Date.now()
    const rows = this.#sql.exec(
      `SELECT hash, principal ->> '$.name' AS name, client, opened_at, used_at FROM session
         WHERE used_at >= ?1 AND opened_at >= ?2 AND (?3 IS NULL OR principal ->> '$.id' = ?3)
         ORDER BY opened_at DESC LIMIT ?4`,
      now - IDLE_MS,
      now - SESSION_MS,
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

  /** Ends the session that a list names, of that principal unless `principal` is null. Returns whether there was one. */
  revoke(id: string, principal: string | null): boolean {
    const ended = this.#sql.exec(
      `DELETE FROM session WHERE substr(hash, 1, ${ID_CHARS}) = ?1 AND (?2 IS NULL OR principal ->> '$.id' = ?2)`,
      id,
      principal,
    )
    return ended.rowsWritten > 0
  }
}

async function hashOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
  return encodeBase64url(new Uint8Array(digest))
}
