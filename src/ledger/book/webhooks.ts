/**
 * Ids of processed webhooks in D1, for deduplication. Safe to lose: every effect is idempotent by its own id.
 */

import { DAY_MS } from '../../platform/time.ts'

/** Longer than any card processor repeats a webhook. */
const RETENTION_MS = 30 * DAY_MS

/** Returns whether webhook `id` was processed before. */
export async function wasProcessed(book: D1Database, id: string): Promise<boolean> {
  return (await book.prepare('SELECT 1 FROM webhook WHERE id = ?').bind(id).first()) !== null
}

/**
 * Stores a processed webhook and deletes those that cannot be repeated any more. `now` in Unix milliseconds.
 */
export async function markProcessed(book: D1Database, id: string, now: number): Promise<void> {
  await book.batch([
    book.prepare('INSERT OR IGNORE INTO webhook (id, at) VALUES (?, ?)').bind(id, now),
    book.prepare('DELETE FROM webhook WHERE at < ?').bind(now - RETENTION_MS),
  ])
}
