/** Settlement runs and watches in the read model (D1). */

/**
 * One settlement run or watch. `record` is plain JSON with amounts as decimal strings. Times in Unix
 * milliseconds.
 */
export type RunRecord = {
  id: string
  kind: 'settlement' | 'watch'
  status: 'running' | 'settled' | 'in_doubt' | 'failed'
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
