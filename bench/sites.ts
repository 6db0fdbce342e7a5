/** `npm run bench -- --sites`: what a deployment of a thousand sites costs. Each case is a function of its own. */
import { readdirSync, readFileSync } from 'node:fs'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { unstable_splitSqlQuery as splitSql } from 'wrangler'
import { chartMoney } from '../src/ledger/book/chart.ts'
import { DAY_MS, HOUR_MS } from '../src/platform/time.ts'
import { COMPATIBILITY_DATE } from './runtime.ts'

const [SITES, DAYS] = [1_000, 30]
const FROM = Date.UTC(2026, 9, 1)

/** One line of the report. `most`: the target in milliseconds, if there is one. */
type Timed = { name: string; rows: number; ms: number; most?: number }

/** Runs every case and prints a table. Returns whether all targets are met. */
export async function benchSites(): Promise<boolean> {
  const timed = await chartsOfManySites()
  for (const { name, rows, ms, most } of timed)
    console.log(`${name}: ${rows} rows in ${ms.toFixed(0)} ms${most ? ` (target ${most} ms)` : ''}`)
  return timed.every(({ ms, most }) => most === undefined || ms <= most)
}

/** 1,000 sites × 30 days × 24 hours of figures in a local D1: the charts of a month. */
async function chartsOfManySites(): Promise<Timed[]> {
  const script = 'export default { fetch: () => new Response() }'
  const options = { modules: true, script, compatibilityDate: COMPATIBILITY_DATE, d1Databases: ['BOOK'] }
  const local = new Miniflare(convertV4MiniflareOptions(options))
  try {
    const book = (await local.getD1Database('BOOK')) as unknown as D1Database
    await fill(book)
    const charts = chartMoney(book)
    const month = { from: FROM, to: FROM + DAYS * DAY_MS, only: {}, after: null, limit: 5_000 }
    const time = async (name: string, query: object, most?: number): Promise<Timed> => {
      const asked = { ...month, by: [], interval: 'day', ...query } as Parameters<typeof charts>[0]
      const times: number[] = []
      let rows = 0
      for (let round = 0; round < 9; round++) {
        const start = performance.now()
        rows = (await charts(asked)).figures.length
        times.push(performance.now() - start)
      }
      const ms = times.toSorted((one, other) => one - other)[4] ?? Number.NaN
      return { name, rows, ms, ...(most !== undefined && { most }) }
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
  const sites = `WITH RECURSIVE site(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM site WHERE n < ${SITES - 1})`
  const hour = book.prepare(
    `INSERT INTO figure ${sites} SELECT ?, 'site-' || n, 'default', 'GPTBot', '/articles', 10, 0, 20000 FROM site`,
  )
  const day = book.prepare(
    `INSERT INTO figure_day ${sites} SELECT ?, 'site-' || n, 240, 0, 480000, ? FROM site`,
  )
  for (let at = 0; at < DAYS; at++) {
    const first = FROM / HOUR_MS + at * 24
    await book.batch([
      ...Array.from({ length: 24 }, (_, hours) => hour.bind(first + hours)),
      day.bind(first / 24, FROM),
    ])
  }
}
