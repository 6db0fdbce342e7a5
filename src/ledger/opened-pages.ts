/** Requests that one payer has paid for and may repeat without a new charge: pages within their window, and passes. */
import { sha256 } from '@noble/hashes/sha2.js'
import { encodeBase64url } from '../protocol/encoding/base64url.ts'

/** The most requests that one payer has open. Beyond it the oldest is dropped, and its page is charged again. */
export const MAX_OPENED = 100_000

/** The most outdated rows that one write deletes. One write adds one row, so they never accumulate. */
const DELETED_AT_ONCE = 20

const SCHEMA = `CREATE TABLE IF NOT EXISTS opened (
  seq INTEGER PRIMARY KEY,
  page TEXT NOT NULL UNIQUE,
  until INTEGER NOT NULL,
  charge TEXT NOT NULL
) STRICT`

/** One request that is open. `charge`: the entry or the authorization that paid for it. `until` in Unix milliseconds. */
type Opened = { until: number; charge: string }

/**
 * The open requests of one object. A change is in memory at once, and in storage with {@link write}, inside the transaction of
 * its charge or release. The table is created with the first one: payers without such rules have none.
 */
export class OpenedPages {
  readonly #sql: SqlStorage
  /** Null: it was closed. */
  readonly #unwritten = new Map<string, Opened | null>()

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Returns the charge that opens one of the requests at `now`; undefined if none is open. */
  find(requests: readonly string[], now: number): string | undefined {
    for (const request of requests) {
      const opened = this.#read(digestOf(request))
      if (opened && opened.until > now) return opened.charge
    }
    return undefined
  }

  /** Opens a request. Call {@link write} in the transaction of its charge. */
  open(request: string, charge: string, until: number): void {
    this.#unwritten.set(digestOf(request), { until, charge })
  }

  /** Stores what was opened and closed since the last write. */
  write(now: number): void {
    if (this.#unwritten.size === 0) return
    this.#sql.exec(SCHEMA)
    for (const [page, opened] of this.#unwritten) {
      if (!opened) {
        this.#sql.exec('DELETE FROM opened WHERE page = ?', page)
        continue
      }
      const [row] = this.#sql
        .exec(
          'INSERT OR REPLACE INTO opened (page, until, charge) VALUES (?, ?, ?) RETURNING seq',
          page,
          opened.until,
          opened.charge,
        )
        .toArray()
      this.#sql.exec('DELETE FROM opened WHERE seq <= ?', Number(row?.seq) - MAX_OPENED)
    }
    this.#unwritten.clear()
    this.#sql.exec(
      `DELETE FROM opened WHERE until <= ? AND seq IN (SELECT seq FROM opened ORDER BY seq LIMIT ${DELETED_AT_ONCE})`,
      now,
    )
  }

  /** Closes a request that this charge has opened, because it was released. Call {@link write} in the transaction of the release. */
  close(request: string, charge: string): void {
    const page = digestOf(request)
    if (this.#read(page)?.charge === charge) this.#unwritten.set(page, null)
  }

  #read(page: string): Opened | undefined {
    const unwritten = this.#unwritten.get(page)
    if (unwritten !== undefined || !this.#exists()) return unwritten ?? undefined
    const [row] = this.#sql.exec('SELECT until, charge FROM opened WHERE page = ?', page).toArray()
    return row && { until: Number(row.until), charge: String(row.charge) }
  }

  #exists(): boolean {
    return this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'opened'`).toArray().length > 0
  }
}

/** A URL may have 8 KB: 128 bits of its digest stand for it. */
function digestOf(request: string): string {
  return encodeBase64url(sha256(new TextEncoder().encode(request)).subarray(0, 16))
}
