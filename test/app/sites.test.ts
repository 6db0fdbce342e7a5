/** Many sites on one deployment: which host is served what, and what a change of terms does to those who pay. */
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { secretOf } from '../../src/app/sites.ts'
import { refreshDates } from '../../src/paywall/terms/sitemap-dates.ts'
import { encodeHeader } from '../../src/protocol/x402/header.ts'
import type { SiteDocument } from '../../src/sites/document.ts'
import { newAgent, REGISTRATION } from '../schemes/credit/harness.ts'
import { errorOf, receiptOf, requiredOf } from '../schemes/harness.ts'
import { document, newRegistry, publish } from '../sites/harness.ts'
import { newCustomer } from './customer.ts'
import { newIsolate } from './isolate.ts'

const OTHER = `0x${'5a'.repeat(20)}`
const terms = { ORIGIN: 'binding:SITE', PRICE: '0.001', SCHEMES: ['channel', 'exact'] }
const newSite = (change: Partial<SiteDocument> = {}) => document({ via: 'route', terms, ...change })
const urlOf = ({ hosts: [host] }: SiteDocument, path = '/page') => `https://${host}${path}`

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function passes(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}

describe('two sites of one deployment', () => {
  it('look an agent with credit up once', async () => {
    const credit = { ORIGIN: 'binding:SITE', PRICE: '0.001', SCHEMES: ['credit'] }
    const sites = [newSite({ terms: credit }), newSite({ terms: credit })]
    const asked: string[] = []
    const agents = env.AGENTS.getByName('agents')
    const counted = {
      index: (last: string | null) => agents.index(last),
      find: (claim: Parameters<typeof agents.find>[0]) => {
        asked.push('find')
        return agents.find(claim)
      },
    }
    const vars = {
      AGENTS: { getByName: () => counted },
      AGENT_READS: undefined,
      REGISTRATION_URL: REGISTRATION,
    }
    const isolate = newIsolate({ vars, documents: sites })
    const agent = await newAgent()
    for (const site of sites) {
      const [offer = {}] = requiredOf(await isolate.ask(urlOf(site))).accepts
      const { headers } = await agent.commit('/page', offer, { url: urlOf(site) })
      expect((await isolate.ask(urlOf(site), { headers })).status).toBe(200)
    }
    expect(asked).toEqual(['find'])
  })
})

describe('a host', () => {
  it('is served by its own site, from memory once it was asked for', async () => {
    const registry = newRegistry()
    const [one, two] = [newSite(), newSite({ terms: { ...terms, PRICE: '0.005' } })]
    await publish(registry, one)
    await publish(registry, two)
    const isolate = newIsolate()
    const amounts = async () =>
      Promise.all([one, two].map(async (site) => (await isolate.offers(urlOf(site))).exact.amount))
    expect(await amounts()).toEqual(['1000', '5000'])
    expect(isolate.reads).toHaveLength(2)
    expect(await amounts()).toEqual(['1000', '5000'])
    expect(isolate.reads).toHaveLength(2)
  })

  it('that no site has gets 421 for a minute after one read', async () => {
    const isolate = newIsolate()
    const url = `https://${crypto.randomUUID()}.example.com/`
    const answers = [await isolate.ask(url), await isolate.ask(url)]
    expect(answers.map(({ status }) => status)).toEqual([421, 421])
    expect(isolate.reads).toHaveLength(1)
  })

  it('of a draft gets 421, and of a suspended site 503', async () => {
    const registry = newRegistry()
    const site = newSite()
    await publish(registry, site, { only: 'put' })
    expect((await newIsolate().ask(urlOf(site))).status).toBe(421)
    await publish(registry, site)
    await registry.suspend('op', site.id)
    const refused = await newIsolate().ask(urlOf(site), { agent: 'Mozilla/5.0 Firefox/140.0' })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
    expect(await errorOf(refused)).toBe('tab_site_suspended')
  })

  it('keeps its copy for ten minutes where KV shows no entry after one', async () => {
    const registry = newRegistry()
    const site = newSite()
    await publish(registry, site)
    let isLost = false
    const isolate = newIsolate({ read: async (get) => (isLost ? null : get()) })
    expect((await isolate.ask(urlOf(site))).status).toBe(402)
    isLost = true
    passes(61)
    expect((await isolate.ask(urlOf(site))).status).toBe(402)
    passes(540)
    expect((await isolate.ask(urlOf(site))).status).toBe(503)
  })

  it('gets 503 while KV fails and no copy is at hand, and its copy for ten minutes otherwise', async () => {
    const registry = newRegistry()
    const site = newSite()
    await publish(registry, site)
    let fails = false
    const isolate = newIsolate({
      read: (get) => (fails ? Promise.reject(new Error('KV is down')) : get()),
    })
    expect((await isolate.ask(urlOf(site))).status).toBe(402)
    fails = true
    passes(539)
    expect((await isolate.ask(urlOf(site))).status).toBe(402)
    passes(61)
    const late = await isolate.ask(urlOf(site))
    expect([late.status, await errorOf(late)]).toEqual([503, 'tab_sites_unavailable'])
  })
})

