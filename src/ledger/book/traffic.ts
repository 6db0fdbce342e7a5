/** Traffic in D1, where no dataset is bound: how requests ended, by hour. No money depends on it. */
import { HOUR_MS } from '../../platform/time.ts'

/**
 * How requests end. `unpaid`: asked to pay, without a payment. `refused`: with a payment that bought nothing. `paid`: with one
 * that the ledger took, whatever the origin answered. `free`: passed to the origin. `blocked`: not for sale, or a URL that
 * cannot be read.
 */
export const OUTCOMES = ['unpaid', 'refused', 'paid', 'free', 'blocked'] as const

/** One kind of request. `status`: the class of the answer's status, such as `4xx`. */
export type TrafficKind = {
  site: string
  who: string
  rule: string
  outcome: (typeof OUTCOMES)[number]
  status: string
}

/** How often a kind was counted. `asked`: micro-dollars of the unpaid. */
export type TrafficFigure = TrafficKind & { requests: number; asked: number }

/** Where counted traffic is stored. `at`: Unix milliseconds. */
export type TrafficStore = (figures: readonly TrafficFigure[], at: number) => Promise<void>

/**
 * The most figures of one write: as JSON they stay below the 2 MB of one parameter. An isolate of a thousand sites has some
 * thousands in ten seconds.
 */
export const MAX_FIGURES_WRITTEN = 4_000

/** The store in D1, in one statement. @throws when D1 cannot be written; then none of the figures are added */
export function trafficIn(book: D1Database): TrafficStore {
  return async (figures, at) => {
    if (figures.length === 0) return
    const rows = figures.map(({ site, who, rule, outcome, status, requests, asked }) => [
      ...[site, who, rule, outcome, status],
      ...[requests, asked],
    ])
    // `WHERE true`: without it SQLite takes ON for the condition of a join.
    await book
      .prepare(
        `INSERT INTO traffic (hour, site, who, rule, outcome, status, requests, asked, counted_at)
           SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, ?2
             FROM json_each(?3) WHERE true
           ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, asked = asked + excluded.asked,
             counted_at = excluded.counted_at`,
      )
      .bind(Math.floor(at / HOUR_MS), at, JSON.stringify(rows))
      .run()
  }
}
