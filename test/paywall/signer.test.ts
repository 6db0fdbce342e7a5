/** The price of an agent whose signature shows who it is, and the sentence about a refuted name. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bindings } from '../../src/app/bindings.ts'
import { buildSite } from '../../src/app/site.ts'
import { type Agent, creditOffer, newAgent, openCreditShop } from '../schemes/credit/harness.ts'
import { BROWSER, requiredOf, startPaywall } from '../schemes/harness.ts'

const RULES = [
  { path: '/free/*', who: 'assistant', verified: true, action: 'allow' },
  { path: '/closed/*', who: 'assistant', action: 'block' },
  { path: '/cheap/*', who: 'ChatGPT-User', action: 'charge', price: '0.0004' },
  { path: '/wallets/*', who: 'assistant', action: 'charge', schemes: ['exact'] },
  { path: '/dear/*', who: 'assistant', action: 'charge', price: '0.003' },
]
const shop = openCreditShop({ RULES })

describe('gate for a signing agent', () => {
  let chatgpt: Agent
  let stranger: Agent
  beforeAll(async () => {
    chatgpt = await newAgent({}, { origin: 'https://chatgpt.com' })
    stranger = await newAgent()
  })

  const crawl = async (agent: Agent, path: string, price: string, covers: string[] = []) =>
    shop.ask(path, {
      ...(await agent.crawl(path, 'crawler-max-price', price, { covers })),
      agent: BROWSER,
    })

  it('charges the price for its verified name, whatever its User-Agent says', async () => {
    const response = await crawl(chatgpt, '/cheap/a', 'USD 0.001')
    expect(response.status).toBe(200)
    expect(response.headers.get('crawler-charged')).toBe('USD 0.0004')
    const [entry] = (await chatgpt.line().entries(0, 10)).slice(-1)
    expect(entry).toMatchObject({ amount: 400n, rule: 'RULES[2]' })
  })

  it('refuses a payment below the price for its verified name, and offers that price', async () => {
    const response = await crawl(chatgpt, '/dear/a', 'USD 0.001')
    expect(response.status).toBe(402)
    expect(response.headers.get('crawler-price')).toBe('USD 0.003')
    expect(requiredOf(response).accepts.at(-1)?.amount).toBe('3000')
    expect((await crawl(chatgpt, '/dear/a', 'USD 0.003')).headers.get('crawler-charged')).toBe('USD 0.003')
  })

  it('takes a commitment to the price for its verified name alone', async () => {
    const claimed = await creditOffer(shop, '/cheap/b')
    expect(claimed.amount).toBe('1000')
    const asked = async (amount: string) =>
      shop.ask('/cheap/b', {
        ...(await chatgpt.commit('/cheap/b', { ...claimed, amount })),
        agent: BROWSER,
      })
    expect((await asked('1000')).status).toBe(402)
    expect((await asked('400')).status).toBe(200)
  })

  it('serves it free, without a charge, where a rule lets its verified name in', async () => {
    const before = await chatgpt.standing().catch(() => null)
    const response = await crawl(chatgpt, '/free/a', 'USD 0.001')
    expect(response.status).toBe(200)
    expect(response.headers.get('crawler-charged')).toBeNull()
    expect((await chatgpt.standing().catch(() => null))?.charged).toBe(before?.charged)
  })

  it('blocks it where a rule blocks its verified name', async () => {
    expect((await crawl(chatgpt, '/closed/a', 'USD 0.001')).status).toBe(403)
  })

  it('refuses credit where its verified name may pay by other schemes alone', async () => {
    const response = await crawl(chatgpt, '/wallets/a', 'USD 0.001')
    expect(response.status).toBe(402)
    expect(requiredOf(response).accepts.map(({ scheme }) => scheme)).toEqual(['exact'])
  })

  it('pays by the present version of its site where the former one let it in free', async () => {
    const { edition } = openCreditShop({ RULES, PRICE: '0.001' }).site
    const { config } = openCreditShop({ RULES: [], PRICE: '0.002' }).site
    const version = { site: { id: 'news', version: 2 }, former: () => (edition ? [edition] : []) }
    const { gate, origin } = buildSite({ ...env } as unknown as Bindings, config, version)
    const crawl = async (price: string) => {
      const { headers } = await chatgpt.crawl('/free/a', 'crawler-exact-price', price)
      return gate(
        new Request('https://site.test/free/a', { headers: { ...headers, 'user-agent': BROWSER } }),
        origin,
      )
    }
    expect((await crawl('USD 0.001')).status).toBe(402)
    expect((await crawl('USD 0.002')).status).toBe(200)
  })

  it('lowers no price for an unverified Signature-Agent header', async () => {
    for (const path of ['/cheap/a', '/free/a']) {
      const headers = { 'signature-agent': '"https://chatgpt.com"', 'signature-input': 'sig1=()' }
      const unsigned = await shop.ask(path, { headers, agent: BROWSER })
      expect(unsigned.status).toBe(402)
      expect(requiredOf(unsigned).accepts.at(-1)?.amount).toBe('1000')
    }
  })

  it('lowers no price for a valid signature of another agent that names chatgpt.com', async () => {
    const request = await stranger.crawl('/cheap/a', 'crawler-max-price', 'USD 0.0004', {
      headers: { 'Signature-Agent': '"https://chatgpt.com"' },
    })
    expect((await shop.ask('/cheap/a', { ...request, agent: BROWSER })).status).not.toBe(200)
  })

  it('charges an agent that we do not know by its User-Agent', async () => {
    const response = await crawl(stranger, '/cheap/a', 'USD 0.001')
    expect(response.headers.get('crawler-charged')).toBe('USD 0.001')
  })
})

describe('402 for a refuted name', () => {
  const site = startPaywall({ RULES: [{ who: 'search', action: 'allow' }] })
  const agent = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
  const refuted = (accept?: string, method = 'GET') =>
    site.site.gate(
      new Request('https://site.test/a', {
        method,
        headers: { 'user-agent': agent, ...(accept && { accept }) },
        cf: { botManagement: { verifiedBot: false, score: 3 } } as IncomingRequestCfProperties,
      }),
      site.site.origin,
    )
  const NOTE = 'This request claims Googlebot, but Cloudflare did not verify it.'

  it('says why in its JSON, and its header stays as it is', async () => {
    const response = await refuted()
    expect(response.status).toBe(402)
    expect(await response.json()).toMatchObject({
      message: `Crawlers pay for this page. ${NOTE}`,
      accepts: [{ scheme: 'exact' }],
    })
    const plain = await site.ask('/a')
    expect(response.headers.get('payment-required')).toBe(plain.headers.get('payment-required'))
  })

  it('says why on its page for people', async () => {
    expect(await (await refuted('text/html')).text()).toContain(`<p>${NOTE}</p>`)
  })

  it('is a page of 200 for the same name without evidence against it', async () => {
    expect((await site.ask('/a', { agent })).status).toBe(200)
  })
})
