/** The figures of charges in D1: each account adds to them at its own position, once. No money depends on them. */
import type { DailyReceipt, HourlyFigure } from '../figures/fold.ts'
import { KIND } from './accounts.ts'
import { addNames, figuresBy, SUMMED_TO } from './figure-names.ts'

/** An account, by its kind and id. */
export type FigureAccount = { kind: keyof typeof KIND; account: string }

/** The figures of a journal's entries after `from`, up to `to`. `charged`: their sum, in micro-dollars. */
export type FigureReport = FigureAccount & {
  from: number
  to: number
  figures: readonly HourlyFigure[]
  receipts: readonly DailyReceipt[]
  charged: bigint
}

/**
 * The most paths of one site that have rows of their own on one day. D1 itself counts them, in the batch of a report, since
 * no account sees the paths of others. Beyond it a path counts as `other`, for that day.
 */
export const MAX_PATHS = 200

const IS_NEXT = `coalesce((SELECT position FROM figure_cursor WHERE kind = ?1 AND account = ?2), 0) = ?3`

const ADD_PATHS = `
  WITH asked AS (SELECT DISTINCT (value ->> 0) / 24 AS day, value ->> 1 AS site, value ->> 4 AS path FROM json_each(?4)),
  fresh AS (
    SELECT *, row_number() OVER (PARTITION BY day, site ORDER BY path) AS nth FROM asked
    WHERE path <> 'other' AND NOT EXISTS (
      SELECT 1 FROM figure_path AS has WHERE has.day = asked.day AND has.site = asked.site AND has.path = asked.path)),
  counted AS MATERIALIZED (
    SELECT day, site, (
      SELECT count(*) FROM figure_path AS has WHERE has.day = fresh.day AND has.site = fresh.site) AS known
    FROM fresh GROUP BY day, site)
  INSERT INTO figure_path (day, site, path)
  SELECT day, site, path FROM fresh JOIN counted USING (day, site)
  WHERE known + nth <= ${MAX_PATHS} AND ${IS_NEXT}`

/** The path under which a figure of a report counts. */
const PATH = `
    CASE WHEN EXISTS (
      SELECT 1 FROM figure_path AS has
      WHERE has.day = (value ->> 0) / 24 AND has.site = value ->> 1 AND has.path = value ->> 4)
    THEN value ->> 4 ELSE 'other' END`

const ADD_FIGURES = `
  INSERT INTO figure (hour, site, rule, who, path, charges, releases, charged)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3,
    ${PATH},
    sum(value ->> 5), sum(value ->> 6), sum(cast(value ->> 7 as integer))
  FROM json_each(?4) WHERE ${IS_NEXT} GROUP BY 1, 2, 3, 4, 5
  ON CONFLICT DO UPDATE SET charges = charges + excluded.charges, releases = releases + excluded.releases,
    charged = charged + excluded.charged`

const ADD_DAYS = `
  INSERT INTO figure_day (day, site, charges, releases, charged, reported_at)
  SELECT (value ->> 0) / 24, value ->> 1, sum(value ->> 5), sum(value ->> 6), sum(cast(value ->> 7 as integer)), ?5
  FROM json_each(?4) WHERE ${IS_NEXT} GROUP BY 1, 2
  ON CONFLICT DO UPDATE SET charges = charges + excluded.charges, releases = releases + excluded.releases,
    charged = charged + excluded.charged, reported_at = excluded.reported_at`

// Late: the cron adds all others when their hour is over.
const ADD_LATE = addNames(
  `SELECT value ->> 0 AS hour, value ->> 3 AS who, ${PATH} AS path,
     value ->> 5 AS charges, value ->> 6 AS releases, cast(value ->> 7 as integer) AS charged
   FROM json_each(?4) WHERE value ->> 0 < ${SUMMED_TO} AND ${IS_NEXT}`,
)

const ADD_RECEIPTS = `
  INSERT INTO receipt (day, kind, received)
  SELECT value ->> 0, ?1, cast(value ->> 1 as integer) FROM json_each(?4) WHERE ${IS_NEXT}
  ON CONFLICT DO UPDATE SET received = received + excluded.received`

// Last, since the others ask where the account stood before.
const MOVE = `
  INSERT INTO figure_cursor (kind, account, position, charged, reported_at)
  SELECT ?1, ?2, ?4, cast(?5 as integer), ?6 WHERE ${IS_NEXT}
  ON CONFLICT DO UPDATE SET position = excluded.position, charged = charged + excluded.charged,
    reported_at = excluded.reported_at`

/**
 * Adds a report in one transaction, unless the account's position is not `from`: then the report was added before, or D1 was
 * replaced. Returns whether it was added. `now` in Unix milliseconds.
 * @throws when D1 cannot be written; the report may then have been added, and adding it again changes nothing
 */
