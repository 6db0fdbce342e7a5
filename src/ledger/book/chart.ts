/** Charts: figures summed over intervals and by names, from D1. No decision about money reads them. */
import { DAY_MS, HOUR_MS } from '../../platform/time.ts'
import { figuresBy } from './figure-names.ts'

/** The lengths of time that figures are summed over, in UTC. */
export const INTERVALS = ['hour', 'day', 'month'] as const
/** One of {@link INTERVALS}. */
export type Interval = (typeof INTERVALS)[number]

/** The names that figures are counted by. Money has no `status`, and traffic no `path`. */
export const NAMES = ['site', 'who', 'rule', 'path', 'status'] as const
/** One of {@link NAMES}. */
export type Name = (typeof NAMES)[number]

/** One chart. `from` and `to` (exclusive) are Unix milliseconds, and begin an interval. */
export type ChartQuery = {
  interval: Interval
  from: number
  to: number
  by: readonly Name[]
  /** Leaves out figures with other names. */
  only: Partial<Record<Name, string>>
  /** The sites that may be seen; null sees all. */
  sites: readonly string[] | null
  /** How many names of the first of `by` stand alone: the largest. The others are one, `other`. Undefined: all. */
  top?: number | undefined
  /** The last figure of the page before. */
  after: ChartPlace | null
  limit: number
}

/** The chart of a whole UTC day: one figure for all sites. `at`: a moment of the day, in Unix milliseconds. */
export function dayChart(at: number): ChartQuery {
  const from = Math.floor(at / DAY_MS) * DAY_MS
  return { interval: 'day', from, to: from + DAY_MS, by: [], only: {}, sites: null, after: null, limit: 1 }
}

/** The place of a figure in its chart: the interval's start in Unix milliseconds, and a text for each of `by`. */
export type ChartPlace = { at: number; names: readonly string[] }

/** One figure. Sums are whole numbers; amounts are micro-dollars. */
export type ChartRow<Sum extends string> = ChartPlace & { sums: Record<Sum, number> }

/** Figures in order of time and names. `asOf`: when the source was last written (Unix ms); null before its first figure. */
export type Chart<Sum extends string> = { figures: ChartRow<Sum>[]; asOf: number | null }

/** A source of figures. */
export type Charted<Sum extends string> = (query: ChartQuery) => Promise<Chart<Sum>>

/** `charged`: net of what was released. `charges`, `releases`: requests. */
export const MONEY_SUMS = ['charged', 'charges', 'releases'] as const
/** One of {@link MONEY_SUMS}. */
export type MoneySum = (typeof MONEY_SUMS)[number]

/** Requests by their end; `errors`: free or paid requests whose answer was 5xx; `asked`: micro-dollars of the unpaid. */
export const TRAFFIC_SUMS = ['unpaid', 'asked', 'refused', 'free', 'blocked', 'errors'] as const
/** One of {@link TRAFFIC_SUMS}. */
export type TrafficSum = (typeof TRAFFIC_SUMS)[number]

/** The sources of figures. `traffic` is null where its dataset may not be read. */
export type Charts = { book: Charted<MoneySum>; traffic: Charted<TrafficSum> | null }

/** Where figures stand, in the words of one SQL dialect. */
export type ChartTable<Sum extends string> = {
  table: string
  /** The interval of a row: whole hours or days since 1970, or a month such as `2026-11`. */
  bucket: Partial<Record<Interval, string>>
  /** The condition for rows of a time range, in Unix milliseconds. */
  within(from: number, to: number): string
  columns: Partial<Record<Name, string>>
  sums: Record<Sum, string>
  /** The condition for rows of one of these values. */
  among(column: string, values: readonly string[], value: (value: string) => string): string
}

/** Returns the SQL of a chart. `value` writes a value into it. @throws RangeError where the table lacks a name or interval */
export function chartSql<Sum extends string>(
  { table, bucket, within, columns, sums, among }: ChartTable<Sum>,
  { interval, from, to, by, only, sites, top, after, limit }: ChartQuery,
  value: (value: string | number) => string,
): string {
  const column = (name: Name) => columns[name] ?? missing(name)
  const span = bucket[interval] ?? missing(interval)
  const wanted = Object.entries(only).map(([name, text]) => `${column(name as Name)} = ${value(text)}`)
  if (sites) wanted.push(among(column('site'), sites, value))
  const [largest] = Object.values<string>(sums)
  const names = by.map(column).map((name, at) => {
    if (at > 0 || top === undefined) return name
    const range = [within(from, to), ...wanted].join(' AND ')
    const best = `SELECT ${name} FROM ${table} WHERE ${range} GROUP BY ${name} ORDER BY ${largest} DESC, ${name} LIMIT ${top}`
    return `iif(${name} IN (${best}), ${name}, 'other')`
  })
  const where = [within(after ? Math.max(from, after.at) : from, to), ...wanted]
  if (after)
    where.push(`(${beyond([span, ...names], [bucketOf(interval, after.at), ...after.names], value)})`)
  const groups = ['bucket', ...by.map((_, at) => `name${at}`)].join(', ')
  const columnsOf = [
    `${span} AS bucket`,
    ...names.map((name, at) => `${name} AS name${at}`),
    ...Object.entries(sums).map(([name, sum]) => `${sum} AS ${name}`),
  ]
  return (
    `SELECT ${columnsOf.join(', ')} FROM ${table} WHERE ${where.join(' AND ')} ` +
    `GROUP BY ${groups} ORDER BY ${groups} LIMIT ${limit}`
  )
}

function missing(what: string): never {
  throw new RangeError(`these figures have no ${what}`)
}

