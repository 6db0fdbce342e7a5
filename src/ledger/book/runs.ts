/** Settlement runs, billing runs, shadow runs and watches in the read model (D1). */

import { HOUR_MS, MINUTE_MS } from '../../platform/time.ts'

/**
 * One run or watch. `record` is plain JSON with amounts as decimal strings. Times in Unix milliseconds.
 *
 * `abandoned`: the run was killed, and a later one of its kind found it; `endedAt` is when. A settlement run of an older
 * version also has a `bill`.
 */
export type RunRecord = {
  id: string
  kind: 'settlement' | 'billing' | 'shadow' | 'watch'
  status: 'running' | 'settled' | 'in_doubt' | 'failed' | 'abandoned'
  startedAt: number
  endedAt: number | null
  record: Record<string, unknown>
}

/** Saves a run, over an earlier state of the same run. */
export async function saveRun(book: D1Database, run: RunRecord): Promise<void> {
  await book
    .prepare(
      'INSERT OR REPLACE INTO run (id, kind, status, started_at, ended_at, record) VALUES (?, ?, ?, ?, ?, ?)',
    )
    .bind(run.id, run.kind, run.status, run.startedAt, run.endedAt, JSON.stringify(run.record))
    .run()
}

/** Longer than a run of a kind lasts. A run that lasts longer all the same is shown as abandoned until it ends. */
const LONGEST_MS: Readonly<Record<RunRecord['kind'], number>> = {
  settlement: 6 * HOUR_MS,
  billing: 6 * HOUR_MS,
  shadow: HOUR_MS,
  watch: 5 * MINUTE_MS,
}

/**
 * Marks the runs of a kind that must have been killed: they are still `running`, and their moment is long before `moment`,
 * the one of a run that begins now. Both times in Unix milliseconds.
 */
export async function abandonRuns(
  book: D1Database,
  kind: RunRecord['kind'],
  moment: number,
  now: number,
): Promise<void> {
  await book
    .prepare(
      `UPDATE run SET status = 'abandoned', ended_at = ?
         WHERE kind = ? AND status = 'running' AND coalesce(record ->> '$.moment', started_at) <= ?`,
    )
    .bind(now, kind, moment - LONGEST_MS[kind])
    .run()
}

/** Deletes a run that has nothing to show. */
export async function deleteRun(book: D1Database, id: string): Promise<void> {
  await book.prepare('DELETE FROM run WHERE id = ?').bind(id).run()
}

/** Returns up to `limit` runs, newest first. */
export async function runs(book: D1Database, limit: number): Promise<RunRecord[]> {
  const { results } = await book
    .prepare('SELECT * FROM run ORDER BY started_at DESC, id DESC LIMIT ?')
    .bind(limit)
    .all<Record<string, string | number | null>>()
  return results.map(runOf)
}

/** Returns one run, or null if the read model does not contain it. */
export async function findRun(book: D1Database, id: string): Promise<RunRecord | null> {
  const row = await book
    .prepare('SELECT * FROM run WHERE id = ?')
    .bind(id)
    .first<Record<string, string | number | null>>()
  return row && runOf(row)
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
