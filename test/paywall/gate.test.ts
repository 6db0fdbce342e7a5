/** The gate over HTTP: its answers without payment, with payment, and the request that the origin receives. */
import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  altered,
  BROWSER,
  type Crawler,
  errorOf,
  type Meddle,
  newRegular,
  PRICE,
  receiptOf,
  requiredOf,
  startPaywall,
} from '../schemes/harness.ts'

const shop = startPaywall()

const downOrigin: Meddle = async (name, call) => {
  if (name === 'SITE.fetch') throw new Error('the origin is down')
  return call()
}

/** The request as the origin received it (test/origin.ts). */
type Echo = { url: string; method: string; headers: Record<string, string>; body: string }
const echoOf = async (response: Response) => (await response.json()) as Echo

beforeEach(() => {
  shop.calls.length = 0
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('gate for an unpaid request', () => {
  it('passes a reader through for free', async () => {
    const response = await shop.ask('/articles/one', { agent: BROWSER })
    expect(response.status).toBe(200)
    expect(await echoOf(response)).toMatchObject({ method: 'GET' })
  })

  it('returns 402 with both offers to a crawler, channel first, for v2 and for v1', async () => {
    const response = await shop.ask('/articles/one')
    expect(response.status).toBe(402)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('payment-response')).toBeNull()
    const required = requiredOf(response)
    expect(required).toMatchObject({
      x402Version: 2,
      error: 'Payment required',
      resource: { url: 'https://site.test/articles/one' },
    })
    expect(required.accepts.map(({ scheme }) => scheme)).toEqual(['batch-settlement', 'exact'])
    expect(await response.json()).toMatchObject({
      x402Version: 1,
      accepts: [{ scheme: 'exact', network: 'base-sepolia', maxAmountRequired: '1000' }],
    })
  })

  it('calls no object, database, origin or chain [H4]', async () => {
    const outside = vi.spyOn(globalThis, 'fetch')
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const body = method === 'POST' ? 'x' : null
      for (let times = 0; times < 20; times++) await shop.ask(`/page/${times}`, { method, body })
    }
    expect(shop.calls).toEqual([])
    expect(outside).not.toHaveBeenCalled()
  })

  it('keeps PAYMENT-REQUIRED within 2 KB for any URL and description [D14]', async () => {
    const verbose = startPaywall({
      NAME: 'n'.repeat(32),
      DESCRIPTION: 'é'.repeat(100),
      PRICE: '999999.999999',
      MAX_UNCLAIMED: '999999.999999',
    })
    for (const path of [
      '/',
      `/${'a'.repeat(390)}`,
      `/${'a'.repeat(4000)}`,
      `/a?${'q'.repeat(4000)}`,
      `/${'é'.repeat(60)}`,
    ]) {
      const header = (await verbose.ask(path)).headers.get('payment-required') ?? ''
      expect([path.slice(0, 20), header.length > 0, header.length <= 2048]).toEqual([
        path.slice(0, 20),
        true,
        true,
      ])
    }
  })

  it('keeps PAYMENT-REQUIRED within 2 KB in a corrective 402 [D14]', async () => {
    const crawler = await newRegular(shop)
    const stale = await shop.ask(`/${'a'.repeat(390)}`, { payment: await crawler.owes(1n) })
    expect(await errorOf(stale)).toMatch(/cumulative_amount_mismatch$/)
    expect((stale.headers.get('payment-required') ?? '').length).toBeLessThanOrEqual(2048)
  })

  it('shows a person a page that repeats nothing of the request [D15]', async () => {
    const charging = startPaywall({ RULES: [{ who: 'everyone', action: 'charge' }] })
    const hostile = '"><img src=x onerror=alert(1)><!--'
    const response = await charging.ask(`/${encodeURIComponent(hostile)}?q=<script>`, {
      agent: `${BROWSER} ${hostile}`,
      headers: { accept: 'text/html', referer: `https://evil.test/${hostile}` },
    })
    expect(response.status).toBe(402)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
    expect(requiredOf(response).accepts).toHaveLength(2)
    const page = await response.text()
    expect(page).not.toMatch(/<script|alert|onerror|javascript:|evil/i)
    const elsewhere = await charging.ask('/other', { agent: BROWSER, headers: { accept: 'text/html' } })
    expect(await elsewhere.text()).toBe(page)
  })

  it('shows a person the name and description of the site, escaped', async () => {
    const RULES = [{ who: 'everyone', action: 'charge' }]
    const charging = startPaywall({ RULES, NAME: 'Tally & Ink', DESCRIPTION: 'Short <pieces>' })
    const response = await charging.ask('/page', { agent: BROWSER, headers: { accept: 'text/html' } })
    expect(await response.text()).toContain('<p>Tally &amp; Ink: Short &lt;pieces&gt;</p>')
  })
})

