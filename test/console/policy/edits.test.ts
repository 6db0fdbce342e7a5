/** The edits of the policy editor: what a form makes of a document, and at which field a fault is shown. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  edited,
  faultsAt,
  faultsByRule,
  fieldsOf,
  noveltyOf,
  reordered,
  rulesOf,
} from '../../../src/console/pages/policy/edits.ts'
import { lineAt } from '../../../src/console/pages/policy/json-lines.ts'

const RULES = [
  { action: 'allow', path: '/press/*', who: 'search' },
  { action: 'charge', path: '/archive/*', price: '0.01', query: 'any' },
]
const document = {
  ...{ id: 'news', publisher: 'press', hosts: ['news.example'], via: 'hostname', mode: 'live' as const },
  terms: { PRICE: '0.002', RULES },
}

/** The document that a form makes, or its faults. */
function made(typed: Record<string, string>) {
  const result = edited(document, typed)
  return result.ok ? result.document : result.faults
}

describe('the form of a rule', () => {
  it('changes nothing when it is sent as it was shown', () => {
    for (const [at, rule] of RULES.entries())
      expect(made({ kind: 'rule', at: String(at), ...fieldsOf(rule) })).toEqual(document)
  })

  it('adds a rule at the end, with lists from words', () => {
    const typed = {
      kind: 'rule',
      at: 'new',
      action: 'block',
      who: 'training, GPTBot',
      more: '{"country":"DE"}',
    }
    expect(made(typed)).toMatchObject({
      terms: { RULES: [...RULES, { action: 'block', who: ['training', 'GPTBot'], country: 'DE' }] },
    })
  })

  it('takes further terms as JSON, and says where they are none', () => {
    expect(made({ kind: 'rule', at: '0', action: 'allow', more: '{\n"query": }' })).toEqual({
      more: 'line 2: must be JSON. Check quotes, commas and braces',
    })
  })
})

describe('the text of the editor', () => {
  it('is the whole document, and keeps its id', () => {
    expect(made({ kind: 'text', text: JSON.stringify({ ...document, mode: 'shadow' }) })).toEqual({
      ...document,
      mode: 'shadow',
    })
    expect(made({ kind: 'text', text: '{"id":"other"}' })).toEqual({
      text: 'id must be "news": it never changes',
    })
    expect(made({ kind: 'text', text: '[]' })).toHaveProperty('text')
  })
})

describe('the order of rules', () => {
  it('keeps every rule, whatever is moved', () => {
    const rules = fc.array(fc.record({ action: fc.constantFrom('allow', 'block'), path: fc.string() }))
    fc.assert(
      fc.property(rules, fc.constantFrom('up', 'down'), fc.nat(12), (all, act, at) => {
        const after = reordered(all, act, at)
        const texts = (some: object[]) => some.map((one) => JSON.stringify(one)).sort()
        expect(texts(after)).toEqual(texts(all))
      }),
    )
  })

  it('moves one rule by one place, and removes it', () => {
    expect(made({ kind: 'move', act: 'down 0' })).toMatchObject({ terms: { RULES: RULES.toReversed() } })
    expect(made({ kind: 'move', act: 'remove 1' })).toMatchObject({ terms: { RULES: RULES.slice(0, 1) } })
    expect(made({ kind: 'move', act: 'up 0' })).toEqual(document)
  })

  it('reads rules that a document holds as text, and none where it has none', () => {
    expect(rulesOf({ ...document, terms: { RULES: JSON.stringify(RULES) } })).toEqual(RULES)
    expect(rulesOf({ ...document, terms: {} })).toBeNull()
  })
})

describe('a fault of the validator', () => {
  const error = (path: string) => ({ path, message: 'must be right', expected: '"0.01"' })

  it('is shown at the field of the rule that is edited', () => {
    const paths = [
      'terms.RULES[1].price',
      'terms.RULES[1].who[0]',
      'terms.RULES[1].age.under',
      'terms.RULES[0].path',
    ]
    const faults = faultsAt(paths.map(error), { kind: 'rule', at: '1' }, document)
    expect(faults).toEqual({
      price: 'must be right. Example: "0.01"',
      who: 'must be right. Example: "0.01"',
      more: 'age must be right. Example: "0.01"',
      form: 'terms.RULES[0].path must be right. Example: "0.01"',
    })
  })

  it('is shown with its line in the text', () => {
    const text = JSON.stringify(document, null, 2)
    const faults = faultsAt([error('terms.RULES[1].price')], { kind: 'text', text }, document)
    const line = text.split('\n').findIndex((one) => one.includes('"0.01"')) + 1
    expect(faults.text).toBe(`line ${line}: terms.RULES[1].price must be right. Example: "0.01"`)
  })

  it('is listed at its rule in the table', () => {
    expect(faultsByRule([error('terms.RULES[1].who[0]'), error('hosts[0]')])).toEqual(
      new Map([[1, ['who[0] must be right']]]),
    )
  })
})

describe('the line of a place', () => {
  it('is found for every value of a document', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[A-Za-z]{1,8}$/), fc.array(fc.nat(9), { maxLength: 3 })),
        (value) => {
          const text = JSON.stringify(value, null, 2)
          const lines = text.split('\n')
          for (const [name, list] of Object.entries(value)) {
            expect(lines[(lineAt(text, name) ?? 0) - 1]).toContain(`"${name}"`)
            for (const [at, item] of list.entries())
              expect(lines[(lineAt(text, `${name}[${at}]`) ?? 0) - 1]).toContain(String(item))
          }
        },
      ),
    )
  })

  it('is that of the place around a value that is missing, and none in a text without it', () => {
    expect(lineAt('{\n "terms": {\n  "A": 1 } }', 'terms.PRICE')).toBe(2)
    expect(lineAt('{}', 'terms.PRICE')).toBeUndefined()
  })
})

describe('a rule of a draft', () => {
  it('is new or changed against the published ones', () => {
    const [first, second] = RULES
    expect(noveltyOf({ ...first }, RULES)).toBeNull()
    expect(noveltyOf({ ...second, price: '0.02' }, RULES)).toBe('changed')
    expect(noveltyOf({ action: 'block', path: '/x' }, RULES)).toBe('new')
  })
})
