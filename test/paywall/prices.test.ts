/** Prices of the moment over HTTP: by the age of a page, and by the word of its origin. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { encodeHeader } from '../../src/protocol/x402/header.ts'
import type { PaymentRequirements } from '../../src/protocol/x402/types.ts'
import {
  BROWSER,
  errorOf,
  newRegular,
  PRICE,
  receiptOf,
  requiredOf,
  startPaywall,
} from '../schemes/harness.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const DATES = { pattern: '/{yyyy}/{mm}/{dd}/' }
const HOUR_MS = 3_600_000

/** The path of a page that was published at the start of the next day but `days`. */
function publishedIn(days: number): { path: string; at: number } {
  const at = (Math.floor(Date.now() / (24 * HOUR_MS)) + 1 - days) * 24 * HOUR_MS
  return { path: `/${new Date(at).toISOString().slice(0, 10).replaceAll('-', '/')}/x`, at }
}

function amountsOf(response: Response): string[] {
  return requiredOf(response).accepts.map(({ amount }) => amount)
}

/** A payment header with another offer echoed. */
function echoing(payment: string, accepted: PaymentRequirements): string {
  return encodeHeader({ ...JSON.parse(atob(payment)), accepted })
}

describe('gate for a page of an age', () => {
  const RULES = [{ action: 'charge', age: { under: '24h' }, price: '0.005' }]
  const shop = startPaywall({ RULES, DATES })
  const { path, at } = publishedIn(1)

  it('offers the price of the moment', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(at + 24 * HOUR_MS - 1)
    expect(amountsOf(await shop.ask(path))).toEqual(['5000', '5000'])
    vi.spyOn(Date, 'now').mockReturnValue(at + 24 * HOUR_MS)
    expect(amountsOf(await shop.ask(path))).toEqual(['1000', '1000'])
  })

  it('charges the offered price when the page has reached the age since, and the new one to who echoes it', async () => {
    const crawler = await newRegular(shop)
    const clock = vi.spyOn(Date, 'now').mockReturnValue(at + 24 * HOUR_MS - 60_000)
    const [offered] = requiredOf(await shop.ask(path)).accepts
    if (!offered) throw new Error('the page must be offered')
    clock.mockReturnValue(at + 24 * HOUR_MS + 60_000)
    const paid = await shop.ask(path, { payment: echoing(await crawler.owes(PRICE + 5000n), offered) })
    expect([paid.status, receiptOf(paid).extra?.chargedAmount]).toEqual([200, '5000'])
    const [entry] = (await crawler.account().entries(0, 10)).slice(-1)
    expect(entry).toMatchObject({ kind: 'charge', amount: 5000n, rule: 'RULES[0]' })
    const anew = await shop.ask(`${path}/2`, { payment: await crawler.owes(2n * PRICE + 5000n) })
    expect([anew.status, receiptOf(anew).extra?.chargedAmount]).toEqual([200, '1000'])
  })

  it('takes an exact payment of the offered price, and none once the offer has expired', async () => {
    const crawler = await newRegular(shop)
    const clock = vi.spyOn(Date, 'now').mockReturnValue(at + 24 * HOUR_MS - 1000)
    const [, offered] = requiredOf(await shop.ask(path)).accepts
    if (!offered) throw new Error('the page must be offered')
    const validBefore = BigInt(Math.floor(at / 1000) + 10 * 86_400)
    const pay = async () => echoing(await crawler.pays(5000n, { validBefore }), offered)
    clock.mockReturnValue(at + 24 * HOUR_MS + 60_000)
    const paid = await shop.ask(path, { payment: await pay() })
    expect([paid.status, receiptOf(paid).amount]).toEqual([200, '5000'])
    clock.mockReturnValue(at + 24 * HOUR_MS + 301_000)
    const late = await shop.ask(path, { payment: await pay() })
    expect([late.status, await errorOf(late)]).toEqual([
      402,
      'invalid_exact_evm_payload_authorization_value_mismatch',
    ])
  })
})

describe('gate for an embargo', () => {
  it('answers 403 with the time when the page opens', async () => {
    const shop = startPaywall({ RULES: [{ action: 'block', age: { under: '24h' } }], DATES })
    const { path, at } = publishedIn(1)
    vi.spyOn(Date, 'now').mockReturnValue(at + HOUR_MS)
    const response = await shop.ask(path)
    expect([response.status, response.headers.get('retry-after')]).toEqual([
      403,
      new Date(at + 24 * HOUR_MS).toUTCString(),
    ])
    expect(await response.json()).toMatchObject({
      error: 'tab_embargoed',
      opens: new Date(at + 24 * HOUR_MS).toISOString(),
    })
    expect((await shop.ask(path, { agent: BROWSER })).status).toBe(200)
    expect(shop.calls).toEqual(['SITE.fetch'])
  })
})

