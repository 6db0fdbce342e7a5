import { env } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { trafficIn } from '../../src/ledger/book/traffic.ts'
import { MAX_FIGURES, MAX_INTERVALS } from '../../src/operator/figures.ts'
import { newOperator, type Operator } from './harness.ts'

const HOUR = 3_600_000
/** 15:30 UTC. Trap: counts of an earlier file may be stored meanwhile, at the true time. Those are older than this one. */
const NOW = Date.UTC(2036, 10, 27, 15, 30)
const THIS_HOUR = Date.UTC(2036, 10, 27, 15)
const [ACME, ZETA] = ['acme.example', 'zeta.example']

type Answer = {
  sources: Record<string, { asOf: number | null; isReadable: boolean }>
  figures: Record<string, unknown>[]
  next: string | null
}

let operator: Operator

/** Writes what accounts report: `charged` micro-dollars for one request in an hour. */
async function report(
  at: number,
  site: string,
  charged: number,
  names: { who?: string; path?: string } = {},
) {
  const { who = 'GPTBot', path = '/a/b' } = names
  await env.BOOK.batch([
    env.BOOK.prepare(
      `INSERT INTO figure VALUES (?, ?, 'default', ?, ?, 1, 0, ?)
         ON CONFLICT DO UPDATE SET charges = charges + 1, charged = charged + excluded.charged`,
    ).bind(Math.floor(at / HOUR), site, who, path, charged),
    env.BOOK.prepare(
      `INSERT INTO figure_day VALUES (?, ?, 1, 0, ?, ?)
         ON CONFLICT DO UPDATE SET charges = charges + 1, charged = charged + excluded.charged`,
    ).bind(Math.floor(at / 24 / HOUR), site, charged, NOW),
  ])
}

async function ask(query: string): Promise<Answer> {
  const { status, text, body } = await operator.get(`/api/figures?${query}`)
  expect(status, text).toBe(200)
  return body as Answer
}

beforeAll(async () => {
  operator = await newOperator({ now: () => NOW, credit: false })
  await report(NOW, ACME, 3_000)
  await report(NOW, ACME, 2_000, { who: '~AcmeBot', path: '/c' })
  await report(NOW - HOUR, ACME, 500)
  await report(NOW - 24 * HOUR, ZETA, 7)
  await report(NOW - 40 * 24 * HOUR, ZETA, 11)
  const kind = { site: ACME, who: '~GPTBot', rule: 'default', asked: 0 }
  const figures = [
    { ...kind, outcome: 'unpaid', status: '4xx', requests: 5, asked: 10_000 },
    { ...kind, outcome: 'free', status: '2xx', requests: 4 },
    { ...kind, outcome: 'free', status: '5xx', requests: 3 },
    { ...kind, outcome: 'paid', status: '5xx', requests: 2 },
    { ...kind, outcome: 'blocked', status: '4xx', requests: 1 },
    { ...kind, outcome: 'refused', status: '5xx', requests: 6 },
  ] as const
  await trafficIn(env.BOOK)(figures, NOW - 1_000)
  await trafficIn(env.BOOK)(figures.slice(0, 1), NOW)
})

