/** How far each rail's events were read, in D1. Safe to lose: the events of the last thirty days are read again. */

/** An invoice with an event that could not be checked yet. */
export type MissedInvoice = { agent: string; invoice: string }

/** The mark of one rail. `askedUntil` in Unix milliseconds; 0 before the first reading. */
export type RailMark = { askedUntil: number; missed: MissedInvoice[] }

/** Returns the mark of a rail. */
export async function readMark(book: D1Database, rail: string): Promise<RailMark> {
  const row = await book
    .prepare('SELECT asked_until, missed FROM rail_mark WHERE rail = ?')
    .bind(rail)
    .first<{ asked_until: number; missed: string }>()
  return row
    ? { askedUntil: row.asked_until, missed: JSON.parse(row.missed) as MissedInvoice[] }
    : { askedUntil: 0, missed: [] }
}

/** Saves the mark of a rail. */
export async function saveMark(book: D1Database, rail: string, mark: RailMark): Promise<void> {
  await book
    .prepare('INSERT OR REPLACE INTO rail_mark (rail, asked_until, missed) VALUES (?, ?, ?)')
    .bind(rail, mark.askedUntil, JSON.stringify(mark.missed))
    .run()
}
