import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import { describeFaults, type Fault } from '../../src/config/problem.ts'
import type { Policy } from '../../src/paywall/policy.ts'

const TERMS = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.001',
}

function read(terms: object): Policy {
  const result = parsePolicy({ ...TERMS, ...terms })
  if (!result.ok) throw new Error(describeFaults(result.faults))
  return result.policy
}

function faults(terms: unknown): Fault[] {
  const result = parsePolicy(terms)
  return result.ok ? [] : result.faults
}

function faultTexts(terms: object): string[] {
  return faults({ ...TERMS, ...terms }).map(({ place, fault }) => `${place} ${fault}`)
}

describe('parsePolicy', () => {
  it('returns a policy for valid terms', () => {
    expect(read({ NAME: 'The Daily', DESCRIPTION: 'Nachrichten aus Köln' })).toMatchObject({
      origin: { kind: 'url', url: new URL('https://origin.example') },
      receiver: '0x209693bc6afc0c5328ba36faf03c514ef312287c',
      network: { id: 'eip155:84532' },
      fallback: { price: 1000n, schemes: ['channel', 'exact'] },
      rules: [],
      name: 'The Daily',
      description: 'Nachrichten aus Köln',
    })
  })

  it('accepts JSON text, as `wrangler --var` gives it', () => {
    const policy = read({
      SCHEMES: '["exact"]',
      RULES: '[{"path":"/a","action":"allow"}]',
      SITEMAP: '["/map.xml"]',
    })
    expect(policy).toMatchObject({
      fallback: { schemes: ['exact'] },
      rules: [{ decision: { action: 'allow' } }],
    })
    expect(policy.sitemaps).toHaveLength(1)
  })

  it('accepts a service binding or the Worker itself as the origin', () => {
    expect(read({ ORIGIN: 'binding:SITE' }).origin).toEqual({ kind: 'binding', name: 'SITE' })
    expect(read({ ORIGIN: 'self' }).origin).toEqual({ kind: 'self' })
  })

  it('accepts prices down to a millionth of a dollar', () => {
    expect(read({ PRICE: '0.000001' }).fallback.price).toBe(1n)
  })

  it('accepts an address in one case, without a checksum', () => {
    const receiver = TERMS.RECEIVER.toLowerCase()
    expect(read({ RECEIVER: receiver }).receiver).toBe(receiver)
    expect(read({ RECEIVER: `0x${receiver.slice(2).toUpperCase()}` }).receiver).toBe(receiver)
  })
})

