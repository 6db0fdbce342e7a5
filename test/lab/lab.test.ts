/** A lab: thirty nights, its crawlers, and the audit of both. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Crawler } from '../../src/lab/crawlers/crawler.ts'
import { type Lab, openLab } from '../../src/lab/index.ts'

const PRICE = 1_000n
const START = Date.parse('2027-03-01T12:00:00Z')

let lab: Lab

beforeAll(async () => {
  lab = await openLab({ start: START, policy: { PRICE: '0.001' } })
})
afterAll(() => lab?.close())

describe('a lab', { timeout: 120_000 }, () => {
  it('starts at the moment that it is told, and its Worker and chain agree', async () => {
    expect(lab.now() - START).toBeLessThan(60_000)
    const refused = await lab.fetch('/page', { headers: { 'user-agent': 'GPTBot' } })
    const date = Date.parse(refused.headers.get('date') ?? '')
    expect(refused.status).toBe(402)
    const block = (await lab.chain.rpc('eth_getBlockByNumber', ['latest', false])) as { timestamp: string }
    expect(Number(block.timestamp) * 1000 - START).toBeLessThan(60_000)
    expect(date).not.toBe(0)
  })

  it('bills three channels and three credit lines in thirty nights, and all of it is paid', async () => {
    const all: Crawler[] = []
    for (const pays of ['channel', 'channel', 'channel', 'credit', 'credit', 'credit'] as const)
      all.push(await lab.crawler({ pays }))
    await Promise.all(all.map((crawler) => crawler.read('/page', 20)))
    const nights = await lab.nights(30)
    expect(nights.map(({ runs }) => runs.map(({ status }) => status))).toEqual(
      Array(30).fill(['settled', 'settled']),
    )
    await lab.audit()
    const scores = await Promise.all(all.map((crawler) => crawler.score()))
    expect(scores).toEqual(
      [20n * PRICE, 20n * PRICE, 20n * PRICE, 0n, 0n, 0n].map((paid) =>
        expect.objectContaining({ pages: 20, charged: 20n * PRICE, paid, stolen: 0n, overpaid: 0n }),
      ),
    )
  })
})