describe('GET /api/figures', () => {
  it('returns money and traffic of the last day by the hour, with source and age', async () => {
    expect(await ask('by=site')).toEqual({
      interval: 'hour',
      from: THIS_HOUR - 23 * HOUR,
      to: THIS_HOUR + HOUR,
      sources: {
        book: { asOf: NOW, isExact: true, isReadable: true },
        traffic: { asOf: NOW, isExact: false, isReadable: true },
      },
      figures: [
        { source: 'book', hour: THIS_HOUR - HOUR, site: ACME, charged: '500', charges: 1, releases: 0 },
        { source: 'book', hour: THIS_HOUR, site: ACME, charged: '5000', charges: 2, releases: 0 },
        {
          ...{ source: 'traffic', hour: THIS_HOUR, site: ACME },
          ...{ unpaid: 10, asked: '20000', refused: 6, free: 7, blocked: 1, errors: 5 },
        },
      ],
      next: null,
    })
  })

  it.each([
    ['by=who&source=book&from=2036-11-27T15:00Z', 'GPTBot 3000, ~AcmeBot 2000'],
    ['by=path&from=2036-11-27T15:00Z', '/a/b 3000, /c 2000'],
    ['by=site&interval=day&source=book', 'zeta.example 7, acme.example 5500'],
    ['by=site&interval=month&source=book', 'zeta.example 11, acme.example 5500, zeta.example 7'],
    ['by=site&interval=month&source=book&path=/a/b', 'zeta.example 11, acme.example 3500, zeta.example 7'],
    ['by=site&interval=day&source=book&site=zeta.example', 'zeta.example 7'],
    ['by=site&interval=day&source=book&top=1', 'other 7, acme.example 5500'],
    ['by=path&interval=day&source=book&top=2&site=acme.example', '/a/b 3500, /c 2000'],
  ])('sums %s', async (query, sums) => {
    const { figures } = await ask(query)
    const name = /by=(\w+)/.exec(query)?.[1] ?? ''
    expect(figures.map((figure) => `${figure[name]} ${figure.charged}`).join(', ')).toBe(sums)
  })

  it('returns all figures once, page by page', async () => {
    const whole = await ask('by=site,who,rule')
    const paged: Answer['figures'] = []
    for (let after = ''; ; ) {
      const { figures, next } = await ask(`by=site,who,rule&limit=1${after}`)
      paged.push(...figures)
      if (next === null) break
      expect(figures).toHaveLength(1)
      after = `&after=${encodeURIComponent(next)}`
    }
    expect(paged).toEqual(whole.figures)
    expect(paged).toHaveLength(4)
  })

  it('returns no row for an hour without data, which is not zero', async () => {
    const { figures, sources } = await ask('by=site&from=2020-01-01&to=2020-01-02')
    expect(figures).toEqual([])
    expect(sources.book?.asOf).toBe(NOW)
  })

  it('says that a dataset may not be read, and returns money all the same', async () => {
    const { charts } = operator.settings
    const traffic = charts.traffic
    charts.traffic = null
    const { sources, figures } = await ask('by=site')
    charts.traffic = traffic
    expect(sources.traffic).toEqual({ asOf: null, isExact: false, isReadable: false })
    expect(figures.map(({ source }) => source)).toEqual(['book', 'book'])
  })

  it('returns CSV in which no cell is a formula and a sum without data is empty', async () => {
    await report(NOW - 2 * HOUR, ACME, 1, { who: '=cmd()', path: '/x' })
    const { text, headers } = await operator.get('/api/figures?by=who&format=csv&from=2036-11-27T13:00Z')
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const asOf = new Date(NOW).toISOString()
    expect(text.split('\r\n').slice(0, 2)).toEqual([
      'source,hour,who,charged,charges,releases,unpaid,asked,refused,free,blocked,errors,as_of',
      `book,2036-11-27T13:00:00.000Z,'=cmd(),0.000001,1,0,,,,,,,${asOf}`,
    ])
    expect(text).toContain(`traffic,2036-11-27T15:00:00.000Z,~GPTBot,,,,10,0.020000,6,7,1,5,${asOf}`)
    await env.BOOK.prepare("DELETE FROM figure WHERE who = '=cmd()'").run()
  })

  it.each([
    ['by=agent', ['by']],
    ['by=site,site', ['by']],
    ['interval=week', ['interval']],
    ['by=path,status', ['source']],
    ['source=traffic&path=/a', ['source']],
    ['source=ledger', ['source']],
    ['from=yesterday', ['from']],
    ['from=2036-11-28', ['from']],
    ['after=x', ['after']],
    [`after=${encodeURIComponent('["book",0,"a"]')}`, ['after']],
    [`who=${'a'.repeat(301)}`, ['who']],
    ['format=xml', ['format']],
    ['by=site&source=book&top=51', ['top']],
    ['by=site,who&source=book&top=6', ['top']],
    ['by=site&top=6', ['top']],
    ['by=agent&after=x', ['by', 'after']],
  ])('answers 400 to %s', async (query, paths) => {
    const { status, body } = await operator.get(`/api/figures?${query}`)
    expect(status).toBe(400)
    expect((body.errors as { path: string }[]).map(({ path }) => path)).toEqual(paths)
  })

  it.each(Object.entries(MAX_INTERVALS))(
    'takes the longest range of %ss, and no longer one',
    async (interval, most) => {
      const starts = { hour: THIS_HOUR, day: Date.UTC(2036, 10, 27), month: Date.UTC(2036, 10) }
      const start = starts[interval as keyof typeof starts]
      const begins = (intervals: number) => {
        if (interval === 'month') return Date.UTC(2036, 11 - intervals)
        return start - (intervals - 1) * (interval === 'day' ? 24 * HOUR : HOUR)
      }
      await ask(`interval=${interval}&from=${begins(most)}`)
      const { status } = await operator.get(`/api/figures?interval=${interval}&from=${begins(most + 1)}`)
      expect(status).toBe(400)
    },
  )

  it(`returns at most ${MAX_FIGURES} figures a page`, async () => {
    const rows = 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5001)'
    const old = Date.UTC(2021, 0, 1)
    await env.BOOK.prepare(`INSERT INTO figure ${rows} SELECT ?, 'many-' || x, '', '', '', 1, 0, 1 FROM n`)
      .bind(old / HOUR)
      .run()
    const { figures, next } = await ask(`by=site&source=book&from=${old}&to=${old + HOUR}&limit=9999`)
    expect([figures.length, next !== null]).toEqual([MAX_FIGURES, true])
  })
})
