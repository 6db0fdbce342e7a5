/** A lab with two publishers on two hosts, each with its own wallet, and one crawler that reads both. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lab, openLab } from '../../src/lab/index.ts'

const TIMEOUT_MS = 120_000
const NEWS = `0x${'a1'.repeat(20)}` as const
const BLOG = `0x${'b2'.repeat(20)}` as const

let lab: Lab

beforeAll(async () => {
  lab = await openLab({
    start: '2027-03-01T12:00:00Z',
    sites: [
      { id: 'news', receiver: NEWS, terms: { PRICE: '0.02' } },
      { id: 'blog', receiver: BLOG, terms: { PRICE: '0.01' } },
    ],
  })
}, TIMEOUT_MS)
afterAll(() => lab?.close())

describe('the sites of a lab', { timeout: TIMEOUT_MS }, () => {
  it('ask their own price, each on its own host', async () => {
    const [news, blog] = lab.sites
    const statuses = await Promise.all(
      [news, blog].map(async (site) => {
        const answer = await lab.fetch(`${site?.url}/page`, { headers: { 'user-agent': 'GPTBot' } })
        const required = answer.headers.get('payment-required') ?? ''
        const { accepts } = JSON.parse(Buffer.from(required, 'base64').toString()) as {
          accepts: { amount: string; payTo: string }[]
        }
        return [answer.status, accepts[0]?.amount, accepts[0]?.payTo.toLowerCase()]
      }),
    )
    expect(statuses).toEqual([
      [402, '20000', NEWS],
      [402, '10000', BLOG],
    ])
  })

  it('pay each publisher what was read there, after one nightly run', async () => {
    const crawler = await lab.crawler({ site: 'news', pays: 'exact' })
    const tab = await lab.crawler({ site: 'blog', pays: 'channel' })
    await crawler.read('/page', 2)
    await crawler.read(`${lab.sites[1]?.url}/page`)
    await tab.read('/page', 3)
    await lab.night()
    const { wallets } = (await lab.books()).chain
    expect([wallets[NEWS], wallets[BLOG]]).toEqual([40_000n, 40_000n])
    expect(await crawler.score()).toMatchObject({ pages: 3, charged: 50_000n, stolen: 0n, overpaid: 0n })
    await lab.audit()
  })
})
