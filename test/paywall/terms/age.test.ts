import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../src/config/policy.ts'
import { classify } from '../../../src/identity/classify.ts'
import { Decisions } from '../../../src/paywall/decisions.ts'
import { canonicalize } from '../../../src/paywall/path.ts'
import { type Decision, decide, entryName, type Policy } from '../../../src/paywall/policy.ts'
import { describeProblems } from '../../../src/platform/problem.ts'

const TERMS = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.001',
}
const DATES = { pattern: '/{yyyy}/{mm}/{dd}/', zone: 'Europe/Berlin' }
const asker = classify({ userAgent: 'GPTBot/1.2', signed: false, paying: false })
const at = (time: string) => Date.parse(time)

function policyOf(RULES: unknown[], terms: object = { DATES }): Policy {
  const result = parsePolicy({ ...TERMS, ...terms, RULES })
  if (!result.ok) throw new Error(describeProblems(result.problems))
  return result.policy
}

function problemsOf(RULES: unknown[], terms: object = { DATES }): string {
  const result = parsePolicy({ ...TERMS, ...terms, RULES })
  return result.ok ? '' : describeProblems(result.problems)
}

function request(path: string, now?: number) {
  const canonical = canonicalize(path)
  if (!canonical.ok) throw new Error('the path must be canonical')
  return { method: 'GET', path: canonical.value, asker, ...(now !== undefined && { now }) }
}

function priced(policy: Policy, path: string, time: string): Decision {
  return decide(policy, request(path, at(time)))
}

describe('a rule with an age', () => {
  const news = policyOf([
    { action: 'charge', age: { under: '24h' }, price: '0.05' },
    { action: 'charge', age: { over: '24h', under: '30d' }, price: '0.01' },
  ])

  it('covers pages between its bounds, by the date in the path and the zone', () => {
    const prices = ['2026-11-27T22:59:59Z', '2026-11-27T23:00:00Z', '2026-12-27T00:00:00Z'].map(
      (time) => priced(news, '/2026/11/27/x', time).price,
    )
    expect(prices).toEqual([50_000n, 10_000n, 1000n])
  })

  it('takes a date in the future for the age 0', () => {
    expect(priced(news, '/2030/01/01/x', '2026-11-27T12:00:00Z').price).toBe(50_000n)
  })

  it('covers no page without a date', () => {
    expect(priced(news, '/about', '2026-11-27T12:00:00Z')).toMatchObject({ price: 1000n, rule: 'default' })
  })

  it('covers no page without a clock', () => {
    expect(decide(news, request('/2026/11/27/x'))).toMatchObject({ rule: 'default' })
  })

  it('takes the date of the sitemap for a page without one in its path', () => {
    const dated = (match: string) => (match === '/about' ? at('2026-11-27T00:00:00Z') : undefined)
    const now = at('2026-11-27T12:00:00Z')
    expect(decide(news, { ...request('/about', now), dated }).price).toBe(50_000n)
    expect(decide(news, { ...request('/2020/01/01/x', now), dated }).price).toBe(1000n)
  })

  it('is described in the reason of the decision', () => {
    expect(priced(news, '/2026/11/27/x', '2026-11-29T00:00:00Z').why).toBe(
      'RULES[1]: charge crawlers at least 24h old and younger than 30d',
    )
  })
})

describe('an embargo', () => {
  const closed = policyOf([{ action: 'block', age: { under: '48h' } }])

  it('blocks until the page is old enough and says when that is', () => {
    expect(priced(closed, '/2026/11/27/x', '2026-11-27T12:00:00Z')).toMatchObject({
      action: 'block',
      opensAt: at('2026-11-28T23:00:00Z'),
    })
    expect(priced(closed, '/2026/11/27/x', '2026-11-28T23:00:00Z').action).toBe('charge')
  })

  it('counts from a date in the future', () => {
    expect(priced(closed, '/2026/12/01/x', '2026-11-27T12:00:00Z').opensAt).toBe(at('2026-12-02T23:00:00Z'))
  })
})

