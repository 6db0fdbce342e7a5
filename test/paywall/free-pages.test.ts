/** Free pages of confirmed crawlers over HTTP. */
import { describe, expect, it } from 'vitest'
import { newRegular, PRICE, receiptOf, startPaywall } from '../schemes/harness.ts'

const RULES = [
  { action: 'charge', path: '/status/*', free: { pages: 1, per: 'day' } },
  { action: 'charge', free: { pages: 2, per: 'day' } },
]

/** A crawler that Cloudflare has verified. */
function verified(name: string) {
  return { agent: `${name}/1.0`, cf: { botManagement: { verifiedBot: true } } } as const
}

describe('gate for a crawler with free pages', () => {
  it('delivers each free page as often as it is asked for, then charges by the same rule', async () => {
    const shop = startPaywall({ RULES })
    const statuses = []
    for (const path of ['/a', '/b', '/c', '/a'])
      statuses.push((await shop.ask(path, verified('GPTBot'))).status)
    expect(statuses).toEqual([200, 200, 402, 200])
    expect(shop.calls.filter((call) => call === 'QUOTA.take')).toHaveLength(4)
  })

  it('counts no page that was not delivered, and no HEAD', async () => {
    const shop = startPaywall({ RULES })
    const bot = verified('ClaudeBot')
    expect((await shop.ask('/status/404', bot)).status).toBe(404)
    expect((await shop.ask('/status/304', bot)).status).toBe(304)
    expect((await shop.ask('/status/201', { ...bot, method: 'HEAD' })).status).toBe(402)
    expect((await shop.ask('/status/201', bot)).status).toBe(201)
    expect((await shop.ask('/status/202', bot)).status).toBe(402)
  })

  it('takes no money for a free page', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    const payment = await crawler.owes(2n * PRICE)
    const free = await shop.ask('/paid', { ...verified('CCBot'), payment })
    expect([free.status, free.headers.get('payment-response')]).toEqual([200, null])
    expect((await crawler.account().standing())?.charged).toBe(PRICE)
  })

  it('has none for a name that is only claimed, and asks no counter', async () => {
    const shop = startPaywall({ RULES })
    expect((await shop.ask('/a', { agent: 'GPTBot/1.0' })).status).toBe(402)
    expect(shop.calls).toEqual([])
  })

  it('uses none of them up in shadow mode', async () => {
    const trial = startPaywall({ RULES, MODE: 'shadow' })
    const bot = verified('Bytespider')
    for (const path of ['/a', '/b', '/c', '/d']) expect((await trial.ask(path, bot)).status).toBe(200)
    expect(trial.calls.filter((call) => call.startsWith('QUOTA'))).toEqual([])
    const live = startPaywall({ RULES })
    const statuses = []
    for (const path of ['/a', '/b', '/c']) statuses.push((await live.ask(path, bot)).status)
    expect(statuses).toEqual([200, 200, 402])
  })

  it('charges while the counter fails', async () => {
    const shop = startPaywall({ RULES }, async (name, call) => {
      if (name === 'QUOTA.take') throw new Error('the counter is down')
      return call()
    })
    expect((await shop.ask('/a', verified('Amazonbot'))).status).toBe(402)
    const crawler = await newRegular(shop)
    const paid = await shop.ask('/a', { ...verified('Amazonbot'), payment: await crawler.owes(2n * PRICE) })
    expect([paid.status, receiptOf(paid).extra?.chargedAmount]).toEqual([200, '1000'])
  })
})