/** The condition for rows after a position, written out: not every dialect compares rows of values. */
function beyond(
  [first = '', ...columns]: readonly string[],
  [place = '', ...places]: readonly (string | number)[],
  value: (value: string | number) => string,
): string {
  const later = `${first} > ${value(place)}`
  if (columns.length === 0) return later
  return `${later} OR (${first} = ${value(place)} AND (${beyond(columns, places, value)}))`
}

function bucketOf(interval: Interval, at: number): string | number {
  if (interval === 'month') return new Date(at).toISOString().slice(0, 7)
  return at / (interval === 'day' ? DAY_MS : HOUR_MS)
}

/** Reads a row of {@link chartSql}. */
export function chartRow<Sum extends string>(
  row: Record<string, unknown>,
  { interval, by }: ChartQuery,
  sums: readonly Sum[],
): ChartRow<Sum> {
  const { bucket } = row
  const length = interval === 'day' ? DAY_MS : HOUR_MS
  return {
    at: interval === 'month' ? Date.parse(`${bucket}-01T00:00:00Z`) : Number(bucket) * length,
    names: by.map((_, at) => String(row[`name${at}`])),
    // Trap: an AE sum of 64 bits arrives as text.
    sums: Object.fromEntries(sums.map((sum) => [sum, Number(row[sum])])) as Record<Sum, number>,
  }
}

const CHARGES = {
  charged: 'sum(charged)',
  charges: 'sum(charges)',
  releases: 'sum(releases)',
}

const hours = (from: number, to: number) =>
  `hour >= ${Math.floor(from / HOUR_MS)} AND hour < ${Math.ceil(to / HOUR_MS)}`

const BY_HOUR = {
  hour: 'hour',
  day: 'hour / 24',
  month: "strftime('%Y-%m', hour * 3600, 'unixepoch')",
}

/** As one parameter: D1 binds at most a hundred. */
const among: ChartTable<string>['among'] = (column, values, value) =>
  `${column} IN (SELECT value FROM json_each(${value(JSON.stringify(values))}))`

const FIGURE: ChartTable<MoneySum> = {
  table: 'figure',
  bucket: BY_HOUR,
  within: hours,
  columns: { site: 'site', who: 'who', rule: 'rule', path: 'path' },
  sums: CHARGES,
  among,
}

/** A row for each day and site, where the hours of a thousand sites would be too many to sum. */
const FIGURE_DAY: ChartTable<MoneySum> = {
  table: 'figure_day',
  bucket: { day: 'day', month: "strftime('%Y-%m', day * 86400, 'unixepoch')" },
  within: (from, to) => `day >= ${Math.floor(from / DAY_MS)} AND day < ${Math.ceil(to / DAY_MS)}`,
  columns: { site: 'site' },
  sums: CHARGES,
  among,
}

/** A row for each day and crawler, or for each day and path, of all sites. */
function figureName(name: 'who' | 'path'): ChartTable<MoneySum> {
  return { ...FIGURE_DAY, table: figuresBy(name), columns: { [name]: name } }
}

/** The table that has the fewest rows for a query. */
function tableOf({ interval, by, only, sites }: ChartQuery): ChartTable<MoneySum> {
  const names = new Set([...by, ...Object.keys(only), ...(sites ? ['site'] : [])])
  if (interval === 'hour') return FIGURE
  if (names.size === 0 || (names.size === 1 && names.has('site'))) return FIGURE_DAY
  const [name] = names
  return names.size === 1 && (name === 'who' || name === 'path') ? figureName(name) : FIGURE
}

const TRAFFIC: ChartTable<TrafficSum> = {
  table: 'traffic',
  bucket: BY_HOUR,
  within: hours,
  columns: { site: 'site', who: 'who', rule: 'rule', status: 'status' },
  sums: {
    unpaid: "sum(iif(outcome = 'unpaid', requests, 0))",
    asked: 'sum(asked)',
    refused: "sum(iif(outcome = 'refused', requests, 0))",
    free: "sum(iif(outcome = 'free', requests, 0))",
    blocked: "sum(iif(outcome = 'blocked', requests, 0))",
    errors: "sum(iif(outcome IN ('free', 'paid') AND status = '5xx', requests, 0))",
  },
  among,
}

/** Money, as the accounts have reported it. */
export function chartMoney(book: D1Database): Charted<MoneySum> {
  return async (query) => {
    const asOf =
      'SELECT max(reported_at) AS at FROM figure_day WHERE day >= (SELECT max(day) FROM figure_day) - 1'
    return read(book, tableOf(query), query, MONEY_SUMS, asOf)
  }
}

/** Traffic in D1. */
export function chartTraffic(book: D1Database): Charted<TrafficSum> {
  const asOf = 'SELECT max(counted_at) AS at FROM traffic WHERE hour = (SELECT max(hour) FROM traffic)'
  return (query) => read(book, TRAFFIC, query, TRAFFIC_SUMS, asOf)
}

/** The figures and the time of the last one, in one batch. */
async function read<Sum extends string>(
  book: D1Database,
  table: ChartTable<Sum>,
  query: ChartQuery,
  sums: readonly Sum[],
  asOf: string,
): Promise<Chart<Sum>> {
  const values: (string | number)[] = []
  const sql = chartSql(table, query, (value) => `?${values.push(value)}`)
  const [figures, latest] = await book.batch<Record<string, unknown>>([
    book.prepare(sql).bind(...values),
    book.prepare(asOf),
  ])
  const at = latest?.results[0]?.at
  return {
    figures: (figures?.results ?? []).map((row) => chartRow(row, query, sums)),
    asOf: typeof at === 'number' ? at : null,
  }
}