describe('gate for a method', () => {
  it('returns 402 to HEAD and never charges it, even with a payment [D3]', async () => {
    const crawler = await newRegular(shop)
    const payment = await crawler.owes(2n * PRICE)
    const response = await shop.ask('/page', { method: 'HEAD', payment })
    expect([response.status, await response.text()]).toEqual([402, ''])
    expect(requiredOf(response).accepts).toHaveLength(2)
    expect(shop.calls).toEqual([])
    expect((await shop.ask('/page', { payment })).status).toBe(200)
  })

  it('passes HEAD for a reader [D3]', async () => {
    expect((await shop.ask('/page', { method: 'HEAD', agent: BROWSER })).status).toBe(200)
  })

  it('answers OPTIONS itself, with the payment headers allowed and exposed [D3]', async () => {
    const response = await shop.ask('/page', { method: 'OPTIONS' })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-headers')).toMatch(/PAYMENT-SIGNATURE.*X-PAYMENT/)
    expect(response.headers.get('access-control-expose-headers')).toMatch(
      /PAYMENT-REQUIRED.*PAYMENT-RESPONSE/,
    )
    expect(shop.calls).toEqual([])
  })

  it.each(['PROPFIND', 'MKCOL', 'PURGE', 'SEARCH'])(
    'rejects %s with 405 for readers and crawlers [D3]',
    async (method) => {
      for (const agent of [BROWSER, 'GPTBot/1.0']) {
        const response = await shop.ask('/page', { method, agent })
        expect([response.status, await errorOf(response)]).toEqual([405, 'tab_method_not_allowed'])
        expect(response.headers.get('allow')).toContain('GET')
      }
      expect(shop.calls).toEqual([])
    },
  )

  it('ignores and removes method override headers [D3]', async () => {
    const crawler = await newRegular(shop)
    const names = ['x-http-method-override', 'x-http-method', 'x-method-override']
    const headers = Object.fromEntries(names.map((name) => [name, 'DELETE']))
    const paid = await shop.ask('/page', { headers, payment: await crawler.owes(2n * PRICE) })
    const echo = await echoOf(paid)
    expect(echo.method).toBe('GET')
    expect(Object.keys(echo.headers).filter((name) => names.includes(name))).toEqual([])
  })
})

describe('gate for a query', () => {
  it('binds a payment to the exact query [D2]', async () => {
    const crawler = await newRegular(shop)
    const payment = await crawler.owes(2n * PRICE)
    const bought = await shop.ask('/page?a=1&b=2', { payment })
    expect((await echoOf(bought)).url).toMatch(/\/page\?a=1&b=2$/)
    for (const query of ['?b=2&a=1', '?a=1&b=2&b=2', '?a=1&b=2&', '?a=1&b=%32', '?A=1&b=2', '']) {
      await evictDurableObject(crawler.account())
      expect([query, (await shop.ask(`/page${query}`, { payment })).status]).toEqual([query, 402])
    }
    expect((await shop.ask('/page?a=1&b=2#part', { payment })).status).toBe(200)
    expect(await crawler.account().standing()).toMatchObject({ charged: 2n * PRICE })
  })
})

