import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import type { TrafficKind } from '../../src/ledger/book/traffic.ts'
import { editionOf } from '../../src/paywall/edition.ts'
import { type Content, gate } from '../../src/paywall/gate.ts'
import { shadowGate } from '../../src/paywall/shadow.ts'
import { Tally } from '../../src/paywall/tally.ts'
import { MAX_CHOSEN, MAX_TRAFFIC_KINDS, trafficCount, trafficCounts } from '../../src/paywall/traffic.ts'

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
  ],
}

/** A site whose origin answers with `status`, and all that it counts. Status 0 is an origin that cannot be reached. */
function openSite({ status = 200, site }: { status?: number; site?: { id: string; version: number } } = {}) {
  const read = parsePolicy(TERMS)
  if (!read.ok) throw new Error('the policy must be valid')
  const counted: [TrafficKind, bigint][] = []
  const clock = { now: NOW }
  const count = trafficCount({ count: (kind, asked) => void counted.push([kind, asked]) }, () => clock.now)
  const pass = async () => {
    if (status === 0) throw new Error('the origin is down')
    return new Response('the page', { status })
  }
  const content: Content = { pass, buy: pass }
  const { policy } = read
  const judge = { now: () => NOW, cloudflareCharges: false, count }
  const edition = editionOf({ policy, schemes: {}, site, now: judge.now })
  const live = gate({ ...judge, edition, newId: () => 'id' })
  const shadow = shadowGate({ ...judge, policy, site: site?.id, tally: { count: () => undefined } })
  return {
    counted,
    clock,
    live: (path: string, agent?: string, init?: RequestInit) => live(request(path, agent, init), content),
    shadow: (path: string, agent?: string) => shadow(request(path, agent), content),
  }
}

function request(path: string, agent = 'GPTBot/1.2', init: RequestInit = {}): Request {
  const url = path.startsWith('/') ? `https://site.example${path}` : path
  return new Request(url, { ...init, headers: { 'user-agent': agent, ...init.headers } })
}

const site = 'site.example'
const UNPAYABLE = { 'payment-signature': 'bm8=' }

describe('gate', () => {
  it.each([
    ['/a', 'GPTBot/1.2', { who: '~GPTBot', rule: 'default', outcome: 'unpaid', status: '4xx' }, 2_000n],
    ['/a', 'AcmeBot/1', { who: '~AcmeBot', rule: 'default', outcome: 'unpaid', status: '4xx' }, 2_000n],
    ['/a', 'curl/8', { who: '~curl', rule: 'default', outcome: 'unpaid', status: '4xx' }, 2_000n],
    ['/a', '', { who: '', rule: 'default', outcome: 'unpaid', status: '4xx' }, 2_000n],
    ['/a', BROWSER, { who: 'readers', rule: 'default', outcome: 'free', status: '2xx' }, 0n],
    ['/free/a', 'GPTBot/1.2', { who: '~GPTBot', rule: 'RULES[0]', outcome: 'free', status: '2xx' }, 0n],
    ['/shut/a', BROWSER, { who: 'readers', rule: 'RULES[1]', outcome: 'blocked', status: '4xx' }, 0n],
    ['/%2e%2e%5cetc', 'GPTBot/1.2', { who: '~GPTBot', rule: 'url', outcome: 'blocked', status: '4xx' }, 0n],
  ])('counts once how %s ends for %s', async (path, agent, kind, asked) => {
    const { live, counted } = openSite()
    await live(path, agent)
    expect(counted).toEqual([[{ site, ...kind }, asked]])
  })

  it('counts a payment that bought nothing as refused, and a HEAD as unpaid that was asked for nothing', async () => {
    const { live, counted } = openSite()
    await live('/a', 'GPTBot/1.2', { headers: UNPAYABLE })
    await live('/a', 'GPTBot/1.2', { method: 'HEAD' })
    expect(counted.map(([{ outcome }, asked]) => [outcome, asked])).toEqual([
      ['refused', 0n],
      ['unpaid', 0n],
    ])
  })

  it.each([
    [0, '5xx'],
    [503, '5xx'],
    [404, '4xx'],
  ])('counts the status class of an origin that answers %d', async (status, counts) => {
    const { live, counted } = openSite({ status })
    await live('/a', BROWSER)
    expect(counted).toMatchObject([[{ outcome: 'free', status: counts }, 0n]])
  })

  it('counts neither preflights nor methods that it does not know', async () => {
    const { live, counted } = openSite()
    await live('/a', 'GPTBot/1.2', { method: 'OPTIONS' })
    await live('/a', 'GPTBot/1.2', { method: 'PROPFIND' })
    expect(counted).toEqual([])
  })

  it('counts under the id of a registered site, whatever the host', async () => {
    const { live, counted } = openSite({ site: { id: 'acme-news', version: 3 } })
    for (let at = 0; at < MAX_CHOSEN + 1; at++) await live(`https://host${at}.example/a`)
    expect(new Set(counted.map(([kind]) => kind.site))).toEqual(new Set(['acme-news']))
  })
})

describe('shadow gate', () => {
  it('counts what it serves as free', async () => {
    const { shadow, counted } = openSite({ status: 500 })
    await shadow('/a')
    expect(counted).toEqual([[{ site, who: '~GPTBot', rule: 'default', outcome: 'free', status: '5xx' }, 0n]])
  })
})

describe('trafficCount', () => {
  it('counts a bounded number of hosts apart in an hour where no registry names them', async () => {
    const { live, counted, clock } = openSite()
    for (let at = 0; at <= MAX_CHOSEN; at++) await live(`https://host${at}.example/a`)
    clock.now += 3_600_000
    await live('https://new.example/a')
    const sites = counted.slice(-3).map(([kind]) => kind.site)
    expect(sites).toEqual([`host${MAX_CHOSEN - 1}.example`, 'other', 'new.example'])
  })
})

/** A tally of traffic that stores when its promises have ended. */
function openTally() {
  const stored: TrafficKind[] = []
  const waiting: Promise<void>[] = []
  const tally = new Tally(trafficCounts(), {
    store: async (figures) => void stored.push(...figures),
    defer: (ending) => void waiting.push(ending),
    wait: async () => undefined,
    now: () => NOW,
  })
  return { tally, stored, end: () => Promise.all(waiting) }
}

const UNPAID = { site, who: '~GPTBot', rule: 'default', outcome: 'unpaid', status: '4xx' } as const

describe('trafficCounts', () => {
  it('counts a bounded number of unlisted names apart, and every name of our table', async () => {
    const { tally, stored, end } = openTally()
    for (let at = 0; at < MAX_CHOSEN; at++) tally.count({ ...UNPAID, who: `~Made${at}Bot` }, 0n)
    for (const who of ['~NewBot', '~Made0Bot', '~GPTBot', 'GPTBot', 'readers', ''])
      tally.count({ ...UNPAID, who, rule: 'RULES[0]' }, 0n)
    await end()
    expect(stored.slice(MAX_CHOSEN).map(({ who }) => who)).toEqual([
      ...['other', '~Made0Bot', '~GPTBot', 'GPTBot', 'readers', ''],
    ])
  })

  it('keeps the site, the outcome and the status of a kind beyond the limit', async () => {
    const { tally, stored, end } = openTally()
    for (let rule = 0; rule <= MAX_TRAFFIC_KINDS; rule++)
      tally.count({ ...UNPAID, rule: `RULES[${rule}]` }, 0n)
    await end()
    expect(stored).toHaveLength(MAX_TRAFFIC_KINDS + 1)
    expect(stored.at(-1)).toMatchObject({ ...UNPAID, who: 'other', rule: 'other' })
  })
})
