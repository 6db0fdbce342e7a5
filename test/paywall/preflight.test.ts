/** Preflights: the origin answers those of requests that pass free, the paywall all others. */
import { beforeEach, describe, expect, it } from 'vitest'
import { BROWSER, CRAWLER, startPaywall } from '../schemes/harness.ts'

const RULES = [
  { path: '/open/*', action: 'allow' },
  { path: '/closed/*', who: 'everyone', action: 'block' },
  { path: '/dear/*', method: 'PUT', who: 'everyone', action: 'charge' },
  { path: '/inbox', method: 'PUT', action: 'allow' },
]
const shop = startPaywall({ RULES })

beforeEach(() => {
  shop.calls.length = 0
})

function preflight(path: string, agent: string, headers: Record<string, string> = {}) {
  return shop.ask(path, {
    method: 'OPTIONS',
    agent,
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'authorization,x-csrf-token',
      ...headers,
    },
  })
}

describe('gate for a preflight', () => {
  it.each([
    ['/api', BROWSER],
    ['/api?a=1', BROWSER],
    ['/a//b;c', BROWSER],
    ['/100%', BROWSER],
    ['/open/a', CRAWLER],
  ])('passes on to the origin that of a free request: %s [D3]', async (path, agent) => {
    const response = await preflight(path, agent)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      method: 'OPTIONS',
      url: `https://origin.internal${path}`,
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'authorization,x-csrf-token',
      },
    })
    expect(shop.calls).toEqual(['SITE.fetch'])
  })

  it.each([
    ['a crawler that will be asked to pay', '/api', CRAWLER, {}],
    ['a crawler with a query on a free path', '/open/a?p=1', CRAWLER, {}],
    ['a crawler that would be asked to pay for GET', '/inbox', CRAWLER, {}],
    ['a reader who will be asked to pay', '/dear/a', BROWSER, {}],
    ['a reader of a blocked path', '/closed/a', BROWSER, {}],
    ['a payment of x402', '/api', BROWSER, { 'access-control-request-headers': 'payment-signature' }],
    ['a payment of x402 v1', '/api', BROWSER, { 'access-control-request-headers': 'a, X-PAYMENT' }],
    ['a signed request', '/api', BROWSER, { 'access-control-request-headers': 'signature-input,signature' }],
    ['a method that is not served', '/api', BROWSER, { 'access-control-request-method': 'PROPFIND' }],
    ['a crawler for a path with two readings', '/open;x/a', CRAWLER, {}],
    ['a reader for a reading that is blocked', '/x/..%2fclosed/a', BROWSER, {}],
  ])('answers itself that of %s [D3]', async (_, path, agent, headers) => {
    const response = await preflight(path, agent, headers)
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-headers')).toMatch(/PAYMENT-SIGNATURE/)
    expect(shop.calls).toEqual([])
  })

  it('answers 502 when the origin is down [D3]', async () => {
    const down = startPaywall({}, async () => {
      throw new Error('the origin is down')
    })
    const headers = { 'access-control-request-method': 'PUT' }
    const response = await down.ask('/api', { method: 'OPTIONS', agent: BROWSER, headers })
    expect(response.status).toBe(502)
  })
})

describe('gate for OPTIONS without a preflight', () => {
  it('answers itself, for readers too [D3]', async () => {
    const response = await shop.ask('/api', { method: 'OPTIONS', agent: BROWSER })
    expect(response.status).toBe(204)
    expect(shop.calls).toEqual([])
  })
})
