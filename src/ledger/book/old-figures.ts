/** Old figures, made fewer by the nightly cron: after 60 days the hours of a day become one row, in the first hour of the day. */
import { DAY_MS } from '../../platform/time.ts'
import { SUMMED_TO } from './figure-names.ts'

/** How long figures keep their hours. A chart of hours shows an older day as one figure. */
export const HOURS_KEPT_DAYS = 60
/** How long traffic is kept in D1. Money is kept. */
export const TRAFFIC_KEPT_DAYS = 400
/** Days that one call joins: a week of missed calls is made up for. Hours that are older stay, and do no harm. */
const DAYS_JOINED = 7

const MONEY_NAMES = 'site, rule, who, path'
const TRAFFIC_NAMES = 'site, who, rule, outcome, status'

/** Joins and deletes. May be repeated. `now` in Unix milliseconds. @throws when D1 cannot be written; then nothing is changed */
export async function tendFigures(book: D1Database, now: number): Promise<void> {
  const to = (Math.floor(now / DAY_MS) - HOURS_KEPT_DAYS) * 24
  const from = to - DAYS_JOINED * 24
  // Hours that are not among the sums by name yet stay apart: those begin at an hour.
  const old = `hour >= ?1 AND hour < min(?2, ${SUMMED_TO} / 24 * 24) AND hour % 24 > 0`
  const statements = [
    `INSERT INTO figure (hour, ${MONEY_NAMES}, charges, releases, charged)
       SELECT hour / 24 * 24 AS first, ${MONEY_NAMES}, sum(charges), sum(releases), sum(charged)
         FROM figure WHERE ${old} GROUP BY first, ${MONEY_NAMES}
       ON CONFLICT DO UPDATE SET charges = charges + excluded.charges, releases = releases + excluded.releases,
         charged = charged + excluded.charged`,
    `DELETE FROM figure WHERE ${old}`,
    `INSERT INTO traffic (hour, ${TRAFFIC_NAMES}, requests, asked, counted_at)
       SELECT hour / 24 * 24 AS first, ${TRAFFIC_NAMES}, sum(requests), sum(asked), max(counted_at)
         FROM traffic WHERE ${old} GROUP BY first, ${TRAFFIC_NAMES}
       ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, asked = asked + excluded.asked`,
    `DELETE FROM traffic WHERE ${old}`,
  ]
  const oldest = (Math.floor(now / DAY_MS) - TRAFFIC_KEPT_DAYS) * 24
  await book.batch([
    ...statements.map((statement) => book.prepare(statement).bind(from, to)),
    book.prepare('DELETE FROM traffic WHERE hour < ?').bind(oldest),
  ])
}
