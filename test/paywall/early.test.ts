/** When the origin is asked: a signature alone must not make it work. */
import { describe, expect, it } from 'vitest'
import { newPayer } from '../chain/payer.ts'
import { openCounted } from '../schemes/effects.ts'
import { crawlerOf, newCrawler, newRegular, PRICE } from '../schemes/harness.ts'

const refusing = { limit: async () => ({ success: false }) }

describe('Origin', () => {
  it('is not asked for vouchers of channels that hold nothing [H1]', async () => {
    const { shop, origin } = openCounted({ CHAIN_READS: refusing })
    const payer = await newPayer(0n)
    for (let n = 0; n < 20; n++) {
      const payment = await (await crawlerOf(shop, payer)).owes(PRICE)
      expect((await shop.ask('/expensive', { payment })).status).not.toBe(200)
    }
    expect(origin.asked).toBe(0)
  })

  it('is not asked for exact payments of a payer who holds nothing [H1]', async () => {
    const { shop, origin } = openCounted()
    const stranger = await newCrawler(shop, 0n)
    for (let n = 0; n < 20; n++) {
      expect((await shop.ask('/expensive', { payment: await stranger.pays() })).status).toBe(402)
    }
    expect(origin.asked).toBe(0)
  })

  it('is asked during the charge for an account that bought lately, and after it for others', async () => {
    const { shop, origin } = openCounted()
    const crawler = await newRegular(shop)
    const order: string[] = []
    origin.does = async (name, call) => {
      order.push(name)
      const answer = await call()
      order.push(`${name} returned`)
      return answer
    }
    const buy = async (page: bigint) => {
      order.length = 0
      expect((await shop.ask('/page', { payment: await crawler.owes(page * PRICE) })).status).toBe(200)
      return order.indexOf('SITE.fetch') < order.indexOf('ACCOUNT.place returned')
    }
    const { shop: elsewhere, origin: other } = openCounted()
    other.does = origin.does
    expect(await buy(2n)).toBe(true)
    order.length = 0
    expect((await elsewhere.ask('/page', { payment: await crawler.owes(3n * PRICE) })).status).toBe(200)
    expect(order.indexOf('SITE.fetch')).toBeGreaterThan(order.indexOf('ACCOUNT.place returned'))
  })

  it('is asked once at most for an account that was refused after a sale [H1]', async () => {
    const { shop, origin } = openCounted()
    const crawler = await newRegular(shop)
    origin.asked = 0
    for (let n = 0; n < 10; n++) {
      const refused = await shop.ask('/page', { payment: await crawler.owes(1n) })
      expect(refused.status).toBe(402)
    }
    expect(origin.asked).toBe(1)
  })
})
