/** Sums by crawler and path: each hour is added once when it is over, and what comes later is added by its report. */
import { env } from 'cloudflare:test'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ChartQuery, chartMoney } from '../../../src/ledger/book/chart.ts'
import { MAX_DAY_NAMES, sumNames } from '../../../src/ledger/book/figure-names.ts'
import { addReport } from '../../../src/ledger/book/figure-report.ts'
import { checkSums } from '../../../src/ledger/figures/check.ts'
import type { HourlyFigure } from '../../../src/ledger/figures/fold.ts'

const HOUR = 3_600_000
const DAY = 20_000
const FIRST = DAY * 24
const sql = (statement: string) => env.BOOK.prepare(statement).run()

const figureAt = (hour: number, path = '/news', rest: Partial<HourlyFigure> = {}): HourlyFigure => ({
  ...{ hour, site: 's', rule: 'default', who: 'GPTBot', path, charges: 1, releases: 0, charged: 100n },
  ...rest,
})

let accounts = 0
/** The only report of an account of its own. */
async function report(...figures: HourlyFigure[]): Promise<void> {
  const charged = figures.reduce((sum, figure) => sum + figure.charged, 0n)
  const account = { kind: 'channel', account: `account-${++accounts}`, from: 0, to: 1 } as const
  await addReport(env.BOOK, { ...account, figures, receipts: [], charged }, 1)
}

/** The moment at which an hour has been over for long enough. */
const over = (hour: number) => (hour + 1) * HOUR + 600_000

async function chartBy(name: 'who' | 'path', rest: Partial<ChartQuery> = {}) {
  const range = { interval: 'day', from: FIRST * HOUR, to: (FIRST + 48) * HOUR } as const
  const query = { ...range, by: [name], only: {}, sites: null, after: null, limit: 99, ...rest }
  const { figures } = await chartMoney(env.BOOK)(query)
  return figures.map(({ at, names, sums }) => [at / HOUR - FIRST, ...names, sums.charges, sums.charged])
}

async function rowsOf(kind: 'who' | 'path') {
  const rows = env.BOOK.prepare(
    'SELECT day, name, charges, charged FROM figure_name WHERE kind = ? ORDER BY day, name',
  )
  return (await rows.bind(kind).raw<[number, string, number, number]>()).map(([day, ...row]) => [
    day - DAY,
    ...row,
  ])
}

/** The hour that the migration has written. */
let migrated: number | null = null
beforeAll(async () => {
  migrated = await env.BOOK.prepare('SELECT hour FROM figure_summed').first<number>('hour')
})

beforeEach(async () => {
  for (const table of [
    'figure',
    'figure_day',
    'figure_path',
    'figure_name',
    'figure_summed',
    'figure_cursor',
  ])
    await sql(`DELETE FROM ${table}`)
})

