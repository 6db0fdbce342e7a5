/** Figures while they happen, over HTTP: money as the accounts report it, and traffic as it is counted. */

import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import {
  type Chart,
  type Charted,
  type ChartPlace,
  type ChartQuery,
  INTERVALS,
  type Interval,
  MONEY_SUMS,
  NAMES,
  TRAFFIC_SUMS,
} from '../ledger/book/chart.ts'
import { type Cell, csv, csvRow } from '../platform/csv.ts'
import { log } from '../platform/log.ts'
import { DAY_MS, HOUR_MS } from '../platform/time.ts'
import type { RequestError } from './problem.ts'
import { download, formatOf, invalid, jsonResponse, streamOf } from './response.ts'
import { needs, type OperatorEnv } from './rights.ts'
import type { OperatorSettings } from './settings.ts'
import { visibleSites } from './site-scope.ts'

/** `book`: money, exact up to the last report. `traffic`: counts of requests, approximate. */
export const FIGURE_SOURCES = ['book', 'traffic'] as const
type Source = (typeof FIGURE_SOURCES)[number]

/** The longest range of each interval, in intervals. A longer one is answered 400. */
export const MAX_INTERVALS: Readonly<Record<Interval, number>> = { hour: 744, day: 366, month: 60 }

/** Figures a page. A larger `limit` means this one. */
export const MAX_FIGURES = 5_000
const DEFAULT_FIGURES = 1_000

/** The most names of `top`. More are answered 400. */
export const MAX_TOP = 50

const MAX_NAME_CHARS = 300

/** One figure of an answer, as JSON and as a row of a table show it. */
type Figure = { source: Source; place: ChartPlace; sums: Record<string, number> }

type Asked = Omit<ChartQuery, 'after' | 'limit'> & {
  sources: readonly Source[]
  after: { source: Source; place: ChartPlace } | null
  limit: number
}

/** The state of a source. `isReadable`: false where its store did not answer, or may not be read. */
type State = { asOf: number | null; isExact: boolean; isReadable: boolean }

/** Routes below `/api/figures`. */
export function figureRoutes(settings: OperatorSettings, now: () => number): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('figures.read'), async (c) => {
    const format = formatOf(c, 'json', 'csv')
    if (format instanceof Response) return format
    const query = readQuery(c, now())
    if (Array.isArray(query)) return invalid(query)
    const { charts } = settings
    const asked: Asked = { ...query, sites: await visibleSites(c.var.principal, settings) }
    if (format === 'csv') return download(streamOf(table(charts, asked)), 'figures.csv', 'text/csv')
    const { figures, states } = await page(charts, asked)
    const last = figures.length < asked.limit ? undefined : figures.at(-1)
    const { interval, from, to } = asked
    const next = last ? cursorOf(last) : null
    return jsonResponse({ interval, from, to, sources: states, figures: figures.map(view(asked)), next })
  })
  return app
}

/** One page: figures of the first source, then of the second. */
async function page(
  charts: OperatorSettings['charts'],
  { sources, after, limit, ...query }: Asked,
): Promise<{ figures: Figure[]; states: Partial<Record<Source, State>> }> {
  const figures: Figure[] = []
  const states: Partial<Record<Source, State>> = {}
  for (const source of sources) {
    const isBefore = after !== null && sources.indexOf(after.source) > sources.indexOf(source)
    const place = after?.source === source ? after.place : null
    const chart = await read(charts[source], {
      ...query,
      after: place,
      limit: isBefore ? 0 : limit - figures.length,
    })
    const isExact = source === 'book'
    states[source] = { asOf: chart?.asOf ?? null, isExact, isReadable: chart !== null }
    for (const { sums, ...place } of chart?.figures ?? []) figures.push({ source, place, sums })
  }
  return { figures, states }
}

/** Null where the source cannot be read: the other one must not wait for it. */
async function read(charted: Charted<string> | null, query: ChartQuery): Promise<Chart<string> | null> {
  try {
    return charted && (await charted(query))
  } catch (fault) {
    log('figures_not_read', { fault })
    return null
  }
}

const AMOUNTS: ReadonlySet<string> = new Set(['charged', 'asked'])

function view({ interval, by }: Asked) {
  return ({ source, place, sums }: Figure) => ({
    source,
    [interval]: place.at,
    ...Object.fromEntries(by.map((name, at) => [name, place.names[at]])),
    ...Object.fromEntries(
      Object.entries(sums).map(([name, sum]) => [name, AMOUNTS.has(name) ? BigInt(sum) : sum]),
    ),
  })
}

const SUMS = [...MONEY_SUMS, ...TRAFFIC_SUMS]

/** All pages as CSV. A sum that a source does not have is an empty cell. */
async function* table(charts: OperatorSettings['charts'], asked: Asked): AsyncGenerator<string> {
  yield csv(['source', asked.interval, ...asked.by, ...SUMS, 'as_of'], [])
  for (let after = asked.after; ; ) {
    const { figures, states } = await page(charts, { ...asked, after, limit: MAX_FIGURES })
    yield figures.map((figure) => csvRow(cellsOf(figure, states[figure.source]))).join('')
    const last = figures.at(-1)
    if (!last || figures.length < MAX_FIGURES) return
    after = { source: last.source, place: last.place }
  }
}

function cellsOf({ source, place, sums }: Figure, state: State | undefined): Cell[] {
  const asOf = state?.asOf ?? null
  return [
    source,
    new Date(place.at).toISOString(),
    ...place.names,
    ...SUMS.map((name): Cell => {
      const sum = sums[name]
      return sum === undefined ? null : AMOUNTS.has(name) ? BigInt(sum) : sum
    }),
    asOf === null ? null : new Date(asOf).toISOString(),
  ]
}

