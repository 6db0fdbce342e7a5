import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRanges, contains, keyOf, rangeOf } from '../../../src/identity/published/ranges.ts'

const octet = fc.integer({ min: 0, max: 255 })
const v4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'))
const group = fc.integer({ min: 0, max: 0xffff })
const v6 = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map((groups) => groups.map((value) => value.toString(16)).join(':'))
const prefix = fc.oneof(
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([address, length]) => `${address}/${length}`),
  fc.tuple(v6, fc.integer({ min: 0, max: 128 })).map(([address, length]) => `${address}/${length}`),
)

/** The bits of an address, family first, by another way than the module's. */
function bitsOf(address: string): string {
  const [family, parts, size] = address.includes(':')
    ? (['6', address.split(':').map((part) => Number.parseInt(part, 16)), 16] as const)
    : (['4', address.split('.').map(Number), 8] as const)
  return family + parts.map((part) => part.toString(2).padStart(size, '0')).join('')
}

function naive(prefixes: readonly string[], address: string): boolean {
  return prefixes.some((text) => {
    const [base = '', length] = text.split('/')
    return bitsOf(address).startsWith(bitsOf(base).slice(0, 1 + Number(length)))
  })
}

function compiled(prefixes: readonly string[]) {
  return compileRanges(prefixes.flatMap((text) => rangeOf(text) ?? []))
}

describe('contains', () => {
  it('finds exactly the addresses that a bitwise comparison finds', () => {
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 20 }), fc.oneof(v4, v6), (prefixes, address) => {
        const ranges = compiled(prefixes)
        const inside = prefixes.map((text) => text.split('/')[0] ?? '')
        for (const each of [address, ...inside])
          expect(contains(ranges, keyOf(each) ?? '')).toBe(naive(prefixes, each))
      }),
    )
  })

  it('includes the first and the last address of a prefix and neither neighbour', () => {
    const ranges = compiled(['192.0.2.64/26', '2001:db8::/32'])
    const found = (address: string) => contains(ranges, keyOf(address) ?? '')
    expect(['192.0.2.63', '192.0.2.64', '192.0.2.127', '192.0.2.128'].map(found)).toEqual([
      ...[false, true, true, false],
    ])
    expect(['2001:db7:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db8::', '2001:db9::'].map(found)).toEqual([
      ...[false, true, false],
    ])
  })

  it('finds nothing in an empty list', () => {
    expect(contains([], keyOf('192.0.2.1') ?? '')).toBe(false)
  })
})

describe('compileRanges', () => {
  it('joins prefixes that overlap or meet', () => {
    expect(compiled(['192.0.2.0/25', '192.0.2.128/25', '192.0.2.5', '192.0.3.0/24'])).toEqual([
      ...['4c0000200', '4c00003ff'],
    ])
  })

  it('sorts ranges and leaves a gap between any two', () => {
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 30 }), (prefixes) => {
        const ranges = compiled(prefixes)
        expect([...ranges].sort()).toEqual(ranges)
        expect(compiled([...prefixes].reverse())).toEqual(ranges)
      }),
    )
  })
})

describe('keyOf', () => {
  it.each([
    ['2001:db8::1', '620010db8000000000000000000000001'],
    ['::', `6${'0'.repeat(32)}`],
    ['::ffff:192.0.2.1', '4c0000201'],
    ['64:ff9b::192.0.2.33', '60064ff9b0000000000000000c0000221'],
    ['2001:DB8:0:0:0:0:0:1', '620010db8000000000000000000000001'],
  ])('reads %s', (address, key) => {
    expect(keyOf(address)).toBe(key)
  })

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '1.2.3.4 ',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
  ])('returns null for %j', (text) => {
    expect(keyOf(text)).toBeNull()
  })

  it.each(['1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', 'g::', '12345::', '::1.2.3', '1.2.3.4::'])(
    'returns null for the address %j of version 6',
    (text) => {
      expect(keyOf(text)).toBeNull()
    },
  )

  it('returns null or a key of one of two lengths for any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 50 }), (text) => {
        expect(keyOf(text) ?? `6${'0'.repeat(32)}`).toMatch(/^(?:4[0-9a-f]{8}|6[0-9a-f]{32})$/)
      }),
    )
  })
})

describe('rangeOf', () => {
  it('takes an address alone for one address', () => {
    expect(rangeOf('192.0.2.7')).toEqual({ from: '4c0000207', to: '4c0000207', length: 32 })
  })

  it.each([
    '192.0.2.0/33',
    '192.0.2.0/',
    '192.0.2.0/08',
    '2001:db8::/129',
    '192.0.2.0/24/24',
    '::ffff:192.0.2.0/96',
  ])('returns null for %j', (text) => {
    expect(rangeOf(text)).toBeNull()
  })
})
