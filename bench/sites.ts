/** `npm run bench -- --sites`: the cost of a deployment of a thousand sites. Each case is a function of its own. */
import { readdirSync, readFileSync } from 'node:fs'
import Table from 'cli-table3'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { unstable_splitSqlQuery as splitSql } from 'wrangler'
import { chartMoney } from '../src/ledger/book/chart.ts'
import { DAY_MS } from '../src/platform/time.ts'
import { FIGURE_DAYS, fillFigures } from './figures.ts'
import { HOME_ROUNDS, type HomeFigures, measureHome } from './home.ts'
import { type ManySites, measureManySites, RULES, SITES } from './many-sites.ts'
import { CLIENTS, changePrice, type PriceChange } from './price-change.ts'
import { LOOK } from './report.ts'
import type { Pace } from './rounds.ts'
import { COMPATIBILITY_DATE } from './runtime.ts'
import { setStage } from './stage.ts'

const DAYS = FIGURE_DAYS
const FROM = Date.UTC(2026, 9, 1)

/** One row of the report; `most` and `least` are its targets, if there are any. */
type Row = { name: string; value: number; unit?: string; digits?: number; most?: number; least?: number }

/** Runs every case and prints a table. Returns whether all targets are met. */
export async function benchSites(pace: Pace): Promise<boolean> {
  const stage = await setStage()
  try {
    const rows = [
      ...rowsOfMany(await measureManySites(stage, pace)),
      ...rowsOfChange(await changePrice(stage)),
      ...(await chartsOfManySites()),
      ...rowsOfHome(await measureHome(stage)),
    ]
    const table = new Table({
      head: [`${SITES} sites of ${RULES} rules, one isolate`, '', 'target', ''],
      ...LOOK,
    })
    table.push(...rows.map(cellsOf))
    console.log(table.toString())
    return rows.every(isMet)
  } finally {
    await stage.stop()
  }
}

function rowsOfMany({ heap, ratio, cold }: ManySites): Row[] {
  return [
    { name: 'heap of the isolate for all sites', value: (heap * SITES) / 1e6, unit: ' MB', most: 64 },
    { name: 'unpaid 402, all sites in turn ÷ one site', value: ratio, digits: 2, least: 0.95 },
    { name: 'first answer of a cold host, median', value: cold.median, unit: ' ms' },
    { name: 'first answer of a cold host, slowest', value: cold.slowest, unit: ' ms' },
  ]
}

function rowsOfChange({ paid, before, after, honoured, refused, charged }: PriceChange): Row[] {
  return [
    { name: `pages that ${CLIENTS} clients paid while a price changed`, value: paid, least: 1 },
    { name: '  at the former price', value: before, least: 1 },
    { name: '  at the former price after the change, by an offer that was valid', value: honoured, least: 1 },
    { name: '  at the new price', value: after, least: 1 },
    { name: '  refused', value: refused, most: 0 },
    { name: '  charged at a price that was not offered', value: charged, most: 0 },
  ]
}

function rowsOfHome({ firstByte, bytes }: HomeFigures): Row[] {
  return [
    {
      name: `home of the console, first byte, median of ${HOME_ROUNDS}`,
      value: firstByte,
      unit: ' ms',
      most: 150,
    },
    { name: 'home of the console, its weight', value: bytes / 1000, unit: ' kB', digits: 1, most: 60 },
  ]
}

function isMet({ value, most, least }: Row): boolean {
  return (most === undefined || value <= most) && (least === undefined || value >= least)
}

function cellsOf(row: Row): string[] {
  const { name, value, unit = '', digits = 0, most, least } = row
  const target = most !== undefined ? `at most ${most}` : least !== undefined ? `at least ${least}` : ''
  return [name, `${value.toFixed(digits)}${unit}`, target, target && (isMet(row) ? 'met' : 'missed')]
}

/** 1,000 sites × 30 days × 24 hours of figures in a local D1: the charts of a month. */
async function chartsOfManySites(): Promise<Row[]> {
  const script = 'export default { fetch: () => new Response() }'
  const options = { modules: true, script, compatibilityDate: COMPATIBILITY_DATE, d1Databases: ['BOOK'] }
  const local = new Miniflare(convertV4MiniflareOptions(options))
  try {
    const book = (await local.getD1Database('BOOK')) as unknown as D1Database
    await fill(book)
    const charts = chartMoney(book)
    const month = { from: FROM, to: FROM + DAYS * DAY_MS, only: {}, sites: null, after: null, limit: 5_000 }
    const time = async (name: string, query: object, most?: number): Promise<Row> => {
      const asked = { ...month, by: [], interval: 'day', ...query } as Parameters<typeof charts>[0]
      const times: number[] = []
      let rows = 0
      for (let round = 0; round < 9; round++) {
        const start = performance.now()
        rows = (await charts(asked)).figures.length
        times.push(performance.now() - start)
      }
      const ms = times.toSorted((one, other) => one - other)[4] ?? Number.NaN
      return {
        name: `${name}: ${rows} rows of D1`,
        value: ms,
        unit: ' ms',
        ...(most !== undefined && { most }),
      }
    }
    return [
      await time('a month of all sites, by day', {}, 200),
      await time('a month of each site', { by: ['site'], interval: 'month' }, 200),
      await time('a month of one site, by hour', { only: { site: 'site-500' }, interval: 'hour' }, 200),
      await time('a month of one site, by crawler and day', { only: { site: 'site-500' }, by: ['who'] }, 200),
      await time('a day of each site, by hour', {
        ...{ by: ['site'], interval: 'hour', from: FROM, to: FROM + DAY_MS },
      }),
    ]
  } finally {
    await local.dispose()
  }
}

async function fill(book: D1Database): Promise<void> {
  for (const file of readdirSync('migrations').toSorted())
    for (const statement of splitSql(readFileSync(`migrations/${file}`, 'utf8')))
      await book.prepare(statement).run()
  await fillFigures(book, FROM + DAYS * DAY_MS - 1)
}
