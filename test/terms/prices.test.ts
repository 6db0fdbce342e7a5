/** Whatever the policy: a price in a document is the price that `decide` asks. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { licenseXml } from '../../src/terms/rsl.ts'
import { tdmrep } from '../../src/terms/tdm.ts'
import { x402Site } from '../../src/terms/x402.ts'
import { covers, decided, inShort, licensedFor, policyOf, SITE } from './site.ts'

const USES = { search: 'search', assistant: 'ai-input', training: 'ai-train' } as const

const text = fc.constantFrom(
  '/',
  '/a',
  '/a/b',
  '/ab',
  '/a/b/c',
  '/b',
  '/b.pdf',
  '/a/b.pdf',
  '/a.php/b.pdf',
  '/a$b',
  '/a&b',
)
const pattern = fc.constantFrom(
  '/*',
  '/a/*',
  '/a',
  '/a/b',
  '/a/b/*',
  '/ab*',
  '/*.pdf',
  '/b/*',
  '/a*b',
  '/a$b',
  '/a&b',
)
const who = fc.constantFrom(
  'crawlers',
  'everyone',
  'readers',
  'search',
  'training',
  'assistant',
  'other',
  'GPTBot',
)
const rule = fc
  .record(
    {
      path: pattern,
      who: fc.array(who, { minLength: 1, maxLength: 2 }),
      action: fc.constantFrom('charge', 'allow', 'block'),
      price: fc.constantFrom('0.001', '0.002', '0.05', '1.5'),
      query: fc.constantFrom('none', 'any'),
      method: fc.constantFrom('GET', 'POST'),
    },
    { requiredKeys: ['action'] },
  )
  .map(({ price, ...rest }) => (rest.action === 'charge' && price ? { ...rest, price } : rest))
const rules = fc.array(rule, { maxLength: 6 })
const target = fc.tuple(text, fc.constantFrom('', '?p=1')).map((parts) => parts.join(''))

describe('A price that a document states', () => {
  it('is the one that the page costs, in license.xml', () => {
    let stated = 0
    const property = fc.property(
      rules,
      target,
      fc.constantFrom(...Object.keys(USES)),
      (rules, target, purpose) => {
        const policy = policyOf(rules)
        const said = licensedFor(licenseXml(policy), target, USES[purpose as keyof typeof USES])
        if (said === undefined) return
        stated++
        expect(said).toEqual(inShort(decided(policy, target, purpose)))
      },
    )
    fc.assert(property, { numRuns: 250 })
    expect(stated).toBeGreaterThan(100)
  })

  it('is the one that the page costs, in a tdmrep.json read from its first row', () => {
    const property = fc.property(rules, target, (rules, target) => {
      const policy = policyOf(rules)
      const row = tdmrep(policy, undefined).find(({ location }) => covers(location, target))
      const free = decided(policy, target, 'training').action === 'allow'
      // Pages for which no row can say it are reserved: several rules meet there, or a row would cover queries too.
      const isSayable = rules.every(({ path = '/*' }) => !/\*./.test(path))
      if (row?.['tdm-reservation'] === 0) expect(free).toBe(true)
      else if (free && isSayable) expect(rules.length).toBeGreaterThan(1)
    })
    fc.assert(property, { numRuns: 250 })
  })

  it('is the one that the address costs, in the document of x402', () => {
    const property = fc.property(rules, (rules) => {
      const policy = policyOf(rules)
      const accepts = ({ price }: { price: bigint }) => [
        {
          scheme: 'exact',
          network: 'eip155:8453',
          amount: `${price}`,
          asset: '0x',
          payTo: '0x',
          maxTimeoutSeconds: 60,
          extra: {},
        },
      ]
      for (const { url, method, accepts: offers } of x402Site(policy, SITE, accepts, undefined).resources) {
        const decision = decided(policy, url.slice(SITE.length), 'other', undefined, method)
        expect(offers.map(({ amount }) => amount)).toEqual([`${decision.price}`])
        expect(decision.action).toBe('charge')
      }
    })
    fc.assert(property, { numRuns: 200 })
  })
})
