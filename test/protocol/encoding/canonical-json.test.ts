import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../../src/protocol/encoding/canonical-json.ts'

describe('canonicalJson', () => {
  it('sorts keys, writes no spaces, and writes amounts as strings', () => {
    expect(canonicalJson({ b: [1, { d: null, c: true }], a: 10n })).toBe(
      '{"a":"10","b":[1,{"c":true,"d":null}]}',
    )
  })

  it('sorts by UTF-16 code units, as RFC 8785 does', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6']
    const sorted = JSON.parse(canonicalJson(Object.fromEntries(keys.map((key) => [key, 0]))))
    expect(Object.keys(sorted)).toEqual(['1', '\r', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'])
  })

  it('writes the same JSON for any order of keys', () => {
    const plain = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
      ),
    })).value
    fc.assert(
      fc.property(plain, (value) => {
        const text = canonicalJson(value as null)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(JSON.parse(text))).toBe(text)
      }),
    )
  })

  it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'throws for %d, which readers could round',
    (number) => {
      expect(() => canonicalJson({ number })).toThrow(RangeError)
    },
  )
})
