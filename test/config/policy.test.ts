import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import type { Policy } from '../../src/paywall/policy.ts'
import { type ConfigProblem, describeProblems } from '../../src/platform/problem.ts'

const TERMS = {
  ORIGIN: 'https://origin.example',
  RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  NETWORK: 'eip155:84532',
  PRICE: '0.001',
}

function read(terms: object): Policy {
  const result = parsePolicy({ ...TERMS, ...terms })
  if (!result.ok) throw new Error(describeProblems(result.problems))
  return result.policy
}

function problems(terms: unknown): ConfigProblem[] {
  const result = parsePolicy(terms)
  return result.ok ? [] : result.problems
}

function problemTexts(terms: object): string[] {
  return problems({ ...TERMS, ...terms }).map(({ place, message }) => `${place} ${message}`)
}

describe('parsePolicy', () => {
  it('returns a policy for valid terms', () => {
    expect(read({ NAME: 'The Daily', DESCRIPTION: 'Nachrichten aus Köln' })).toMatchObject({
      origin: { kind: 'url', url: new URL('https://origin.example') },
      receiver: '0x209693bc6afc0c5328ba36faf03c514ef312287c',
      networks: [{ id: 'eip155:84532' }],
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

  it('accepts the zone, a service binding or the Worker itself as the origin', () => {
    expect(read({ ORIGIN: 'zone' }).origin).toEqual({ kind: 'zone' })
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
    [
      { ORIGIN: 'origin.example' },
      'ORIGIN must be "zone", the URL of the protected server without a path, "binding:NAME" or "self"',
    ],
    [
      { ORIGIN: 'ftp://origin.example' },
      'ORIGIN must be "zone", the URL of the protected server without a path, "binding:NAME" or "self"',
    ],
    [{ ORIGIN: 'https://origin.example/base' }, 'ORIGIN must be a URL without a path or query'],
    [{ ORIGIN: 'https://me:secret@origin.example' }, 'ORIGIN must be a URL without user name and password'],
    [
      { ORIGIN: 'binding:' },
      'ORIGIN must be "zone", the URL of the protected server without a path, "binding:NAME" or "self"',
    ],
    [{ RECEIVER: '0x1234' }, 'RECEIVER must be the address that receives payments: 0x and 40 hex digits'],
    [{ RECEIVER: `0x${'0'.repeat(40)}` }, 'RECEIVER must be your own address, not the zero address'],
    [
      { RECEIVER: '0x209693bc6afc0C5328bA36FaF03C514EF312287C' },
      'RECEIVER must have a valid checksum: a digit is mistyped',
    ],
    [
      { RECEIVER: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' },
      'RECEIVER must be your own address: payments to a contract of the network are lost',
    ],
    [{ NETWORK: 'base' }, 'NETWORK must be one of eip155:8453, eip155:84532'],
    [{ PRICE: 0.001 }, 'PRICE must be USD in quotes, at least "0.000001"'],
    [{ PRICE: '0' }, 'PRICE must be USD in quotes, at least "0.000001"'],
    [{ PRICE: '0.0000001' }, 'PRICE must be USD in quotes, at least "0.000001"'],
    [{ PRICE: '$1' }, 'PRICE must be USD in quotes, at least "0.000001"'],
    [{ PRICE: '-1' }, 'PRICE must be USD in quotes, at least "0.000001"'],
    [{ PRICE: '1e-3' }, 'PRICE must be USD in quotes, at least "0.000001"'],
    [{ SCHEMES: [] }, 'SCHEMES must have at least one item'],
    [{ SCHEMES: ['upto'] }, 'SCHEMES[0] must be "channel", "exact" or "credit"'],
    [{ SCHEMES: ['exact', 'exact'] }, 'SCHEMES must list each scheme once'],
    [{ RULES: {} }, 'RULES must be a list of rules'],
    [{ RULES: '[{"action":' }, 'RULES must be a list of rules'],
    [{ RULES: [1] }, 'RULES[0] must be a table with an action'],
    [{ RULES: [{}] }, 'RULES[0].action must be set: "charge", "allow" or "block"'],
    [{ RULES: [{ action: 'pay' }] }, 'RULES[0].action must be "charge", "allow" or "block"'],
    [{ RULES: [{ action: 'allow', path: 'a' }] }, 'RULES[0].path must be a path pattern'],
    [{ RULES: [{ action: 'allow', path: '/a/../b' }] }, 'RULES[0].path must be a path pattern'],
    [{ RULES: [{ action: 'allow', path: '/a?b' }] }, 'RULES[0].path must be a path pattern'],
    ...[1, '', 'page', [], [''], ['x'.repeat(65)], { page: 1 }].map((query): [object, string] => [
      { RULES: [{ action: 'allow', query }] },
      `RULES[0].query${Array.isArray(query) && query.length > 0 ? '[0]' : ''} must be "none", "any" or, with action "allow", a list of parameters`,
    ]),
    ...['charge', 'block'].map((action): [object, string] => [
      { RULES: [{ action, query: ['page'] }] },
      'RULES[0].query must be "none" or "any": only action "allow" may list parameters',
    ]),
    [
      { RULES: [{ action: 'allow', method: 'HEAD' }] },
      'RULES[0].method[0] must be GET, POST, PUT, PATCH, DELETE or a list of them (GET includes HEAD)',
    ],
    [
      { RULES: [{ action: 'allow', who: 'GTPBot' }] },
      'RULES[0].who[0] must be a known crawler, a class or agent:NAME',
    ],
    [{ RULES: [{ action: 'allow', who: [] }] }, 'RULES[0].who must have at least one item'],
    [
      { RULES: [{ action: 'block', who: ['search', 'Google-Extended'] }] },
      'RULES[0].who[1] must name a crawler that sends requests: Googlebot fetches for this token of robots.txt',
    ],
    [
      { RULES: [{ action: 'charge', price: '0' }] },
      'RULES[0].price must be USD in quotes, at least "0.000001", or "origin"',
    ],
    [
      { RULES: [{ action: 'allow', price: '1' }] },
      'RULES[0].price must be removed: only action "charge" uses it',
    ],
    [
      { RULES: [{ action: 'block', schemes: ['exact'] }] },
      'RULES[0].schemes must be removed: only action "charge" uses it',
    ],
    [
      { RULES: [{ action: 'charge', pirce: '1' }] },
      'RULES[0].pirce must be removed or renamed to one of path, query',
    ],
    [{ PAYTO: TERMS.RECEIVER }, 'PAYTO must be removed or renamed to one of ORIGIN, RECEIVER'],
    [{ PRESET: 'Publisher' }, 'PRESET must be "none" or "publisher" or "api"'],
    [{ PATHS: 'loose' }, 'PATHS must be "strict" or "literal"'],
    [{ SITEMAP: ['sitemap.xml'] }, 'SITEMAP[0] must be a path pattern or a list of them'],
    [{ NAME: 'x'.repeat(33) }, 'NAME must be 1 to 32 printable ASCII characters'],
    [{ NAME: 'Zeitung für alle' }, 'NAME must be 1 to 32 printable ASCII characters'],
    [{ DESCRIPTION: 'two\nlines' }, 'DESCRIPTION must be 1 to 200 bytes of text in one line'],
    [{ DESCRIPTION: 'ö'.repeat(101) }, 'DESCRIPTION must be 1 to 200 bytes of text in one line'],
  ])('rejects %j', (terms, message) => {
    expect(problemTexts(terms)).toEqual([expect.stringContaining(message)])
  })

  it('reports all problems at once, each with its place', () => {
    expect(
      problems({
        ORIGIN: 1,
        PRICE: 'free',
        SCHEMES: ['upto', 'exact'],
        PRESET: 'all',
        PATHS: 'loose',
        SITEMAP: ['/map.xml', 'map.xml'],
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
        'PRESET',
        'PATHS',
        'SITEMAP[1]',
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

  it('states for each problem the expected value', () => {
    const [missing, unknown] = problems({
      ...TERMS,
      PRICE: undefined,
      RULES: [{ action: 'allow', PRICE: '1' }],
    })
    expect(missing).toEqual({
      place: 'PRICE',
      message: 'must be set: USD in quotes, at least "0.000001"',
      example: '"0.002"',
    })
    expect(unknown).toEqual({
      place: 'RULES[0].PRICE',
      message: expect.stringMatching(/^must be removed or renamed to one of path, .*, action, price, /),
    })
  })

  it('describes each problem on one line', () => {
    expect(describeProblems(problems({ ...TERMS, PRICE: '0', NETWORK: 'x' })).split('\n')).toHaveLength(2)
  })

  it('never repeats a value', () => {
    const secret = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
    for (const place of ['ORIGIN', 'RECEIVER', 'NETWORK', 'PRICE', 'SCHEMES', 'RULES', 'SITEMAP']) {
      const text = describeProblems(problems({ ...TERMS, [place]: secret }))
      expect(text).toContain(place)
      expect(text).not.toContain(secret.slice(2, 20))
    }
  })

  it('returns problems for any value and never throws', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (terms) => {
        expect(problems(terms).length).toBeGreaterThan(0)
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
