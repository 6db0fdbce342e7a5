/** A month of figures of a thousand sites, as their accounts would have reported them. */
import { DAY_MS, HOUR_MS } from '../src/platform/time.ts'
import { SITES } from './many-sites.ts'

/** Days that are filled. */
export const FIGURE_DAYS = 30

/** Writes the hours of each site, and their sums by day, crawler and path, but for the last hour. `now`: a moment of the last day, in Unix milliseconds. */
export async function fillFigures(book: D1Database, now: number): Promise<void> {
  const sites = `WITH RECURSIVE site(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM site WHERE n < ${SITES - 1})`
  const hour = book.prepare(
    `INSERT INTO figure ${sites} SELECT ?, 'site-' || n, 'default', 'GPTBot', '/articles', 10, 0, 20000 FROM site`,
  )
  const day = book.prepare(
    `INSERT INTO figure_day ${sites} SELECT ?, 'site-' || n, 240, 0, 480000, ? FROM site`,
  )
  const name = book.prepare('INSERT INTO figure_name VALUES (?, ?, ?, ?, 0, ?)')
  const last = Math.floor(now / DAY_MS)
  const summed = last * 24 + 23
  await book.prepare('UPDATE figure_summed SET hour = ?').bind(summed).run()
  for (let at = last - FIGURE_DAYS + 1; at <= last; at++) {
    const first = (at * DAY_MS) / HOUR_MS
    await book.batch([
      ...Array.from({ length: 24 }, (_, hours) => hour.bind(first + hours)),
      day.bind(at, now),
      ...[
        ['who', 'GPTBot'],
        ['path', '/articles'],
      ].map(([kind, of]) => {
        const hours = Math.min(24, summed - first) * SITES
        return name.bind(kind, at, of, 10 * hours, 20_000 * hours)
      }),
    ])
  }
}