describe('sumNames', () => {
  it('adds an hour to the sums by crawler and path ten minutes after it is over, and once', async () => {
    await report(figureAt(FIRST), figureAt(FIRST, '/data'))
    await report(figureAt(FIRST), figureAt(FIRST + 1))
    await sumNames(env.BOOK, over(FIRST) - 1)
    expect(await rowsOf('path')).toEqual([])
    await Promise.all([1, 2, 3].map(() => sumNames(env.BOOK, over(FIRST))))
    const sums = [
      [0, '/data', 1, 100],
      [0, '/news', 2, 200],
    ]
    expect(await rowsOf('path')).toEqual(sums)
    expect(await rowsOf('who')).toEqual([[0, 'GPTBot', 3, 300]])
    await sumNames(env.BOOK, over(FIRST + 1))
    expect(await rowsOf('who')).toEqual([[0, 'GPTBot', 4, 400]])
    expect(await checkSums(env.BOOK)).toEqual([])
  })

  it('makes up for weeks of missed calls, a week with each call', async () => {
    await report(figureAt(FIRST), figureAt(FIRST + 200), figureAt(FIRST + 340))
    const sums = async () => (await rowsOf('who')).map(([day]) => day)
    await sumNames(env.BOOK, over(FIRST + 340))
    expect(await sums()).toEqual([0])
    await sumNames(env.BOOK, over(FIRST + 340))
    expect(await sums()).toEqual([0, 8, 14])
  })

  it('has rows for the 1,000 paths of a day that earned most, and one for all others', async () => {
    const paths = Array.from({ length: MAX_DAY_NAMES + 2 }, (_, at) => `/${at}`)
    const rows = paths.map((path, at) => [FIRST, `site-${at % 9}`, 'r', 'w', path, 1, 0, 10 + at])
    const insert =
      'INSERT INTO figure SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, 1, 0, value ->> 7 FROM json_each(?)'
    await env.BOOK.prepare(insert).bind(JSON.stringify(rows)).run()
    await sumNames(env.BOOK, over(FIRST))
    const kept = await rowsOf('path')
    expect(kept).toHaveLength(MAX_DAY_NAMES + 1)
    expect(kept.filter(([, path]) => path === 'other' || path === '/0' || path === '/1')).toEqual([
      [0, 'other', 2, 21],
    ])
    await report(figureAt(FIRST, '/new'), figureAt(FIRST, '/2'))
    const later = await rowsOf('path')
    expect(later).toHaveLength(MAX_DAY_NAMES + 1)
    expect(later.filter(([, path]) => path === 'other' || path === '/2')).toEqual([
      [0, '/2', 2, 112],
      [0, 'other', 3, 121],
    ])
  })
})

describe('addReport', () => {
  it('adds to the sums by name what comes after its hour was added, and nothing before', async () => {
    await report(figureAt(FIRST))
    expect(await rowsOf('path')).toEqual([])
    await sumNames(env.BOOK, over(FIRST))
    await report(
      figureAt(FIRST, '/news', { charges: 0, releases: 1, charged: -100n }),
      figureAt(FIRST + 1, '/data'),
    )
    expect(await rowsOf('path')).toEqual([[0, '/news', 1, 0]])
    await sumNames(env.BOOK, over(FIRST + 1))
    expect(await rowsOf('path')).toEqual([
      [0, '/data', 1, 100],
      [0, '/news', 1, 0],
    ])
    expect(await checkSums(env.BOOK)).toEqual([])
  })
})

describe('chartMoney', () => {
  it('sums days by crawler and by path, whether their hours were added or not', async () => {
    await report(
      figureAt(FIRST),
      figureAt(FIRST + 1, '/data'),
      figureAt(FIRST + 24, '/data', { who: '~Tern' }),
    )
    const byPath = [
      [0, '/data', 1, 100],
      [0, '/news', 1, 100],
      [24, '/data', 1, 100],
    ]
    for (const hour of [FIRST - 1, FIRST, FIRST + 1, FIRST + 24]) {
      await sumNames(env.BOOK, over(hour))
      expect(await chartBy('path')).toEqual(byPath)
      expect(await chartBy('path', { only: { path: '/data' } })).toEqual([byPath[0], byPath[2]])
      expect(await chartBy('who', { from: (FIRST + 24) * HOUR })).toEqual([[24, '~Tern', 1, 100]])
    }
  })
})

describe('migrations/0020_summed.sql', () => {
  it('has the sums of older versions count for two days, so that no charge is added twice', async () => {
    await env.BOOK.prepare('INSERT INTO figure_summed VALUES (1, ?)').bind(migrated).run()
    const now = Math.floor(Date.now() / HOUR)
    await report(figureAt(now), figureAt(now + 49))
    expect(await rowsOf('who')).toEqual([[Math.floor(now / 24) - DAY, 'GPTBot', 1, 100]])
    await sumNames(env.BOOK, over(now))
    await sumNames(env.BOOK, over(now + 49))
    expect(await checkSums(env.BOOK)).toEqual([])
  })
})
