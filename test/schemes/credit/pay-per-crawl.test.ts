/** Pay Per Crawl: Cloudflare's headers on the same ledger. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { BROWSER, PRICE, requiredOf, startPaywall } from '../harness.ts'
import { creditOffer, newAgent, openCreditShop } from './harness.ts'

const shop = openCreditShop()
const EXACT = 'crawler-exact-price'
const MAX = 'crawler-max-price'

const statusAndCrawlerError = (response: Response) => [response.status, response.headers.get('crawler-error')]

describe('Crawler that names a price', () => {
  it.each([
    [EXACT, 'USD 0.001'],
    [EXACT, 'USD 0.001000'],
    [MAX, 'USD 0.05'],
    [MAX, 'USD 0.001'],
  ] as const)('pays the page’s price with %s: %s', async (name, price) => {
    const agent = await newAgent()
    const response = await shop.ask('/a', await agent.crawl('/a', name, price))
    expect(statusAndCrawlerError(response)).toEqual([200, null])
    expect(response.headers.get('crawler-charged')).toBe('USD 0.001')
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    expect(await agent.standing()).toMatchObject({ authorized: PRICE, charged: PRICE })
    const { headers } = (await response.json()) as { headers: Record<string, string> }
    expect(headers).not.toHaveProperty(name)
  })

  it('replays the same page for free and gets 400 for another page', async () => {
    const agent = await newAgent()
    const request = await agent.crawl('/a', EXACT, 'USD 0.001', { covers: [] })
    expect(statusAndCrawlerError(await shop.ask('/a', request))).toEqual([200, null])
    expect(statusAndCrawlerError(await shop.ask('/a', request))).toEqual([200, null])
    expect(statusAndCrawlerError(await shop.ask('/b', request))).toEqual([400, 'InvalidSignature'])
    expect(await agent.standing()).toMatchObject({ charged: PRICE })
  })

  it('pays the price of its tier', async () => {
    const tiered = openCreditShop({ CREDIT_TIERS: { partner: '50%' } })
    const agent = await newAgent({ tier: 'partner' })
    const response = await tiered.ask('/a', await agent.crawl('/a', MAX, 'USD 0.0005'))
    expect(response.headers.get('crawler-charged')).toBe('USD 0.0005')
  })
})

describe('crawler-error header', () => {
  it('is MissingCrawlerPrice, with the price, when the crawler names none', async () => {
    const response = await shop.ask('/a')
    expect(statusAndCrawlerError(response)).toEqual([402, 'MissingCrawlerPrice'])
    expect(response.headers.get('crawler-price')).toBe('USD 0.001')
  })

  it.each([
    [EXACT, 'USD 0.002', 402, 'InvalidCrawlerExactPrice'],
    [EXACT, 'USD 0.0009', 402, 'InvalidCrawlerExactPrice'],
    [MAX, 'USD 0.0009', 402, 'InvalidCrawlerMaxPrice'],
    [EXACT, '0.001', 400, 'InvalidCrawlerPriceValue'],
    [EXACT, 'EUR 0.001', 400, 'InvalidCrawlerPriceValue'],
    [EXACT, 'USD 0.0000001', 400, 'InvalidCrawlerPriceValue'],
    [EXACT, 'USD -1', 400, 'InvalidCrawlerPriceValue'],
    [MAX, 'USD 1e3', 400, 'InvalidCrawlerPriceValue'],
    [MAX, '', 400, 'InvalidCrawlerPriceValue'],
  ] as const)('for %s: %s comes with status %s and is %s', async (name, price, status, error) => {
    const agent = await newAgent()
    const response = await shop.ask('/a', await agent.crawl('/a', name, price))
    expect(statusAndCrawlerError(response)).toEqual([status, error])
    expect(response.headers.has('payment-required')).toBe(status === 402)
    if (status === 402) expect(response.headers.get('crawler-price')).toBe('USD 0.001')
    expect(await agent.standing()).toMatchObject({ charged: 0n })
  })

  it('is ConflictingPriceHeaders for two prices', async () => {
    const agent = await newAgent()
    const request = await agent.crawl('/a', EXACT, 'USD 0.001', { headers: { [MAX]: 'USD 0.001' } })
    expect(statusAndCrawlerError(await shop.ask('/a', request))).toEqual([400, 'ConflictingPriceHeaders'])
  })

  it('is StrongAuthRequired without a signature and InvalidSignature for a bad one', async () => {
    const agent = await newAgent()
    expect(statusAndCrawlerError(await shop.ask('/a', { headers: { [EXACT]: 'USD 0.001' } }))).toEqual([
      400,
      'StrongAuthRequired',
    ])
    const uncovered = await agent.sign('/a', { headers: { [EXACT]: 'USD 0.001' } })
    expect(statusAndCrawlerError(await shop.ask('/a', uncovered))).toEqual([400, 'InvalidSignature'])
  })

  it('is PaymentFailed for an exhausted, suspended or unknown agent', async () => {
    const [poor, suspended, unknown] = [await newAgent({ limit: 1n }), await newAgent(), await newAgent()]
    await env.AGENTS.getByName('agents').suspend(suspended.id, 'so', 'test')
    const unregistered = { 'Signature-Agent': '"https://unknown.example"' }
    const requests = [
      await poor.crawl('/a', EXACT, 'USD 0.001'),
      await suspended.crawl('/a', EXACT, 'USD 0.001'),
      await unknown.crawl('/a', EXACT, 'USD 0.001', { headers: unregistered }),
    ]
    for (const request of requests)
      expect(statusAndCrawlerError(await shop.ask('/a', request))).toEqual([403, 'PaymentFailed'])
  })

  it('is InternalError with Retry-After when the agent’s keys cannot be read', async () => {
    const agent = await newAgent({}, { published: true })
    const response = await shop.ask('/a', await agent.crawl('/a', EXACT, 'USD 0.001'))
    expect(statusAndCrawlerError(response)).toEqual([503, 'InternalError'])
    expect(response.headers.get('retry-after')).not.toBeNull()
  })

  it('is CrawlerForbidden when a rule blocks the crawler', async () => {
    const blocking = openCreditShop({ RULES: [{ who: 'crawlers', action: 'block' }] })
    const agent = await newAgent()
    const response = await blocking.ask('/a', await agent.crawl('/a', EXACT, 'USD 0.001'))
    expect(statusAndCrawlerError(response)).toEqual([403, 'CrawlerForbidden'])
  })
})

describe('Price headers', () => {
  it('are ignored on a site without credit', async () => {
    const plain = startPaywall()
    const response = await plain.ask('/a', { headers: { [EXACT]: 'USD 0.001' }, agent: BROWSER })
    expect(response.status).toBe(402)
    expect(response.headers.has('crawler-error')).toBe(false)
    expect(plain.calls).toEqual([])
  })

  it('are ignored beside an x402 payment', async () => {
    const agent = await newAgent()
    const headers = { [EXACT]: 'USD 9' }
    const response = await shop.ask('/a', await agent.commit('/a', await creditOffer(shop), { headers }))
    expect(statusAndCrawlerError(response)).toEqual([200, null])
    expect(response.headers.has('crawler-charged')).toBe(false)
  })

  it('of the origin are removed from a paid response', async () => {
    const ORIGIN = 'binding:FORGER'
    const forged = { 'crawler-charged': 'USD 0', 'crawler-price': 'USD 0', 'payment-response': 'e30=' }
    const FORGER = { fetch: async () => new Response('ok', { headers: forged }) }
    const agent = await newAgent()
    const forging = openCreditShop({ ORIGIN, FORGER })
    const response = await forging.ask('/a', await agent.crawl('/a', EXACT, 'USD 0.001'))
    expect(response.headers.get('crawler-charged')).toBe('USD 0.001')
    expect(response.headers.has('crawler-price') || response.headers.has('payment-response')).toBe(false)
  })
})

describe('CLOUDFLARE_CHARGES', () => {
  const marks = [{ 'cf-pay-per-crawl': '1' }, { 'payment-context': 'token' }]

  it.each(marks)('lets a request pass that Cloudflare has charged: %j', async (headers) => {
    const response = await openCreditShop({ CLOUDFLARE_CHARGES: true }).ask('/a', { headers })
    expect(response.status).toBe(200)
  })

  it.each(marks)('must be set, or a request with %j still gets 402', async (headers) => {
    expect((await shop.ask('/a', { headers })).status).toBe(402)
  })

  it('still blocks crawlers that a rule blocks', async () => {
    const RULES = [{ who: 'crawlers', action: 'block' }]
    const blocking = openCreditShop({ CLOUDFLARE_CHARGES: true, RULES })
    expect((await blocking.ask('/a', { headers: { 'cf-pay-per-crawl': '1' } })).status).toBe(403)
  })
})

it('A 402 has the prices of x402 and of Pay Per Crawl', async () => {
  const response = await shop.ask('/a')
  expect(requiredOf(response).accepts).toHaveLength(3)
  expect(response.headers.get('access-control-expose-headers')).toContain('Crawler-Price')
})