export async function addReport(book: D1Database, report: FigureReport, now: number): Promise<boolean> {
  const { kind, account, from, to, charged } = report
  const rows = report.figures.map(({ hour, site, rule, who, path, charges, releases, charged }) => [
    ...[hour, site, rule, who, path, charges, releases, charged.toString()],
  ])
  const [at, json] = [[kind, account, from] as const, JSON.stringify(rows)]
  const figures =
    rows.length === 0
      ? []
      : [
          book.prepare(ADD_PATHS).bind(...at, json),
          book.prepare(ADD_FIGURES).bind(...at, json),
          book.prepare(ADD_DAYS).bind(...at, json, now),
          book.prepare(ADD_LATE).bind(...at, json),
        ]
  const moved = book.prepare(MOVE).bind(...at, to, charged.toString(), now)
  const days = report.receipts.map(({ day, received }) => [day, received.toString()])
  const receipts = days.length === 0 ? [] : [book.prepare(ADD_RECEIPTS).bind(...at, JSON.stringify(days))]
  const results = await book.batch([...figures, ...receipts, moved])
  return (results.at(-1)?.meta.changes ?? 0) > 0
}

/** The most channels that are read for alerts. */
const MAX_NEAR_LIMIT = 200

/**
 * Returns channels that have reported more than `above` beyond what was redeemed at the last run, in micro-dollars. It reads
 * the cursor of every account: call it once an hour.
 */
export async function owingAbove(
  book: D1Database,
  above: bigint,
): Promise<{ channel: string; unclaimed: bigint }[]> {
  const { results } = await book
    .prepare(
      `SELECT account.id AS channel, figure_cursor.charged - cast(coalesce(redeemed, '0') AS INTEGER) AS unclaimed
         FROM figure_cursor JOIN account ON account.id = figure_cursor.account
         WHERE figure_cursor.kind = '${KIND.channel}' AND unclaimed > cast(? AS INTEGER)
         ORDER BY unclaimed DESC LIMIT ?`,
    )
    .bind(above.toString(), MAX_NEAR_LIMIT)
    .all<{ channel: string; unclaimed: number }>()
  return results.map(({ channel, unclaimed }) => ({ channel, unclaimed: BigInt(unclaimed) }))
}

/** The position up to which an account has reported; 0 for an account that has not. @throws when D1 cannot be read */
export async function readPosition(book: D1Database, { kind, account }: FigureAccount): Promise<number> {
  const position = await book
    .prepare('SELECT position FROM figure_cursor WHERE kind = ? AND account = ?')
    .bind(kind, account)
    .first<number>('position')
  return position ?? 0
}

/** An account's row: how far it has reported, and its sum in micro-dollars. */
export type Cursor = FigureAccount & { position: number; charged: bigint }

/** The rows of accounts of one kind, by account. @throws when D1 cannot be read */
export async function readCursors(
  book: D1Database,
  kind: Cursor['kind'],
  accounts: readonly string[],
): Promise<Map<string, Cursor>> {
  if (accounts.length === 0) return new Map()
  const { results } = await book
    .prepare(
      `SELECT account, position, charged FROM figure_cursor
       WHERE kind = ? AND account IN (SELECT value FROM json_each(?))`,
    )
    .bind(kind, JSON.stringify(accounts))
    .all<{ account: string; position: number; charged: number }>()
  return new Map(
    results.map(({ account, position, charged }) => [
      account,
      { kind, account, position, charged: BigInt(charged) },
    ]),
  )
}

/** The sums of all figures by hour, by day, by crawler, by path, and as accounts have reported them, at one moment. Micro-dollars. */
export async function readFigureSums(
  book: D1Database,
): Promise<Record<'hours' | 'days' | 'crawlers' | 'paths' | 'reported', bigint>> {
  const sums = await book
    .prepare(
      `SELECT (SELECT coalesce(sum(charged), 0) FROM figure) AS hours,
       (SELECT coalesce(sum(charged), 0) FROM figure_day) AS days,
       (SELECT coalesce(sum(charged), 0) FROM ${figuresBy('who')}) AS crawlers,
       (SELECT coalesce(sum(charged), 0) FROM ${figuresBy('path')}) AS paths,
       (SELECT coalesce(sum(charged), 0) FROM figure_cursor) AS reported`,
    )
    .first<Record<'hours' | 'days' | 'crawlers' | 'paths' | 'reported', number>>()
  const { hours = 0, days = 0, crawlers = 0, paths = 0, reported = 0 } = sums ?? {}
  return {
    hours: BigInt(hours),
    days: BigInt(days),
    crawlers: BigInt(crawlers),
    paths: BigInt(paths),
    reported: BigInt(reported),
  }
}