describe('parsePolicy with wrong terms', () => {
  it.each([
    [{ ORIGIN: 'origin.example' }, 'ORIGIN is no http(s) URL'],
    [{ ORIGIN: 'ftp://origin.example' }, 'ORIGIN is no http(s) URL'],
    [{ ORIGIN: 'https://origin.example/base' }, 'ORIGIN has a path or a query'],
    [{ ORIGIN: 'https://me:secret@origin.example' }, 'ORIGIN carries a password'],
    [{ ORIGIN: 'binding:' }, 'ORIGIN is no http(s) URL'],
    [{ RECEIVER: '0x1234' }, 'RECEIVER is no address'],
    [{ RECEIVER: `0x${'0'.repeat(40)}` }, 'RECEIVER is the zero address'],
    [
      { RECEIVER: '0x209693bc6afc0C5328bA36FaF03C514EF312287C' },
      'RECEIVER has a wrong checksum: a digit is mistyped',
    ],
    [
      { RECEIVER: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' },
      'RECEIVER is a contract of the network, and what it is paid is lost',
    ],
    [{ NETWORK: 'base' }, 'NETWORK is no known network'],
    [{ PRICE: 0.001 }, 'PRICE is not a quoted text'],
    [{ PRICE: '0' }, 'PRICE is zero'],
    [{ PRICE: '0.0000001' }, 'PRICE is no amount of USD'],
    [{ PRICE: '$1' }, 'PRICE is no amount of USD'],
    [{ PRICE: '-1' }, 'PRICE is no amount of USD'],
    [{ PRICE: '1e-3' }, 'PRICE is no amount of USD'],
    [{ SCHEMES: [] }, 'SCHEMES is an empty list'],
    [{ SCHEMES: ['upto'] }, 'SCHEMES[0] is no scheme'],
    [{ SCHEMES: ['exact', 'exact'] }, 'SCHEMES names a scheme twice'],
    [{ RULES: {} }, 'RULES is not a list'],
    [{ RULES: '[{"action":' }, 'RULES is not a list'],
    [{ RULES: [1] }, 'RULES[0] is no rule'],
    [{ RULES: [{}] }, 'RULES[0].action is missing'],
    [{ RULES: [{ action: 'pay' }] }, 'RULES[0].action is no action'],
    [{ RULES: [{ action: 'allow', path: 'a' }] }, 'RULES[0].path is no path pattern'],
    [{ RULES: [{ action: 'allow', path: '/a/../b' }] }, 'RULES[0].path is no path pattern'],
    [{ RULES: [{ action: 'allow', path: '/a?b' }] }, 'RULES[0].path is no path pattern'],
    [{ RULES: [{ action: 'allow', method: 'HEAD' }] }, 'RULES[0].method[0] is no method of a rule'],
    [{ RULES: [{ action: 'allow', who: 'GTPBot' }] }, 'RULES[0].who[0] names no known crawler or class'],
    [{ RULES: [{ action: 'allow', who: [] }] }, 'RULES[0].who is an empty list'],
    [
      { RULES: [{ action: 'block', who: ['search', 'Google-Extended'] }] },
      'RULES[0].who[1] names a token of robots.txt that no request carries (Googlebot fetches for it)',
    ],
    [{ RULES: [{ action: 'charge', price: '0' }] }, 'RULES[0].price is zero'],
    [{ RULES: [{ action: 'allow', price: '1' }] }, 'RULES[0].price has no meaning here'],
    [{ RULES: [{ action: 'block', schemes: ['exact'] }] }, 'RULES[0].schemes has no meaning here'],
    [{ RULES: [{ action: 'charge', pirce: '1' }] }, 'RULES[0].pirce is no known term'],
    [{ PAYTO: TERMS.RECEIVER }, 'PAYTO is no known term'],
    [{ SITEMAP: ['sitemap.xml'] }, 'SITEMAP[0] is no path pattern'],
    [{ NAME: 'x'.repeat(33) }, 'NAME is too long'],
    [{ NAME: 'Zeitung für alle' }, 'NAME is empty or has characters that do not print'],
    [{ DESCRIPTION: 'two\nlines' }, 'DESCRIPTION is empty or has characters that do not print'],
    [{ DESCRIPTION: 'ö'.repeat(101) }, 'DESCRIPTION is too long'],
  ])('rejects %j', (terms, fault) => {
    expect(faultTexts(terms)).toEqual([fault])
  })

  it('reports all faults at once, each with its place', () => {
    expect(
      faults({
        ORIGIN: 1,
        PRICE: 'free',
        SCHEMES: ['upto', 'exact'],
        RULES: [
          { action: 'charge', price: '0', pirce: '1', cost: '2' },
          { action: 'allow', who: ['unknown', 'GPTBot', 'no one'] },
          { action: 'block', path: '//', schemes: 'exact' },
        ],
      }).map(({ place }) => place),
    ).toEqual(
      expect.arrayContaining([
        'ORIGIN',
        'RECEIVER',
        'NETWORK',
        'PRICE',
        'SCHEMES[0]',
        'RULES[0].price',
        'RULES[0].pirce',
        'RULES[0].cost',
        'RULES[1].who[0]',
        'RULES[1].who[2]',
        'RULES[2].path',
        'RULES[2].schemes',
      ]),
    )
  })

  it('states for each fault the expected value', () => {
    const [missing, unknown] = faults({
      ...TERMS,
      PRICE: undefined,
      RULES: [{ action: 'allow', PRICE: '1' }],
    })
    expect(missing).toEqual({
      place: 'PRICE',
      fault: 'is missing',
      want: 'USD as a quoted decimal, at least "0.000001"',
    })
    expect(unknown?.want).toBe('a list of rules with the terms path, method, who, action, price, schemes')
  })

  it('describes each fault on one line', () => {
    expect(describeFaults(faults({ ...TERMS, PRICE: '0', NETWORK: 'x' })).split('\n')).toHaveLength(2)
  })

  it('never repeats a value', () => {
    const secret = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
    for (const place of ['ORIGIN', 'RECEIVER', 'NETWORK', 'PRICE', 'SCHEMES', 'RULES', 'SITEMAP']) {
      const text = describeFaults(faults({ ...TERMS, [place]: secret }))
      expect(text).toContain(place)
      expect(text).not.toContain(secret.slice(2, 20))
    }
  })

  it('returns faults for any value and never throws', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (terms) => {
        expect(faults(terms).length).toBeGreaterThan(0)
      }),
    )
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(TERMS), 'RULES', 'SCHEMES'), fc.anything()),
        (terms) => {
          expect(() => parsePolicy({ ...TERMS, ...terms })).not.toThrow()
        },
      ),
    )
  })
})
