/** The alerts in D1: one document, changed by compare-and-set. Losing it opens what still holds once more. */

import { type AlertState, NO_ALERTS } from './alert.ts'

/** Attempts to write. Passes are minutes apart, so two of them meet rarely. */
const ATTEMPTS = 5

/** The alerts as they are stored, and how often they were changed. */
export type StoredAlerts = { version: number; state: AlertState }

/** Reads the alerts. @throws when D1 cannot be read, or lacks the migration 0011 */
export async function readAlerts(book: D1Database): Promise<AlertState> {
  return (await readStoredAlerts(book)).state
}

/** Reads the alerts for a change of them. @throws as {@link readAlerts} does */
export async function readStoredAlerts(book: D1Database): Promise<StoredAlerts> {
  const row = await book
    .prepare('SELECT version, state FROM alert')
    .first<{ version: number; state: string }>()
  return row
    ? { version: row.version, state: JSON.parse(row.state) as AlertState }
    : { version: 0, state: NO_ALERTS }
}

/**
 * Changes the alerts by a pure function of what is stored, which may run again if somebody else has changed them meanwhile.
 * Null changes nothing. Returns what `change` returned for the state that was written. `before`: what is stored, if it was read
 * already.
 * @throws when D1 cannot be written
 */
export async function changeAlerts<Value>(
  book: D1Database,
  change: (state: AlertState) => { state: AlertState; value: Value } | null,
  before?: StoredAlerts,
): Promise<Value | null> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { version, state } = (attempt === 1 && before) || (await readStoredAlerts(book))
    const changed = change(state)
    if (!changed || (await write(book, version, changed.state))) return changed?.value ?? null
  }
  throw new Error(`the alerts must be written in ${ATTEMPTS} attempts, and were changed at each`)
}

async function write(book: D1Database, version: number, state: AlertState): Promise<boolean> {
  const { meta } = await book
    .prepare(
      `INSERT INTO alert (id, version, state) VALUES (1, ?1 + 1, ?2)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state WHERE version = ?1`,
    )
    .bind(version, JSON.stringify(state))
    .run()
  return meta.changes === 1
}