describe('a version of a site', () => {
  it('takes effect in all isolates at one moment, and offers of the version before are honoured [B10]', async () => {
    const registry = newRegistry()
    const site = newSite()
    await publish(registry, site)
    const isolates = [newIsolate(), newIsolate()] as const
    const [here, there] = isolates
    const url = urlOf(site)
    const prices = async () =>
      Promise.all(isolates.map(async (each) => (await each.offers(url)).exact.amount))
    expect(await prices()).toEqual(['1000', '1000'])

    const customer = await newCustomer(here, url)
    const opened = await here.ask(url, { payment: await customer.deposits(100_000n, 1000n) })
    expect(opened.status).toBe(200)
    const changed = { ...site, terms: { ...terms, PRICE: '0.002', RECEIVER: OTHER } }
    await publish(registry, changed)
    passes(61)
    expect(await prices()).toEqual(['1000', '1000'])
    const [exact, voucher] = [await customer.pays(1000n), await customer.owes(2000n)]
    passes(60)
    expect(await prices()).toEqual(['2000', '2000'])

    const byTransfer = await there.ask(`${url}/a`, { payment: exact })
    expect([byTransfer.status, receiptOf(byTransfer).amount]).toEqual([200, '1000'])
    const byVoucher = await there.ask(`${url}/b`, { payment: voucher })
    expect([byVoucher.status, receiptOf(byVoucher).extra]).toMatchObject([200, { chargedAmount: '1000' }])
    expect(await env.ACCOUNT.getByName(customer.id).standing()).toMatchObject({ charged: 2000n })

    passes(300)
    const late = await there.ask(`${url}/c`, { payment: await customer.owes(3000n) })
    expect([late.status, await errorOf(late)]).toEqual([402, 'No matching payment requirements'])
  })

  it('with another receiver takes x402 v1 payments to the former one, which echo no offer [B10]', async () => {
    const registry = newRegistry()
    const site = newSite()
    await publish(registry, site)
    const isolate = newIsolate()
    const customer = await newCustomer(isolate, urlOf(site))
    const { payload } = JSON.parse(atob(await customer.pays(1000n))) as { payload: object }
    await publish(registry, { ...site, terms: { ...terms, RECEIVER: OTHER } })
    passes(121)
    const envelope = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload }
    const paid = await isolate.ask(urlOf(site), { v1: encodeHeader(envelope) })
    expect([paid.status, receiptOf(paid)]).toMatchObject([200, { success: true }])
  })

  it('that blocks a crawler lets it have what it was offered before, and nothing else', async () => {
    const registry = newRegistry()
    const site = newSite()
    await publish(registry, site)
    const isolate = newIsolate()
    const url = urlOf(site)
    const customer = await newCustomer(isolate, url)
    const [offered, dearer] = [await customer.pays(1000n), await customer.pays(2000n)]
    await publish(registry, { ...site, terms: { ...terms, RULES: [{ action: 'block' }] } })
    passes(121)
    expect((await isolate.ask(url)).status).toBe(403)
    const refused = await isolate.ask(url, { payment: dearer })
    expect([refused.status, await errorOf(refused)]).toEqual([403, 'tab_blocked'])
    expect((await isolate.ask(url, { payment: offered })).status).toBe(200)
    passes(300)
    expect((await isolate.ask(url, { payment: await customer.pays(1000n) })).status).toBe(403)
  })

  it('honours no offer of a version that never took effect', async () => {
    const registry = newRegistry()
    const site = newSite()
    await publish(registry, site)
    const isolate = newIsolate()
    const url = urlOf(site)
    const customer = await newCustomer(isolate, url)
    const priced = (PRICE: string) => publish(registry, { ...site, terms: { ...terms, PRICE } })
    await priced('0.0005')
    await registry.suspend('op', site.id)
    await registry.revert('op', site.id, 1)
    passes(121)
    const never = { ...(await isolate.offers(url)).exact, amount: '500' }
    const refused = await isolate.ask(url, { payment: await customer.pays(500n, {}, never) })
    expect(refused.status).toBe(402)
  })
})

describe('the origin of a site', () => {
  it('receives a secret of its own, and the host that was asked', async () => {
    const registry = newRegistry()
    const sites = [newSite(), newSite()]
    const isolate = newIsolate({ vars: { ORIGIN_SECRET: 'the-secret-of-the-deployment' } })
    const secrets: (string | undefined)[] = []
    for (const site of sites) {
      await publish(registry, site)
      const page = await isolate.ask(urlOf(site), { agent: 'Mozilla/5.0 (X11) Firefox/140.0' })
      const { headers } = (await page.json()) as { headers: Record<string, string> }
      expect(headers['x-forwarded-host']).toBe(site.hosts[0])
      secrets.push(headers['tab402-origin-secret'])
    }
    expect(secrets).toEqual(
      await Promise.all(sites.map(({ id }) => secretOf('the-secret-of-the-deployment', id))),
    )
    expect(secrets[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(new Set(secrets).size).toBe(2)
  })
})

describe('the dates of a site', () => {
  it('are those of its own sitemaps', async () => {
    const registry = newRegistry()
    const DATES = { sitemap: 'https://dated.example.com/sitemap.xml' }
    const RULES = [{ action: 'block', age: { under: '24h' } }]
    const [dated, other] = [newSite(), newSite()].map((site) => ({
      ...site,
      terms: { ...terms, DATES, RULES },
    }))
    if (!dated || !other) throw new Error('there must be two sites')
    await publish(registry, dated)
    await publish(registry, other)
    const today = new Date().toISOString()
    const sitemap = `<urlset><url><loc>https://x.example.com/page</loc><lastmod>${today}</lastmod></url></urlset>`
    await refreshDates(env.LISTS, [DATES.sitemap], async () => new Response(sitemap), dated.id)
    const isolate = newIsolate()
    const answers = [await isolate.ask(urlOf(dated)), await isolate.ask(urlOf(other))]
    expect(answers.map(({ status }) => status)).toEqual([403, 402])
  })
})