describe('gate for a paid page', () => {
  let crawler: Crawler
  beforeEach(async () => {
    crawler = await newRegular(shop)
  })

  it('sets private, no-store whatever the origin sends [D8]', async () => {
    const paid = await shop.ask('/page', { payment: await crawler.owes(2n * PRICE) })
    expect(paid.status).toBe(200)
    expect(paid.headers.get('cache-control')).toBe('private, no-store')
    const free = await shop.ask('/page', { agent: BROWSER })
    expect(free.headers.get('cache-control')).toBe('public, max-age=3600')
  })

  it('charges the next crawler even after a put into the platform’s cache [D7]', async () => {
    const paid = await shop.ask('/page', { payment: await crawler.owes(2n * PRICE) })
    await caches.default.put('https://site.test/page', paid.clone()).catch(() => undefined)
    expect(await caches.default.match('https://site.test/page')).toBeUndefined()
    expect((await shop.ask('/page')).status).toBe(402)
  })

  it('removes client headers that pose as ours before asking the origin [D6]', async () => {
    const guarded = startPaywall({ ORIGIN_SECRET: 'the-secret-of-the-origin' })
    const forged = {
      'tab402-origin-secret': 'forged',
      'x-tab402-paid': '1',
      'cf-connecting-ip': '6.6.6.6',
      'cf-ipcountry': 'T1',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-host': 'evil.test',
      forwarded: 'for=6.6.6.6',
      'x-original-url': '/admin',
      'x-rewrite-url': '/admin',
      connection: 'close, x-listed',
      'x-listed': '1',
      te: 'trailers',
      'x-kept': 'yes',
    }
    for (const agent of [BROWSER, 'GPTBot/1.0']) {
      const payment = agent === BROWSER ? undefined : await crawler.owes(2n * PRICE)
      const response = await guarded.ask('/page', { agent, headers: forged, ...(payment && { payment }) })
      const { headers } = await echoOf(response)
      expect(headers).toMatchObject({
        'tab402-origin-secret': 'the-secret-of-the-origin',
        'x-forwarded-host': 'site.test',
        'x-forwarded-proto': 'https',
        forwarded: expect.stringMatching(/;host="site.test";proto=https$/),
        'x-kept': 'yes',
      })
      const removed = ['x-tab402-paid', 'cf-ipcountry', 'x-original-url', 'x-rewrite-url', 'x-listed', 'te']
      expect(
        Object.keys(headers).filter((name) => [...removed, 'payment-signature', 'x-payment'].includes(name)),
      ).toEqual([])
      expect(JSON.stringify(headers)).not.toContain('evil.test')
    }
  })

  it.each([206, 200, 204])('charges in full for a %s [D4]', async (status) => {
    const headers = { range: 'bytes=0-1' }
    const paid = await shop.ask(`/status/${status}`, { headers, payment: await crawler.owes(2n * PRICE) })
    expect([paid.status, receiptOf(paid).extra?.chargedAmount]).toEqual([status, '1000'])
    expect(paid.headers.get('cache-control')).toBe('private, no-store')
  })

  it.each([304, 416, 301, 302, 307, 400, 401, 402, 403, 404, 429, 500, 503])(
    'charges nothing when the origin returns %s, and passes it on without a receipt [D4, D9]',
    async (status) => {
      const payment = await crawler.owes(2n * PRICE)
      for (const init of [{}, { method: 'POST', body: 'x' }]) {
        const response = await shop.ask(`/status/${status}`, { payment, ...init })
        expect(response.status).toBe(status)
        expect(response.headers.get('payment-response')).toBeNull()
      }
      expect(await crawler.account().standing()).toMatchObject({ charged: PRICE })
      expect((await shop.ask('/page', { payment })).status).toBe(200)
    },
  )

  it('charges nothing and returns 502 when the origin fails or times out [D9]', async () => {
    const down = startPaywall({}, downOrigin)
    const broken = await down.ask('/page', { payment: await crawler.owes(2n * PRICE) })
    expect([broken.status, await errorOf(broken)]).toEqual([502, 'tab_origin_unreachable'])
    const impatient = startPaywall({ ORIGIN_TIMEOUT_MS: 100 })
    const late = await impatient.ask('/slow/5000', { payment: await crawler.owes(2n * PRICE) })
    expect([late.status, await errorOf(late)]).toEqual([502, 'tab_origin_unreachable'])
    expect(await crawler.account().standing()).toMatchObject({ charged: PRICE })
  })

  it('serves a lost page again for the same voucher, with the same receipt [E5]', async () => {
    const payment = await crawler.owes(2n * PRICE)
    const lost = await shop.ask('/page', { payment })
    await lost.body?.cancel()
    const again = await shop.ask('/page', { payment })
    expect([again.status, receiptOf(again)]).toEqual([200, receiptOf(lost)])
    expect(await crawler.account().standing()).toMatchObject({ charged: 2n * PRICE })
  })

  it('asks the origin only after the charge for a POST', async () => {
    const stale = await shop.ask('/form', { method: 'POST', body: 'x', payment: await crawler.owes(1n) })
    expect(stale.status).toBe(402)
    expect(shop.calls).toEqual(['ACCOUNT.place'])
    const paid = await shop.ask('/form', {
      method: 'POST',
      body: 'hello',
      payment: await crawler.owes(2n * PRICE),
    })
    expect(await echoOf(paid)).toMatchObject({ method: 'POST', body: 'hello' })
    expect(shop.calls.slice(1)).toEqual(['ACCOUNT.place', 'SITE.fetch'])
  })

  it.each(['channel', 'exact'] as const)('reads no body when the signature is wrong: %s', async (scheme) => {
    const good = scheme === 'channel' ? await crawler.owes(2n * PRICE) : await crawler.pays()
    const field = scheme === 'channel' ? 'payload.voucher.signature' : 'payload.signature'
    const payment = altered(good, field, `0x${'5a'.repeat(64)}1b`)
    const pull = vi.fn((controller: ReadableStreamDefaultController) =>
      controller.enqueue(new Uint8Array(1 << 20)),
    )
    const endless = new ReadableStream({ pull }, { highWaterMark: 0 })
    const refused = await shop.ask('/form', { method: 'POST', body: endless, payment })
    expect([refused.status, await errorOf(refused)]).toEqual([402, expect.stringMatching(/signature$/)])
    expect(pull).not.toHaveBeenCalled()
    expect(shop.calls).toEqual([])
  })

  it('rejects a body above 1 MiB with 413', async () => {
    const body = 'x'.repeat((1 << 20) + 1)
    const response = await shop.ask('/form', {
      method: 'POST',
      body,
      payment: await crawler.owes(2n * PRICE),
    })
    expect([response.status, await errorOf(response)]).toEqual([413, 'tab_body_too_large'])
    expect(shop.calls).toEqual([])
  })
})

describe('gate for a free page', () => {
  it.each(['/robots.txt', '/.well-known/security.txt', '/sitemap.xml'])(
    'serves %s for free and ignores a payment',
    async (path) => {
      const crawler = await newRegular(shop)
      const response = await shop.ask(path, { payment: await crawler.owes(2n * PRICE) })
      expect(response.status).toBe(200)
      expect(response.headers.get('payment-response')).toBeNull()
      expect(shop.calls).toEqual(['SITE.fetch'])
      expect(await crawler.account().standing()).toMatchObject({ charged: PRICE })
    },
  )

  it('returns 502 while the origin is down', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const response = await startPaywall({}, downOrigin).ask('/page', { agent: BROWSER })
    expect([response.status, await errorOf(response)]).toEqual([502, 'tab_origin_unreachable'])
  })
})
