/** One-time codes that open a session of the console: tables and queries of the object `People`. */
import { encodeBase64url } from '../protocol/encoding/base64url.ts'
import type { Principal } from './principal.ts'

/** A code can be used for so long. Milliseconds. */
export const CODE_MS = 15 * 60_000
/** The most unused codes of one principal. The oldest one ends when another is made. */
export const MAX_CODES = 20

/** A code as it was made: 32 random bytes in base64url. It is shown once and not stored. `expiresAt` in Unix milliseconds. */
export type SignInCode = { code: string; expiresAt: number }

/** The table. `hash`: SHA-256 of a code in base64url. */
export const CODES = `CREATE TABLE IF NOT EXISTS code (
  hash TEXT PRIMARY KEY, principal TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID`

/** Text of 32 random bytes, as sessions and codes are. */
export function newSecret(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(32)))
}

/** SHA-256 of a secret, in base64url. */
export async function hashOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
  return encodeBase64url(new Uint8Array(digest))
}

/** Stores the hash of a new code. */
export function storeCode(
  storage: DurableObjectStorage,
  { hash, principal, now }: { hash: string; principal: Principal; now: number },
): number {
  const expiresAt = now + CODE_MS
  storage.transactionSync(() => {
    storage.sql.exec('DELETE FROM code WHERE expires_at <= ?', now)
    storage.sql.exec(
      `DELETE FROM code WHERE hash IN (SELECT hash FROM code WHERE principal ->> '$.id' = ?
         ORDER BY expires_at DESC LIMIT -1 OFFSET ?)`,
      principal.id,
      MAX_CODES - 1,
    )
    const row = [hash, JSON.stringify(principal), expiresAt]
    storage.sql.exec('INSERT INTO code (hash, principal, expires_at) VALUES (?, ?, ?)', ...row)
  })
  return expiresAt
}

/** Removes a code and returns its principal: of any number of uses at once, one gets it. Null if it ended or was used. */
export function takeCode(sql: SqlStorage, hash: string, now: number): Principal | null {
  const [row] = [...sql.exec('DELETE FROM code WHERE hash = ? RETURNING principal, expires_at', hash)]
  return row && Number(row.expires_at) > now ? (JSON.parse(String(row.principal)) as Principal) : null
}
