/** The search finds among many rules the one that the plain scan finds. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import type { Asker } from '../../src/identity/classify.ts'
import { CRAWLER_CLASSES } from '../../src/identity/crawlers/class.ts'
import { crawlers } from '../../src/identity/crawlers.ts'
import type { Rule } from '../../src/paywall/policy.ts'
import { compileSearch, type Facts, scan } from '../../src/paywall/rules.ts'
import { runs } from '../runs.ts'

function rulesOf(rules: unknown[]): readonly Rule[] {
  const result = parsePolicy({
    ORIGIN: 'zone',
    RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    NETWORK: 'eip155:84532',
    PRICE: '0.001',
    RULES: rules,
  })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.policy.rules
}

const segment = fc.constantFrom(
  'a',
  'b',
  'news',
  'caf%C3%A9',
  'a-long-name-that-goes-beyond-what-the-index-keeps-of-it',
)
const path = fc
  .array(segment, { maxLength: 4 })
  .chain((segments) => fc.constantFrom(`/${segments.join('/')}`, `/${segments.join('/')}.html`))
const pattern = fc
  .array(fc.oneof(segment, fc.constantFrom('*', 'a*', '*b', 'n*s', '*.html')), { minLength: 1, maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`)
const name = fc.constantFrom(...crawlers.slice(0, 20).map((crawler) => crawler.name), 'AcmeBot')
const word = fc.oneof(
  fc.constantFrom('crawlers', 'readers', 'everyone', ...CRAWLER_CLASSES),
  name.map((one) => `agent:${one}`),
  fc.constantFrom('agent:acmebot/1.0', 'GPTBOT'),
)
const rule = fc.record(
  {
    path: pattern,
    who: fc.array(word, { minLength: 1, maxLength: 3 }),
    method: fc.constantFrom('GET', 'POST'),
    query: fc.constantFrom('none', 'any'),
    action: fc.constantFrom('charge', 'allow', 'block'),
  },
  { requiredKeys: ['action'] },
)
const asker: fc.Arbitrary<Asker> = fc.oneof(
  fc.constant<Asker>({ kind: 'reader', reasons: [] }),
  fc
    .record(
      {
        name,
        class: fc.constantFrom(...CRAWLER_CLASSES),
        claim: fc.constantFrom('confirmed', 'refuted', 'unknown'),
      },
      { requiredKeys: ['class', 'claim'] },
    )
    .map((rest) => ({ kind: 'crawler', reasons: [], ...rest }) as Asker),
)

function factsOf(path: string, asker: Asker): Facts {
  return { method: 'GET', path: { match: decodeURIComponent(path), search: '' }, asker }
}

describe('compileSearch', () => {
  it('finds the first rule that covers a request, as trying all in order does', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 160 }),
        fc.array(fc.tuple(path, asker), { minLength: 1, maxLength: 20 }),
        (written, requests) => {
          const rules = rulesOf(written)
          const [search, plain] = [compileSearch(rules), scan(rules)]
          for (const [path, asker] of requests) {
            const facts = factsOf(path, asker)
            expect(search(facts)?.decision.why).toBe(plain(facts)?.decision.why)
          }
        },
      ),
      { numRuns: runs(200) },
    )
  })

  it('finds nothing among rules that cover nothing', () => {
    const rules = rulesOf(Array.from({ length: 200 }, (_, at) => ({ path: `/a/${at}`, action: 'block' })))
    expect(compileSearch(rules)(factsOf('/a', { kind: 'reader', reasons: [] }))).toBeUndefined()
  })

  it('tries few of 10,000 rules, whether they differ by folder, ending, name or client', () => {
    const names = crawlers.map((crawler) => crawler.name)
    const many = (make: (at: number) => object) =>
      rulesOf(Array.from({ length: 10_000 }, (_, at) => ({ action: 'block', ...make(at) })))
    const lists = [
      many((at) => ({ path: `/section-${at}/*` })),
      many((at) => ({ path: `/articles/${at}` })),
      many((at) => ({ path: `/articles/story-${at}*` })),
      many((at) => ({ path: `/*-${at}.html` })),
      many((at) => ({ path: `/*/${at % 100}/x`, who: names[at % 200] ?? 'GPTBot' })),
      many((at) => ({ path: '/*/x', who: `agent:bot-${at}` })),
    ]
    for (const rules of lists) {
      let tried = 0
      const counted = rules.map(({ conditions, scope }) => ({
        scope,
        conditions: [() => ++tried > 0, ...conditions],
      }))
      compileSearch(counted)(factsOf('/section-9999/99/x', crawlerAsker('AcmeBot')))
      expect(tried).toBeLessThan(20)
    }
  })
})

function crawlerAsker(name: string): Asker {
  return { kind: 'crawler', name, class: 'other', claim: 'unknown', reasons: [] } as Asker
}