describe('gate for a price of the origin', () => {
  const RULES = [
    { action: 'charge', path: '/says/*', price: 'origin', min: '0.001', max: '0.2' },
    { action: 'charge', path: '/status/*', price: 'origin' },
    { action: 'charge', path: '/fault/*', price: 'origin' },
  ]

  it.each([
    ['price=0.05', '50000'],
    ['price=0.123456', '123000'],
    ['price=0.0000001', '1000'],
    ['price=7', '200000'],
    ['price=cheap', '1000'],
    ['nothing=1', '1000'],
  ])('offers a page that says %s at %s', async (word, amount) => {
    const shop = startPaywall({ RULES })
    expect(amountsOf(await shop.ask(`/says/${word}/1`))).toEqual([amount, amount])
  })

  it('takes no payment of the rule’s own price for a page that states a higher one', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    const path = '/says/price=0.05/dear'
    expect((await shop.ask(path, { payment: await crawler.owes(2n * PRICE) })).status).toBe(402)
    await shop.ask(path)
    expect((await shop.ask(path, { payment: await crawler.owes(2n * PRICE) })).status).toBe(402)
    expect((await shop.ask(path, { payment: await crawler.pays() })).status).toBe(402)
  })

  it('does not ask itself on a domain that leads back to the Worker', async () => {
    const asked = vi.spyOn(globalThis, 'fetch')
    const looping = startPaywall({ RULES, ORIGIN: 'zone' })
    const headers = { forwarded: 'host="site.test";by=_tab402-site.test' }
    expect(amountsOf(await looping.ask('/says/price=0.05/1', { headers }))).toEqual(['1000', '1000'])
    expect(asked).not.toHaveBeenCalled()
  })

  it('serves a page of price 0 free, and blocks one that says so', async () => {
    const shop = startPaywall({ RULES })
    expect((await shop.ask('/says/price=0/1')).status).toBe(200)
    expect((await shop.ask('/says/price=block/1')).status).toBe(403)
  })

  it('asks once for each page, by a HEAD that has nothing of the client', async () => {
    const asked: Request[] = []
    const shop = startPaywall({ RULES })
    const { ask } = shop.site.origin
    shop.site.origin.ask = async (request, path) => {
      asked.push(request)
      return (await ask?.(request, path)) ?? new Response()
    }
    const all = await Promise.all([1, 2, 3].map(() => shop.ask('/says/price=0.05/1')))
    expect(all.map((response) => amountsOf(response)[0])).toEqual(['50000', '50000', '50000'])
    expect([asked.length, shop.calls]).toEqual([1, ['SITE.fetch']])
  })

  it('keeps the rule’s own price while the origin fails', async () => {
    const shop = startPaywall({ RULES })
    expect(amountsOf(await shop.ask('/status/503'))).toEqual(['1000', '1000'])
    expect(amountsOf(await shop.ask('/fault/1'))).toEqual(['1000', '1000'])
  })

  it('asks nothing for a page of another rule', async () => {
    const shop = startPaywall({ RULES })
    await shop.ask('/elsewhere')
    expect(shop.calls).toEqual([])
  })

  it('charges the stated price, and shows no client the origin’s words', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    const path = '/says/price=0.05/paid'
    const [channel] = requiredOf(await shop.ask(path)).accepts
    if (!channel) throw new Error('the page must be offered')
    const headers = { 'tab402-price': '0', 'crawler-price': 'USD 0' }
    const payment = await crawler.owes(PRICE + 50_000n, channel)
    const response = await shop.ask(path, { payment, headers })
    expect(response.status).toBe(200)
    expect(receiptOf(response).extra?.chargedAmount).toBe('50000')
    expect(response.headers.get('tab402-price')).toBeNull()
    const echo = (await response.json()) as { headers: Record<string, string> }
    expect(Object.keys(echo.headers)).not.toContain('tab402-price')
    expect(Object.keys(echo.headers)).not.toContain('crawler-price')
    const [entry] = (await crawler.account().entries(0, 10)).slice(-1)
    expect(entry).toMatchObject({ kind: 'charge', amount: 50_000n, rule: 'RULES[0] origin' })
    const free = await shop.ask(path, { agent: BROWSER })
    expect(free.headers.get('tab402-price')).toBeNull()
  })
})
