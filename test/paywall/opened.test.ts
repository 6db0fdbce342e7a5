/** Pages that are free again for a payer: `recrawl` over HTTP, by channel and by exact. */
import { env } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { newRegular, PRICE, receiptOf, startPaywall } from '../schemes/harness.ts'

const RULES = [{ action: 'charge', path: '/daily/*', recrawl: '24h' }]
const DAY_MS = 86_400_000

describe('gate for a page with a recrawl window, paid by channel', () => {
  it('charges it once in the window, by one ledger call each time', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    const first = await shop.ask('/daily/a', { payment: await crawler.owes(2n * PRICE) })
    expect([first.status, receiptOf(first).extra?.chargedAmount]).toEqual([200, '1000'])
    shop.calls.length = 0
    const again = await shop.ask('/daily/a', { payment: await crawler.owes(3n * PRICE) })
    expect([again.status, receiptOf(again).extra?.chargedAmount]).toEqual([200, '0'])
    expect(receiptOf(again).extra?.channelState).toMatchObject({ chargedCumulativeAmount: '2000' })
    expect(shop.calls.filter((call) => call !== 'SITE.fetch')).toEqual(['ACCOUNT.place'])
    const other = await shop.ask('/daily/b', { payment: await crawler.owes(3n * PRICE) })
    expect(receiptOf(other).extra?.chargedAmount).toBe('1000')
    const elsewhere = await shop.ask('/page', { payment: await crawler.owes(4n * PRICE) })
    expect(receiptOf(elsewhere).extra?.chargedAmount).toBe('1000')
  })

  it('charges it again after the window, and after a restart within it does not', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    await shop.ask('/daily/a', { payment: await crawler.owes(2n * PRICE) })
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + DAY_MS - 1000)
    const within = await shop.ask('/daily/a', { payment: await crawler.owes(3n * PRICE) })
    clock.mockReturnValue(Date.now() + 2000)
    const after = await shop.ask('/daily/a', { payment: await crawler.owes(3n * PRICE) })
    clock.mockRestore()
    expect([within, after].map((response) => receiptOf(response).extra?.chargedAmount)).toEqual(['0', '1000'])
  })

  it('opens nothing for a voucher that a claim may have published', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    await shop.ask('/daily/a', { payment: await crawler.owes(2n * PRICE) })
    await shop.ask('/page', { payment: await crawler.owes(3n * PRICE) })
    const stale = await shop.ask('/daily/a', { payment: await crawler.owes(3n * PRICE) })
    expect(stale.status).toBe(402)
  })

  it('opens nothing for a charge that was released', async () => {
    const failing = startPaywall({ RULES: [{ action: 'charge', path: '/status/*', recrawl: '24h' }] })
    const crawler = await newRegular(failing)
    expect((await failing.ask('/status/500', { payment: await crawler.owes(2n * PRICE) })).status).toBe(500)
    const account = crawler.account()
    const order = {
      kind: 'charge',
      id: 'next',
      max: 2n * PRICE,
      signature: '0x',
      price: PRICE,
      exposure: 1_000_000n,
      request: 'GET https://site.test/status/500',
      opened: ['GET https://site.test/status/500'],
    } as const
    expect(await account.place(order)).toMatchObject({ outcome: 'charged', due: PRICE })
  })

  it('charges a method with effects each time', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    const amounts = []
    for (const times of [2n, 3n]) {
      const payment = await crawler.owes(times * PRICE)
      const response = await shop.ask('/daily/a', { method: 'POST', body: 'x', payment })
      amounts.push(receiptOf(response).extra?.chargedAmount)
    }
    expect(amounts).toEqual(['1000', '1000'])
  })
})

describe('gate for a page with a recrawl window, paid by exact', () => {
  it('settles one transfer in the window and names it in the receipts', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    const first = receiptOf(await shop.ask('/daily/a', { payment: await crawler.pays() }))
    shop.calls.length = 0
    const again = await shop.ask('/daily/a', { payment: await crawler.pays() })
    expect(again.status).toBe(200)
    expect(receiptOf(again)).toMatchObject({ success: true, transaction: first.transaction, amount: '0' })
    expect(shop.calls.filter((call) => call !== 'SITE.fetch')).toEqual(['AUTHORIZATIONS.take'])
    const { payer } = crawler.config
    const totals = await env.AUTHORIZATIONS.getByName(`eip155:84532:${payer}`).totals()
    expect(totals).toMatchObject({ payments: 1, received: PRICE })
  })

  it('opens nothing for an authorization that was settled before', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    await shop.ask('/daily/a', { payment: await crawler.pays() })
    const used = await crawler.pays()
    await shop.ask('/daily/b', { payment: used })
    expect((await shop.ask('/daily/a', { payment: used })).status).toBe(402)
  })
})
