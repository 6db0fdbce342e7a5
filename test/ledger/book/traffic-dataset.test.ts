import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChartQuery } from '../../../src/ledger/book/chart.ts'
import { chartDataset, trafficInDataset } from '../../../src/ledger/book/traffic-dataset.ts'

const DAY = 86_400_000
const FROM = Date.UTC(2026, 10, 1)
const QUERY: ChartQuery = {
  ...{ interval: 'day', from: FROM, to: FROM + 2 * DAY, by: ['site', 'who'] },
  ...{ sites: null, only: { status: '5xx' }, after: { at: FROM, names: ['acme', 'GPTBot'] }, limit: 10 },
}

/** The SQL API on the wire: what was asked, and the answers that it gives in turn. */
const asked: { url: string | undefined; authorization: string | undefined; sql: string }[] = []
const answers: { status: number; body: unknown }[] = []
let server: Server
let api = ''

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let sql = ''
    for await (const part of request) sql += part
    asked.push({ url: request.url, authorization: request.headers.authorization, sql })
    const { status, body } = answers.shift() ?? { status: 200, body: { meta: [], data: [], rows: 0 } }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())

const chart = (query: ChartQuery) =>
  chartDataset({ account: 'a1', dataset: 'traffic', token: 't0ken', api })(query)

describe('chartDataset', () => {
  it('reads the sites that may be seen, and asks for nothing where there are none', async () => {
    await chart({ ...QUERY, sites: ['acme', 'press'] })
    expect(asked.at(-2)?.sql).toContain("AND index1 IN ('acme', 'press')")
    const { length } = asked
    expect((await chart({ ...QUERY, sites: [] })).figures).toEqual([])
    expect(asked).toHaveLength(length + 1)
  })

  it('asks the SQL API of the account, and reads sums that arrive as text', async () => {
    const row = { bucket: '20759', name0: 'acme', name1: '~Bot', unpaid: '12', asked: 24_000, refused: 0 }
    answers.push({ status: 200, body: { data: [{ ...row, free: '1', blocked: 0, errors: 2 }] } })
    answers.push({ status: 200, body: { data: [{ at: FROM / 1000 + 60 }] } })
    const { figures, asOf } = await chart(QUERY)
    expect(figures).toEqual([
      {
        ...{ at: 20_759 * DAY, names: ['acme', '~Bot'] },
        sums: { unpaid: 12, asked: 24_000, refused: 0, free: 1, blocked: 0, errors: 2 },
      },
    ])
    expect(asOf).toBe(FROM + 60_000)
    const [{ url, authorization, sql } = { url: '', authorization: '', sql: '' }] = asked
    expect([url, authorization]).toEqual(['/accounts/a1/analytics_engine/sql', 'Bearer t0ken'])
    expect(sql).toContain("blob4 = '5xx'")
    expect(sql).toContain("index1 > 'acme' OR (index1 = 'acme' AND (blob1 > 'GPTBot'))")
    expect(sql).toMatch(
      /sumIf\(double1 \* _sample_interval, blob3 = 'unpaid'\) AS unpaid.* LIMIT 10 FORMAT JSON$/,
    )
  })

  it('returns nothing for a name that could end its quotes, and asks for no such thing', async () => {
    asked.length = 0
    const { figures } = await chart({ ...QUERY, only: { who: "x' OR '1'='1" } })
    expect(figures).toEqual([])
    expect(asked.map(({ sql }) => sql).join()).not.toContain("'1'")
  })

  it('rejects with the status alone where the API refuses', async () => {
    answers.push({ status: 403, body: { errors: ['the token t0ken may not'] } })
    await expect(chart(QUERY)).rejects.toThrow(/^the SQL API answered 403$/)
  })
})

describe('trafficInDataset', () => {
  it('writes one point for each figure, with the site as its index', async () => {
    const points: unknown[] = []
    const store = trafficInDataset({ writeDataPoint: (point) => void points.push(point) })
    const kind = { site: 'acme', who: '~Bot', rule: 'default', outcome: 'unpaid', status: '4xx' } as const
    await store([{ ...kind, requests: 3, asked: 6_000 }], 0)
    expect(points).toEqual([
      { indexes: ['acme'], blobs: ['~Bot', 'default', 'unpaid', '4xx'], doubles: [3, 6_000] },
    ])
  })
})