describe('DATES with origin', () => {
  const asking = policyOf([{ action: 'charge', path: '/news/*', age: { under: '24h' }, price: '0.05' }], {
    DATES: { origin: true },
  })
  const now = at('2026-11-27T12:00:00Z')

  it('asks for pages that such a rule may cover, and for no others', () => {
    expect(decide(asking, request('/news/x', now)).asks).toBe(true)
    expect(decide(asking, request('/about', now)).asks).toBeUndefined()
  })

  it('decides by what the origin says', () => {
    const origin = { price: null, published: now - 1000 }
    expect(decide(asking, { ...request('/news/x', now), origin })).toMatchObject({ price: 50_000n, rule: 0 })
    const silent = { price: null, published: null }
    expect(decide(asking, { ...request('/news/x', now), origin: silent })).toMatchObject({ rule: 'default' })
  })
})

describe('an offer for a page that reaches an age', () => {
  const news = policyOf([{ action: 'charge', age: { under: '24h' }, price: '0.05' }])
  const pricesAt = (time: string) => {
    const now = at(time)
    const decisions = new Decisions(news, 300_000, () => now)
    const asked = { method: 'GET', url: 'https://x.test/2026/11/27/x', asker, now }
    return decisions.earlier(asked, 'u').map(({ price }) => price)
  }

  it('is valid for as long as offers are, and no longer', () => {
    expect(pricesAt('2026-11-27T23:04:59Z')).toContain(50_000n)
    expect(pricesAt('2026-11-27T23:05:00Z')).not.toContain(50_000n)
  })
})

describe('the terms of dates', () => {
  it.each([
    [[{ action: 'charge', age: { under: '24h' } }], {}, 'DATES must be set: a rule has "age"'],
    [[{ action: 'charge', age: {} }], { DATES }, 'RULES[0].age must have "under" or "over"'],
    [
      [{ action: 'charge', age: { under: '1d', over: '24h' } }],
      { DATES },
      'RULES[0].age must have an "over" that is shorter than "under"',
    ],
    [
      [{ action: 'charge', age: { under: '90m' } }],
      { DATES },
      'RULES[0].age.under must be whole hours or days',
    ],
    [[{ action: 'charge', age: { younger: '1d' } }], { DATES }, 'RULES[0].age.younger must be removed'],
    [[], { DATES: {} }, 'DATES must have "pattern", "sitemap" or origin = true'],
    [[], { DATES: { pattern: '/{yy}/' } }, 'DATES.pattern must be a part of a path with {yyyy}'],
    [[], { DATES: { ...DATES, zone: 'Berlin' } }, 'DATES.zone must be an IANA time zone'],
    [[], { DATES: { sitemap: '/s.xml' } }, 'DATES.sitemap[0] must be the https URL of a sitemap'],
    [[], { DATES: { origin: true }, ORIGIN: 'self' }, 'ORIGIN must not be "self"'],
  ])('of %j and %j name their fault', (rules, terms, expected) => {
    expect(problemsOf(rules, terms)).toContain(expected)
  })

  it('name all their faults at once', () => {
    const rules = [
      { action: 'charge', age: { under: 'soon' } },
      { action: 'allow', price: '1', min: '1' },
    ]
    const lines = problemsOf(rules, { DATES: { pattern: 'x', zone: 'y', since: 1 } }).split('\n')
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      'RULES[0].age.under',
      'RULES[1].price',
      'RULES[1].min',
      'DATES.pattern',
      'DATES.zone',
      'DATES.since',
    ])
  })
})

describe('entryName', () => {
  it('names the rule and its factors', () => {
    const decision = priced(policyOf([{ action: 'charge' }]), '/x', '2026-11-27T00:00:00Z')
    expect([entryName(decision), entryName({ ...decision, factors: ['origin'] })]).toEqual([
      'RULES[0]',
      'RULES[0] origin',
    ])
  })
})
