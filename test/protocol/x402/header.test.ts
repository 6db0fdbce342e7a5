import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeHeader, encodeHeader } from '../../../src/protocol/x402/header.ts'

const base64 = (json: string) => btoa(json)
const bytes = (...codes: number[]) => btoa(String.fromCharCode(...codes))
const malformed = { ok: false, refusal: { reason: 'malformed_payment' } }

describe('payment header codec', () => {
  it('decodes every value that it encodes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4, noUnicodeString: false }), (value) => {
        const wire = JSON.parse(JSON.stringify(value))
        if (JSON.stringify(wire).includes('"__proto__":')) return
        const header = encodeHeader(value)
        if (header.length > 8192) return
        expect(decodeHeader(header)).toEqual({ ok: true, value: wire })
      }),
    )
  })

  it('writes UTF-8, in standard base64 with padding', () => {
    expect(encodeHeader({ é: '𝄞' })).toBe('eyLDqSI6IvCdhJ4ifQ==')
    expect(encodeHeader('~~~?')).toMatch(/^[A-Za-z0-9+/]*={0,2}$/)
  })

  it('rejects 8193 characters and decodes 8192 [D13]', () => {
    expect(decodeHeader('A'.repeat(8193))).toMatchObject({
      ok: false,
      refusal: { reason: 'header_too_large' },
    })
    expect(decodeHeader('A'.repeat(1_000_000))).toMatchObject({
      ok: false,
      refusal: { reason: 'header_too_large' },
    })
    expect(decodeHeader(base64(JSON.stringify('a'.repeat(6142))))).toMatchObject({ ok: true })
  })

  it.each([
    ['', 'nothing'],
    ['eyJhIjoxfQ', 'padding left out'],
    ['eyJhIjoxfQ=', 'half of the padding'],
    ['eyJhIjoxfR==', 'stray bits in the tail'],
    ['eyJhIjox fQ==', 'a space inside'],
    [' eyJhIjoxfQ==', 'a space in front'],
    ['eyJhIjoxfQ==\t', 'a tab behind'],
    ['eyJhIjoxfQ==,eyJhIjoxfQ==', 'two headers in one'],
    ['IisvPz4_Ig==', 'the URL alphabet'],
    ['eyJhIjoxfQ===', 'too much padding'],
    ['é', 'a letter outside base64'],
    ['{"a":1}', 'JSON itself'],
  ])('rejects %j: %s [B8]', (text) => {
    expect(decodeHeader(text)).toMatchObject(malformed)
  })

  it.each([
    [base64('{"a":1,"a":2}'), 'a key written twice'],
    [base64('{"a":1,"\\u0061":2}'), 'a key written twice, once escaped'],
    [base64('[{"b":{"a":1,"a":1}}]'), 'a key written twice, deep inside'],
    [base64('{"__proto__":{"admin":true}}'), '__proto__'],
    [base64('{"x":{"__pro\\u0074o__":1}}'), '__proto__, escaped'],
    [base64('[[[[[[[[[1]]]]]]]]]'), 'nesting of nine'],
    [base64('{'), 'half of an object'],
    [base64('{"a":1}x'), 'something behind'],
    [base64('{a:1}'), 'a key without quotes'],
    [base64("{'a':1}"), 'the wrong quotes'],
    [base64('{"a":01}'), 'a number with a zero in front'],
    [base64('{"a":NaN}'), 'NaN'],
    [bytes(0xef, 0xbb, 0xbf, 0x31), 'a byte order mark'],
    [bytes(0x22, 0xff, 0x22), 'bytes that are not UTF-8'],
    [bytes(0x22, 0xc0, 0x80, 0x22), 'an overlong zero'],
    [bytes(0x22, 0xed, 0xa0, 0x80, 0x22), 'half of a surrogate pair'],
  ])('rejects the JSON in %s: %s [B8]', (text) => {
    expect(decodeHeader(text)).toMatchObject(malformed)
  })

  it('accepts one key in several objects, and colons, quotes and backslashes in strings', () => {
    const value = { a: { k: ':"\\":' }, b: { k: '\\' }, 'k:"': '{"k":1,"k":2}', c: [{ k: 1 }, { k: 2 }] }
    expect(decodeHeader(encodeHeader(value))).toEqual({ ok: true, value })
  })

  it('accepts a nesting of eight', () => {
    expect(decodeHeader(base64('[[[[[[[[1]]]]]]]]'))).toMatchObject({ ok: true })
  })

  it('returns a value or a refusal for any text and never throws [D13]', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.string().map((s) => btoa(encodeURI(s))),
        ),
        (text) => {
          expect(typeof decodeHeader(text).ok).toBe('boolean')
        },
      ),
    )
  })

  it('accepts only the canonical base64 of the bytes', () => {
    fc.assert(
      fc.property(
        fc.base64String({ maxLength: 40 }),
        fc.nat(40),
        fc.constantFrom(...'AQgw=+/ \n'),
        (text, at, letter) => {
          const changed = text.slice(0, at) + letter + text.slice(at)
          if (decodeHeader(changed).ok) expect(btoa(atob(changed))).toBe(changed)
        },
      ),
    )
  })
})
