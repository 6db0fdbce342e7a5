import { describe, expect, it } from 'vitest'
import { newKey } from '../../chain/harness.ts'
import { newCrawler, PRICE, startPaywall } from '../harness.ts'

describe('RELAYER_ADDRESS', () => {
  it('answers an unpaid request without deriving the key', async () => {
    const { address } = await newKey()
    // Deriving this key would fail, and the site would be misconfigured.
    const shop = startPaywall({ RELAYER_KEY: `0x${'00'.repeat(32)}`, RELAYER_ADDRESS: address })
    const { channel } = await shop.offers()
    expect(channel.extra.receiverAuthorizer).toBe(address)
    expect(shop.calls).toEqual([])
  })

  it('of another key makes a channel payment fail before anything is charged or sent', async () => {
    const { address } = await newKey()
    const shop = startPaywall({ RELAYER_ADDRESS: address })
    const crawler = await newCrawler(shop)
    for (const payment of [await crawler.owes(PRICE), await crawler.deposits(10_000n, PRICE)]) {
      const response = await shop.ask('/page', { payment })
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, expect.any(String)])
    }
    expect(shop.calls).toEqual([])
  })

  it('of the key charges as without it', async () => {
    const { config } = startPaywall().site
    const shop = startPaywall({ RELAYER_ADDRESS: config.relayer?.address })
    const crawler = await newCrawler(shop)
    const opened = await shop.ask('/page', { payment: await crawler.deposits(10_000n, PRICE) })
    expect(opened.status).toBe(200)
  })
})
