import { describe, expect, it } from 'vitest'
import type { Bindings } from '../../src/app/bindings.ts'
import { schemesOf } from '../../src/app/schemes.ts'
import { readConfig } from '../../src/config/config.ts'
import { publishedIn } from '../../src/identity/published/published.ts'
import { compileRanges, rangeOf } from '../../src/identity/published/ranges.ts'
import { editionOf } from '../../src/paywall/edition.ts'
import { type ExplainedRequest, explain, userAgentOf } from '../../src/paywall/explain.ts'
import { type Content, gate } from '../../src/paywall/gate.ts'

const VARS = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.002',
  SCHEMES: ['exact'],
  FACILITATOR_URL: 'https://facilitator.example',
  RULES: [
    { path: '/free/*', action: 'allow' },
    { path: '/shut/*', action: 'block', who: 'everyone' },
    { path: '/far/*', action: 'block', country: 'T1' },
    { path: '/dear/*', action: 'charge', price: '0.05', who: 'training' },
  ],
}

const OURS = rangeOf('192.0.2.0/24')
const LISTS = {
  'https://openai.com/gptbot.json': {
    ranges: compileRanges(OURS ? [OURS] : []),
    prefixes: 1,
    fetchedAt: 1,
    triedAt: 1,
  },
}

function site() {
  const read = readConfig(VARS)
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return { policy: read.config.policy, schemes: schemesOf(VARS as unknown as Bindings, read.config) }
}

type Client = Partial<Pick<ExplainedRequest, 'ip' | 'signedBy' | 'country'>>

function explained(path: string, as = 'GPTBot', client: Client = {}) {
  const { policy, schemes } = site()
  return explain(
    { policy, offerers: schemes, published: publishedIn(LISTS, () => 0) },
    {
      url: `https://site.example${path}`,
      method: 'GET',
      as,
      ip: undefined,
      signedBy: undefined,
      now: Date.now(),
      ...client,
    },
  )
}

describe('explain', () => {
  it('names the client with reasons, the rule and the price', () => {
    expect(explained('/dear/1')).toMatchObject({
      client: { kind: 'crawler', name: 'GPTBot', class: 'training' },
      outcome: 'charge',
      status: 402,
      decision: { action: 'charge', rule: 'RULES[3]', price: 50_000n },
      readings: [{ reading: '/dear/1', rule: 'RULES[3]' }],
      offers: [{ scheme: 'exact', amount: '50000' }],
    })
  })

  it.each([
    ['/free/1', 'GPTBot', 'pass', 'RULES[0]'],
    ['/shut/1', 'reader', 'block', 'RULES[1]'],
    ['/dear/1', 'Googlebot', 'charge', 'default'],
    ['/a', 'reader', 'pass', 'default'],
    ['/robots.txt', 'GPTBot', 'pass', 'free'],
  ])('decides %s as %s: %s by %s', (path, as, outcome, rule) => {
    expect(explained(path, as)).toMatchObject({ outcome, decision: { rule } })
  })

  it('decides by the country that is asked about, and without one by "none"', () => {
    expect(explained('/far/1', 'GPTBot', { country: 'T1' }).outcome).toBe('block')
    expect(explained('/far/1').outcome).toBe('charge')
  })

  it('shows every reading of a URL, of which the dearest holds', () => {
    expect(explained('/free%2F1').readings.map(({ reading, action }) => `${reading} ${action}`)).toEqual([
      '/free%2f1 charge',
      '/free/1 allow',
    ])
    expect(explained('/free%2F1').decision?.action).toBe('charge')
  })

  it('refuses a URL without a decision where the gate does', () => {
    expect(explained('/a%2')).toMatchObject({ outcome: 'refuse', status: 400, decision: null })
  })

  it.each([
    [{ ip: '192.0.2.7' }, 'confirmed'],
    [{ ip: '198.51.100.7' }, 'refuted'],
    [{}, 'unknown'],
  ])('judges the claim of a client with %j as %s', (client, claim) => {
    expect(explained('/a', 'GPTBot', client).client.claim).toBe(claim)
  })

  it('takes the name of a client from its signature', () => {
    expect(explained('/a', 'reader', { signedBy: 'chatgpt.com' }).client).toMatchObject({
      name: 'ChatGPT-User',
      claim: 'confirmed',
    })
  })

  it('takes a known name in any case, a reader, or a whole User-Agent', () => {
    expect(userAgentOf('gptbot')).toBe('Mozilla/5.0 (compatible; GPTBot/1.0)')
    expect(userAgentOf('reader')).toMatch(/^Mozilla\/5\.0 \(Windows/)
    expect(userAgentOf('AcmeBot/2.0 (x)')).toBe('AcmeBot/2.0 (x)')
  })

  it.each([
    ['/dear/1', 'GPTBot'],
    ['/shut/1', 'GPTBot'],
    ['/a%2', 'GPTBot'],
    ['/a%2', 'reader'],
    ['/free%2F1', 'GPTBot'],
    ['/free;x/1', 'GPTBot'],
    ['/a//b', 'GPTBot'],
    ['/free/1', 'GPTBot'],
    ['/a?b=c', 'curl/8.0'],
    ['/a', 'reader'],
  ])('has the status and the headers that the gate answers to %s as %s', async (path, as) => {
    const { policy, schemes } = site()
    const handle = gate({
      edition: editionOf({ policy, schemes, now: Date.now }),
      now: Date.now,
      newId: () => 'id',
      cloudflareCharges: false,
    })
    const passed = async () => new Response('the page', { status: 299 })
    const content: Content = { pass: passed, buy: passed }
    const headers = { 'user-agent': userAgentOf(as) }
    const answer = await handle(new Request(`https://site.example${path}`, { headers }), content)
    const explanation = explained(path, as)
    expect(explanation.status ?? 299).toBe(answer.status)
    if (explanation.status !== null) expect(explanation.headers).toEqual(Object.fromEntries(answer.headers))
  })
})
