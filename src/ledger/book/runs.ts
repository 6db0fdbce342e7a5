/** Settlement runs, billing runs, shadow runs and watches in the read model (D1). */

import { HOUR_MS, MINUTE_MS } from '../../platform/time.ts'
import { type PageQuery, pageSql, placeOf } from '../page-sql.ts'

/** The kinds of runs. */
export const RUN_KINDS = ['settlement', 'billing', 'shadow', 'watch'] as const
/** How a run stands. */
export const RUN_STATUSES = ['running', 'settled', 'in_doubt', 'failed', 'abandoned'] as const

/**
 * One run or watch. `record` is plain JSON with amounts as decimal strings. Times in Unix milliseconds.
 *
 * `abandoned`: the run was killed, and a later one of its kind found it; `endedAt` is when. A settlement run of an older
 * version also has a `bill`.
 */
export type RunRecord = {
  id: string
  kind: (typeof RUN_KINDS)[number]
  status: (typeof RUN_STATUSES)[number]
  startedAt: number
  endedAt: number | null
  record: Record<string, unknown>
}

/** Saves a run, over an earlier state of the same run. */
export async function saveRun(book: D1Database, run: RunRecord): Promise<void> {
  await insert(book, run, 'REPLACE').run()
}

function insert(book: D1Database, run: RunRecord, orElse: 'REPLACE' | 'IGNORE'): D1PreparedStatement {
  return book
    .prepare(
      `INSERT OR ${orElse} INTO run (id, kind, status, started_at, ended_at, record) VALUES (?, ?, ?, ?, ?, ?)`,
    )
    .bind(run.id, run.kind, run.status, run.startedAt, run.endedAt, JSON.stringify(run.record))
}

/** Longer than a run of a kind lasts. A run that lasts longer all the same is shown as abandoned until it ends. */
const LONGEST_MS: Readonly<Record<RunRecord['kind'], number>> = {
  settlement: 6 * HOUR_MS,
  billing: 6 * HOUR_MS,
  shadow: HOUR_MS,
  watch: 5 * MINUTE_MS,
}

/**
 * Saves that a run has begun, and marks the runs of its kind that must have been killed: they are still `running`, and their
 * moment is long before `moment` (Unix milliseconds), the one of this run. `IGNORE` keeps a record that is there: a repeated
 * firing must not take the place of what the first one found.
 */
export async function beginRun(
  book: D1Database,
  run: Omit<RunRecord, 'status' | 'endedAt'>,
  moment: number,
  orElse: 'REPLACE' | 'IGNORE',
): Promise<void> {
  const abandon = book.prepare(
    `UPDATE run SET status = 'abandoned', ended_at = ?
       WHERE kind = ? AND status = 'running' AND coalesce(record ->> '$.moment', started_at) <= ?`,
  )
  await book.batch([
    abandon.bind(run.startedAt, run.kind, moment - LONGEST_MS[run.kind]),
    insert(book, { ...run, status: 'running', endedAt: null }, orElse),
  ])
}

/** Deletes a run that has nothing to show. Its record stays if another firing of the same window has ended it. */
export async function deleteRun(book: D1Database, id: string): Promise<void> {
  await book.prepare("DELETE FROM run WHERE id = ? AND status = 'running'").bind(id).run()
}

/** The numbers that runs are sorted by: when they began, how long they took, and how much they found. */
export const RUN_ORDERS = {
  began: 'started_at',
  took: 'coalesce(ended_at, started_at) - started_at',
  findings: "coalesce(record ->> '$.findings.count', 0)",
} as const

/** Returns one page of runs, and the place of each. `kind` and `status` narrow the list. @throws when D1 cannot be read */
export async function runPage(
  book: D1Database,
  { kind, status }: { kind?: string | undefined; status?: string | undefined },
  page: PageQuery,
): Promise<{ run: RunRecord; place: string }[]> {
  const { query, values } = pageSql(
    { from: 'run', id: 'id', orders: RUN_ORDERS },
    [kind === undefined ? null : ['kind = ?', kind], status === undefined ? null : ['status = ?', status]],
    page,
  )
  const { results } = await book
    .prepare(query)
    .bind(...values)
    .all<Record<string, string | number | null>>()
  return results.map((row) => ({ run: runOf(row), place: placeOf(row, 'id') }))
}

/** Returns one run, or null if the read model does not contain it. */
export async function findRun(book: D1Database, id: string): Promise<RunRecord | null> {
  const row = await book
    .prepare('SELECT * FROM run WHERE id = ?')
    .bind(id)
    .first<Record<string, string | number | null>>()
  return row && runOf(row)
}

/** Returns the newest run of a kind that has ended, however it did; null before the first. */
export async function lastEnded(book: D1Database, kind: RunRecord['kind']): Promise<RunRecord | null> {
  const [row] = await endedRuns(book, kind, 1)
  return row ?? null
}

// Each part reads an end of the index `run_of_kind` (migrations/0011) and no more rows than it returns. D1 takes five parts.
const ENDED = ['settled', 'in_doubt', 'failed', 'abandoned']
  .map(
    (status) =>
      `SELECT * FROM (SELECT * FROM run WHERE kind = ?1 AND status = '${status}' ORDER BY started_at DESC LIMIT ?2)`,
  )
  .join(' UNION ALL ')

/** Returns the runs of a kind that have ended, the newest first: up to `limit` for each way to end. */
export async function endedRuns(
  book: D1Database,
  kind: RunRecord['kind'],
  limit: number,
): Promise<RunRecord[]> {
  const { results } = await book
    .prepare(ENDED)
    .bind(kind, limit)
    .all<Record<string, string | number | null>>()
  return results.map(runOf).sort((a, b) => b.startedAt - a.startedAt)
}

function runOf(row: Record<string, string | number | null>): RunRecord {
  return {
    id: String(row.id),
    kind: row.kind as RunRecord['kind'],
    status: row.status as RunRecord['status'],
    startedAt: Number(row.started_at),
    endedAt: row.ended_at as number | null,
    record: JSON.parse(String(row.record)) as Record<string, unknown>,
  }
}
