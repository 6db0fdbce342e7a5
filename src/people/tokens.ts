/** API tokens in SQL. */
import type { PeopleAnswer, TokenDraft, TokenView } from './member.ts'
import type { Principal, Right } from './principal.ts'

/** The beginning of every API token, so that scanners for leaked secrets find it. */
export const TOKEN_PREFIX = 't402_'
/** An API token, and no other text. */
export const API_TOKEN = /^t402_[A-Za-z0-9_-]{43}$/
/** The most API tokens of one principal that have not ended. Beyond it a new one is refused. */
export const MAX_TOKENS = 20
/** The longest life of an API token, in days. */
export const MAX_TOKEN_DAYS = 366
/** The use of a token is written at most once in so long: a call costs no write. Milliseconds. */
const USE_STEP_MS = 60_000
const DAY_MS = 86_400_000

/** API tokens by the hash of their secret. Writes are in a transaction of the caller. */
export class Tokens {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Stores a token of a principal. Those that have ended are removed. */
  add(hash: string, principal: Principal, draft: TokenDraft, now: number): PeopleAnswer<TokenView> {
    this.#sql.exec('DELETE FROM token WHERE ends_at <= ?', now)
    if (this.list(principal.id, now).length >= MAX_TOKENS) return { ok: false, reason: 'too_many' }
    const { id, name: owner, role, publisher } = principal
    const view: TokenView = {
      id: hash.slice(0, 12),
      name: draft.name,
      owner,
      scopes: draft.scopes,
      createdAt: now,
      endsAt: now + draft.days * DAY_MS,
      usedAt: null,
    }
    const stored = JSON.stringify({ id, name: owner, role, publisher })
    const row = [view.id, hash, stored, view.name, JSON.stringify(view.scopes), now, view.endsAt]
    this.#sql.exec(
      'INSERT INTO token (id, hash, principal, name, scopes, made_at, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...row,
    )
    return { ok: true, value: view }
  }

  /** The principal of a token as it was when the token was made, with the token's scopes; null if it has ended. */
  find(hash: string, now: number): Principal | null {
    const [row] = this.#sql.exec('SELECT * FROM token WHERE hash = ? AND ends_at > ?', hash, now)
    if (!row) return null
    if (row.used_at === null || now - Number(row.used_at) >= USE_STEP_MS)
      this.#sql.exec('UPDATE token SET used_at = ? WHERE hash = ?', now, hash)
    const principal = JSON.parse(String(row.principal)) as Principal
    const scopes = JSON.parse(String(row.scopes)) as Right[]
    return { ...principal, scopes, via: `API token ${row.id}` }
  }

  /** The tokens of a principal that have not ended, or of all if it is null. The latest first. */
  list(principal: string | null, now: number): TokenView[] {
    const rows = this.#sql.exec(
      `SELECT * FROM token WHERE ends_at > ?1 AND (?2 IS NULL OR principal ->> '$.id' = ?2)
         ORDER BY made_at DESC, id LIMIT 1000`,
      now,
      principal,
    )
    return [...rows].map((row) => ({
      id: String(row.id),
      name: String(row.name),
      owner: (JSON.parse(String(row.principal)) as Principal).name,
      scopes: JSON.parse(String(row.scopes)) as Right[],
      createdAt: Number(row.made_at),
      endsAt: Number(row.ends_at),
      usedAt: row.used_at === null ? null : Number(row.used_at),
    }))
  }

  /** Ends a token, of that principal unless it is null. Returns whether there was one. */
  drop(id: string, principal: string | null): boolean {
    const ended = this.#sql.exec(
      "DELETE FROM token WHERE id = ?1 AND (?2 IS NULL OR principal ->> '$.id' = ?2)",
      id,
      principal,
    )
    return ended.rowsWritten > 0
  }

  /** Ends all tokens of a principal. */
  dropAllOf(principal: string): void {
    this.#sql.exec("DELETE FROM token WHERE principal ->> '$.id' = ?", principal)
  }
}
