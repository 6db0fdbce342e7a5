/**
 * Figures by day and crawler, and by day and path, of all sites. The cron adds an hour to them once, when it is over: a row for
 * each name and report would cost more than the charges. Later hours are read from the figures themselves.
 */
import { HOUR_MS } from '../../platform/time.ts'

/** SQL of the first hour that is not in `figure_name` yet, in hours since 1970. */
export const SUMMED_TO = '(SELECT coalesce(max(hour), 0) FROM figure_summed)'

/**
 * The most crawlers, and the most paths, that have rows of their own on one day for all sites: those that earned most in the
 * hour that first has them. Beyond it they count as `other`, for that day.
 */
export const MAX_DAY_NAMES = 1_000

const KINDS = ['who', 'path'] as const

const SUMS = 'sum(charges) AS charges, sum(releases) AS releases, sum(charged) AS charged'

/** SQL that adds figures to the sums by name. `brought`: a query of `hour`, `who`, `path`, `charges`, `releases`, `charged`. */
export function addNames(brought: string): string {
  const named = KINDS.map(
    (kind) =>
      `SELECT '${kind}' AS kind, hour / 24 AS day, ${kind} AS name, ${SUMS} FROM brought GROUP BY day, name`,
  )
  return `
  WITH brought AS MATERIALIZED (${brought}),
  named AS (${named.join(' UNION ALL ')}),
  known AS MATERIALIZED (
    SELECT kind, day, count(*) AS names FROM figure_name
    WHERE (kind, day) IN (SELECT kind, day FROM named) AND name <> 'other' GROUP BY kind, day),
  placed AS (
    SELECT *, name = 'other' OR EXISTS (
      SELECT 1 FROM figure_name AS has WHERE has.kind = named.kind AND has.day = named.day AND has.name = named.name) AS has
    FROM named),
  ranked AS (
    SELECT *, row_number() OVER (PARTITION BY kind, day, has ORDER BY charged DESC, name) AS nth FROM placed)
  INSERT INTO figure_name (kind, day, name, charges, releases, charged)
  SELECT kind, day, CASE WHEN has OR coalesce(names, 0) + nth <= ${MAX_DAY_NAMES} THEN name ELSE 'other' END, ${SUMS}
  FROM ranked LEFT JOIN known USING (kind, day) WHERE true GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET charges = charges + excluded.charges, releases = releases + excluded.releases,
    charged = charged + excluded.charged`
}

/** SQL of a table of all figures by `day` and the name: the sums, and the hours that are not in them yet. */
export function figuresBy(kind: (typeof KINDS)[number]): string {
  const figures = 'charges, releases, charged FROM'
  return (
    `(SELECT day, name AS ${kind}, ${figures} figure_name WHERE kind = '${kind}'` +
    ` UNION ALL SELECT hour / 24, ${kind}, ${figures} figure WHERE hour >= ${SUMMED_TO})`
  )
}

/** Reports of an hour arrive for five minutes after it. A later one adds its own figures. */
const WAIT_MS = 10 * 60_000
/** Hours that one call adds: missed ones are made up for in a few calls. */
const MAX_HOURS = 7 * 24

const ADD_HOURS = addNames(
  `SELECT hour, who, path, charges, releases, charged FROM figure
   WHERE hour >= ?1 AND hour < ?2 AND ${SUMMED_TO} = ?1`,
)

const MOVE = `
  INSERT INTO figure_summed (id, hour) SELECT 1, ?2 WHERE ${SUMMED_TO} = ?1
  ON CONFLICT DO UPDATE SET hour = excluded.hour`

/**
 * Adds the hours that are over to the sums by name, each once, however often it is called. `now` in Unix milliseconds.
 * @throws when D1 cannot be read or written; the hours may then have been added, and the next call adds none twice
 */
export async function sumNames(book: D1Database, now: number): Promise<void> {
  const place = await book
    .prepare(
      `SELECT ${SUMMED_TO} AS hour, (SELECT min(hour) FROM figure WHERE hour >= ${SUMMED_TO}) AS first`,
    )
    .first<{ hour: number; first: number | null }>()
  if (place?.first == null) return
  const to = Math.min(Math.floor((now - WAIT_MS) / HOUR_MS), place.first + MAX_HOURS)
  if (to <= place.first) return
  await book.batch([ADD_HOURS, MOVE].map((statement) => book.prepare(statement).bind(place.hour, to)))
}