function cursorOf({ source, place }: Figure): string {
  return JSON.stringify([source, place.at, ...place.names])
}

/** The query, or all its errors. */
function readQuery(c: Context, now: number): Omit<Asked, 'sites'> | RequestError[] {
  const errors: RequestError[] = []
  const fail = (path: string, message: string, expected: string) =>
    void errors.push({ path, message, expected })
  const interval = INTERVALS.find((known) => known === (c.req.query('interval') ?? 'hour'))
  if (!interval) fail('interval', 'must be an interval', INTERVALS.join(', '))
  const by = (c.req.query('by') ?? '').split(',').filter((name) => name !== '')
  const names = NAMES.filter((name) => by.includes(name))
  if (names.length !== by.length) fail('by', 'must be different names of figures', NAMES.join(','))
  const only: ChartQuery['only'] = {}
  for (const name of NAMES) {
    const text = c.req.query(name)
    if (text !== undefined && text.length <= MAX_NAME_CHARS) only[name] = text
    else if (text !== undefined) fail(name, `must be at most ${MAX_NAME_CHARS} characters`, 'a name')
  }
  const sources = sourcesOf(c.req.query('source'), [...names, ...Object.keys(only)])
  if (typeof sources === 'string') fail('source', sources, FIGURE_SOURCES.join(', '))
  const top = topOf(c.req.query('top'))
  if (top === null) fail('top', `must be a whole number from 1 to ${MAX_TOP}`, '6')
  else if (top !== undefined && (names.length !== 1 || sources.includes('traffic')))
    fail('top', 'must stand with one name in `by`, and with `source=book`', 'by=site&source=book&top=6')
  const range = interval && rangeOf(interval, c.req.query('from'), c.req.query('to'), now)
  if (interval && !range)
    fail('from', `must be a time before \`to\`, at most ${MAX_INTERVALS[interval]} intervals before it`, TIME)
  const after = readCursor(c.req.query('after'), names.length)
  if (after === undefined) fail('after', 'must be `next` of the page before', 'a cursor')
  if (errors.length > 0 || !interval || !range || typeof sources === 'string' || after === undefined)
    return errors
  return {
    interval,
    ...range,
    by: names,
    only,
    top: top ?? undefined,
    sources,
    after,
    limit: limitOf(c.req.query('limit')),
  }
}

/** Undefined without one; null where it must be corrected. */
function topOf(text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined
  return /^[1-9]\d?$/.test(text) && +text <= MAX_TOP ? +text : null
}

/** The sources that have all of the names: money knows no status, and traffic no path. */
function sourcesOf(asked: string | undefined, names: readonly string[]): readonly Source[] | string {
  const able = FIGURE_SOURCES.filter((source) => !names.includes(source === 'book' ? 'status' : 'path'))
  if (asked === undefined) return able.length > 0 ? able : 'must be one that has all of these names'
  const source = FIGURE_SOURCES.find((known) => known === asked)
  if (!source) return 'must be a source'
  return able.includes(source) ? [source] : 'must be one that has all of these names'
}

const TIME = '"2026-11-27", "2026-11-27T16:00:00Z" or Unix milliseconds'

const LENGTHS = { hour: HOUR_MS, day: DAY_MS } as const

/** Whole intervals around the two times: by default the last day, 30 days or 12 months. */
function rangeOf(interval: Interval, from: string | undefined, to: string | undefined, now: number) {
  const end = timeOf(to, now)
  if (end === undefined) return undefined
  const first = startOf(interval, end - 1, 1)
  const begin = timeOf(from, startOf(interval, first, -{ hour: 24, day: 30, month: 12 }[interval]))
  if (begin === undefined || begin >= end) return undefined
  const range = { from: startOf(interval, begin, 0), to: first }
  return startOf(interval, range.from, MAX_INTERVALS[interval]) < range.to ? undefined : range
}

/** The start of the interval that is `intervals` after the one of a time. */
function startOf(interval: Interval, time: number, intervals: number): number {
  if (interval !== 'month') return (Math.floor(time / LENGTHS[interval]) + intervals) * LENGTHS[interval]
  const date = new Date(time)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + intervals)
}

const MAX_TIME_MS = Date.UTC(2200)

function timeOf(text: string | undefined, otherwise: number): number | undefined {
  if (text === undefined) return otherwise
  const isDate = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?Z)?$/.test(text)
  const time = isDate ? Date.parse(text) : /^\d{1,15}$/.test(text) ? +text : Number.NaN
  return time >= 0 && time <= MAX_TIME_MS ? time : undefined
}

/** Undefined unless the text is a cursor of as many names. */
function readCursor(text: string | undefined, names: number): Asked['after'] | undefined {
  if (text === undefined) return null
  const read = parse(text)
  if (!Array.isArray(read) || read.length !== names + 2) return undefined
  const [first, at, ...rest] = read
  const source = FIGURE_SOURCES.find((known) => known === first)
  const isPlace = Number.isSafeInteger(at) && at >= 0 && at <= MAX_TIME_MS
  if (!source || !isPlace || !rest.every((name) => typeof name === 'string')) return undefined
  return { source, place: { at, names: rest } }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}

function limitOf(text: string | undefined): number {
  const limit = text !== undefined && /^[0-9]{1,9}$/.test(text) ? +text : DEFAULT_FIGURES
  return Math.min(Math.max(limit, 1), MAX_FIGURES)
}
