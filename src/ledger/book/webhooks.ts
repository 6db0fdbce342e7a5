/** Webhooks that were worked on, in D1. Forgetting one does no harm: what it led to is noted once, by its own id. */

import { DAY_MS } from '../../platform/time.ts'

/** Longer than any card processor sends a webhook again. */
const KEPT = 30 * DAY_MS

export async function hasHeard(book: D1Database, id: string): Promise<boolean> {
  return (await book.prepare('SELECT 1 FROM webhook WHERE id = ?').bind(id).first()) !== null
}

/** Remembers a webhook, and forgets those that cannot come again. `now` in Unix milliseconds. */
export async function remember(book: D1Database, id: string, now: number): Promise<void> {
  await book.batch([
    book.prepare('INSERT OR IGNORE INTO webhook (id, at) VALUES (?, ?)').bind(id, now),
    book.prepare('DELETE FROM webhook WHERE at < ?').bind(now - KEPT),
  ])
}
