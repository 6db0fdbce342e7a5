/** Audit events as data, without the objects that store them. */

/** The name of the audit log's only object. */
export const AUDIT = 'audit'

/** One act of an operator. `before` and `after` are JSON, or null. `at` in Unix milliseconds. */
export type Act = {
  seq: number
  at: number
  who: string
  what: string
  subject: string
  before: string | null
  after: string | null
}

/** An act that is not stored yet. */
export type NewAct = Omit<Act, 'seq' | 'at'>

/** Where acts are read: up to `limit` of them with `seq > after`, oldest first. */
export type ActSource = { acts(after: number, limit: number): Promise<Act[]> }

/** The acts that are looked for: of one actor, on one subject, or of a kind such as `invoice` or `invoice.pay`. */
export type ActFilter = { who?: string | undefined; subject?: string | undefined; what?: string | undefined }

/** Where acts are stored as well. */
export type AuditLog = ActSource & {
  note(act: NewAct): Promise<void>
  /** Acts of a filter, the newest first: up to `limit` of them with `seq < before`, or the last ones for 0. */
  search(filter: ActFilter, before: number, limit: number): Promise<Act[]>
}

/** The table of acts, in each object that has some. */
export const ACT_TABLE = `CREATE TABLE IF NOT EXISTS act (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT,
    after TEXT
  ) STRICT`

/** The query of `search`, over {@link ACT_TABLE}. */
export function findActs(
  { who, subject, what }: ActFilter,
  before: number,
  limit: number,
): [query: string, ...values: (string | number)[]] {
  const wanted: (readonly [string, string | undefined])[] = [
    ['who = ?', who],
    ['subject = ?', subject],
    ["what || '.' LIKE replace(replace(?, '%', ''), '_', '\\_') || '.%' ESCAPE '\\'", what],
  ]
  const given = wanted.filter((one): one is readonly [string, string] => one[1] !== undefined)
  const where = ['seq < coalesce(nullif(?, 0), 9e15)', ...given.map(([sql]) => sql)].join(' AND ')
  const query = `SELECT * FROM act WHERE ${where} ORDER BY seq DESC LIMIT ?`
  return [query, before, ...given.map(([, value]) => value), limit]
}

/** A request that is done once: by whom, under which key, and the SHA-256 of what it asks for. */
export type KeyedAct = { who: string; key: string; request: string }

/**
 * Whether a request may be done. `at`: when it was first begun, in Unix milliseconds. `done`: it was, with this answer.
 * `other`: the key belongs to another request.
 */
export type Begun =
  | { outcome: 'begun'; at: number }
  | { outcome: 'running' }
  | { outcome: 'other' }
  | { outcome: 'done'; status: number; body: string }

/** How a request under a key stands. `status` is null while its outcome is unknown; `act`: its entry in the audit log. */
export type KeyState = { at: number; status: number | null; act: number | null }

/** Where requests under a key are stored, with their answers. */
export type ActKeys = {
  begin(act: KeyedAct): Promise<Begun>
  /** Stores the answer. `path` and `body` name the subject, by which the entry of the audit log is found. */
  end(act: KeyedAct, answer: { status: number; body: string; path: string }): Promise<void>
  keyed(who: string, key: string): Promise<KeyState | null>
}
