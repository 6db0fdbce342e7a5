import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import type { ShadowKind } from '../../src/ledger/book/shadow.ts'
import { editionOf } from '../../src/paywall/edition.ts'
import { type Content, gate } from '../../src/paywall/gate.ts'
import { SHADOW_COUNTS, shadowGate } from '../../src/paywall/shadow.ts'
import { runs } from '../runs.ts'

const NOW = Date.UTC(2026, 10, 27)
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const TERMS = {
  ORIGIN: 'self',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:8453',
  PRICE: '0.002',
  RULES: [
    { path: '/free/*', action: 'allow' },
    { path: '/shut/*', who: 'everyone', action: 'block' },
    { path: '/dear/*', who: 'everyone', action: 'charge', price: '0.05' },
  ],
}

/** A site whose origin answers with `status` and some headers; status 0 is an origin that cannot be reached. */
function openSite({
  status = 200,
  headers = {},
  terms = {},
}: {
  status?: number
  headers?: Record<string, string>
  terms?: object
} = {}) {
  const read = parsePolicy({ ...TERMS, ...terms })
  if (!read.ok) throw new Error('the policy must be valid')
  const counted: [ShadowKind, bigint][] = []
  const asked: string[] = []
  const content: Content = {
    pass: async ({ url }) => {
      asked.push(url)
      if (status === 0) throw new Error('the origin is down')
      return new Response('the page', { status, headers })
    },
    buy: () => Promise.reject(new Error('a trial sells nothing')),
  }
  const judge = { policy: read.policy, now: () => NOW, cloudflareCharges: false }
  const shadow = shadowGate({ ...judge, tally: { count: (seen, price) => void counted.push([seen, price]) } })
  const live = gate({ ...judge, edition: editionOf({ ...judge, schemes: {} }), newId: () => 'id' })
  return {
    counted,
    asked,
    shadow: (request: Request) => shadow(request, content),
    live: (request: Request) => live(request, content),
  }
}

function request(path: string, agent = 'GPTBot/1.2', init: RequestInit = {}): Request {
  return new Request(`https://site.example${path}`, {
    ...init,
    headers: { 'user-agent': agent, ...init.headers },
  })
}

describe('shadow gate', () => {
  it.each([
    ['/page', 'GPTBot/1.2', ['GPTBot', 'default', 'charge', 2_000n]],
    ['/dear/a', 'GPTBot/1.2', ['GPTBot', 'RULES[2]', 'charge', 50_000n]],
    ['/dear/a', BROWSER, ['readers', 'RULES[2]', 'charge', 50_000n]],
    ['/free/a', 'GPTBot/1.2', ['GPTBot', 'RULES[0]', 'allow', 0n]],
    ['/shut/a', 'GPTBot/1.2', ['GPTBot', 'RULES[1]', 'block', 0n]],
    ['/robots.txt', 'AcmeBot/2', ['AcmeBot', 'free', 'allow', 0n]],
    ['/%2e%2e%5cetc', 'GPTBot/1.2', ['GPTBot', 'url', 'block', 0n]],
  ])('serves %s to %s and counts its decision', async (path, agent, [crawler, rule, action, price]) => {
    const { shadow, counted } = openSite()
    const answer = await shadow(request(path, agent))
    expect([answer.status, await answer.text()]).toEqual([200, 'the page'])
    expect(counted).toMatchObject([[{ crawler, rule, action }, price]])
  })

  it('counts the path that the site itself reads where paths are literal', async () => {
    const { shadow, counted } = openSite({ terms: { PATHS: 'literal' } })
    await shadow(request('/a%5Cb'))
    expect(counted).toMatchObject([[{ path: '/a%5cb', action: 'charge' }, 2_000n]])
  })

  it('counts no reader that nothing holds against, and no preflight', async () => {
    const { shadow, counted } = openSite()
    await shadow(request('/page', BROWSER))
    await shadow(request('/page', 'GPTBot/1.2', { method: 'OPTIONS' }))
    expect(counted).toEqual([])
  })

  it.each([
    ['HEAD', 200],
    ['GET', 304],
    ['GET', 404],
    ['GET', 500],
  ])('counts a %s that was answered %s without a price', async (method, status) => {
    const { shadow, counted } = openSite({ status })
    await shadow(request('/page', 'GPTBot/1.2', { method }))
    expect(counted.map(([, price]) => price)).toEqual([0n])
  })

  it('serves a client that pays or signs without reading its payment', async () => {
    const { shadow, counted } = openSite()
    const answer = await shadow(
      request('/page', BROWSER, { headers: { 'payment-signature': 'bm90aGluZw==' } }),
    )
    expect([answer.status, answer.headers.get('payment-response')]).toEqual([200, null])
    expect(counted).toMatchObject([[{ crawler: 'nameless', action: 'charge' }, 2_000n]])
  })

  it('adds no header, and hides those from the origin to the paywall', async () => {
    const { shadow } = openSite({ headers: { 'x-own': '1', 'tab402-price': '0.5' } })
    const { headers } = await shadow(request('/page'))
    expect([...headers.keys()]).toEqual(['content-type', 'x-own'])
  })

  it('answers 502 while the origin fails, as the paywall does', async () => {
    const { shadow, counted } = openSite({ status: 0 })
    expect((await shadow(request('/page'))).status).toBe(502)
    expect(counted.map(([, price]) => price)).toEqual([0n])
  })

  it('serves the page when counting fails', async () => {
    const read = parsePolicy(TERMS)
    if (!read.ok) throw new Error('the policy must be valid')
    const count = () => {
      throw new Error('no memory')
    }
    const broken = shadowGate({
      policy: read.policy,
      now: () => NOW,
      cloudflareCharges: false,
      tally: { count },
    })
    const pass = async () => new Response('the page')
    expect((await broken(request('/page'), { pass, buy: pass })).status).toBe(200)
  })

  it('counts for any request the decision that the live gate makes', async () => {
    const path = fc
      .array(fc.constantFrom('free', 'shut', 'dear', 'a', '..', '%2f', ';x', '.', '%5c', 'A'), {
        maxLength: 4,
      })
      .map((parts) => `/${parts.join('/')}`)
    const agent = fc.constantFrom('GPTBot/1.2', 'curl/8', BROWSER, 'Googlebot/2.1', '')
    const method = fc.constantFrom('GET', 'HEAD', 'POST')
    await fc.assert(
      fc.asyncProperty(path, agent, method, async (url, agentOf, verb) => {
        const { shadow, live, counted } = openSite()
        const [asked, again] = [
          request(url, agentOf, { method: verb }),
          request(url, agentOf, { method: verb }),
        ]
        expect((await shadow(asked)).status).toBe(200)
        const { status } = await live(again)
        const [action] = counted.map(([seen]) => seen.action)
        expect({ 200: 'allow', 402: 'charge', 403: 'block', 400: 'block' }[status]).toBe(action ?? 'allow')
      }),
      { numRuns: runs(200) },
    )
  })
})

describe('SHADOW_COUNTS', () => {
  it.each([
    ['GPTBot', 'GPTBot'],
    ['readers', 'readers'],
    ['nameless', 'nameless'],
    ['MadeUp1', 'others'],
  ])('joins the paths of %s under the name %s', (crawler, name) => {
    const what = { class: 'other', rule: 'default', action: 'charge', path: '/a' } as const
    const kind = { site: '', crawler, ...what }
    expect(SHADOW_COUNTS.join(kind)).toEqual({ ...kind, crawler: name, path: '*' })
  })
})
