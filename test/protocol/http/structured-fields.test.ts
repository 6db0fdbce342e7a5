import fc from 'fast-check'
import { parseDictionary, serializeDictionary } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import { bytesOf, readDictionary, readItem } from '../../../src/protocol/http/structured-fields.ts'
import { runs } from '../../runs.ts'

describe('readDictionary', () => {
  it.each([
    ['a=1', ['a']],
    ['a, b;x;y="1,2;3", c=("p" "q";z);w', ['a', 'b', 'c']],
    ['sig1=:AAEC:,\tsig2=:AwQ=:', ['sig1', 'sig2']],
    ['a="say \\"a, b\\"; c"', ['a']],
    ['', []],
  ])('reads %j as the members %j', (text, keys) => {
    expect([...(readDictionary(text)?.keys() ?? ['unreadable'])]).toEqual(keys)
  })

  it.each(['a=1, a=2', 'a;x=1;x=2', 'a=("p";z;z)', 'a=("p");w;w', 'a, b, a'])(
    'returns null for a repeated key or parameter: %j',
    (text) => {
      expect(parseDictionary(text)).toBeInstanceOf(Map)
      expect(readDictionary(text)).toBeNull()
    },
  )

  it.each(['a=', 'A=1', 'a=1,', ',a', 'a="', 'a=:A', '"a"', 'a=(', 'a=1 b=2', '\u00e9=1', 'a=%"x"'])(
    'returns null for %j',
    (text) => {
      expect(readDictionary(text)).toBeNull()
    },
  )

  it('reads its own output as the same dictionary', () => {
    const letters = fc.constantFrom(
      'a',
      'b',
      '=',
      '1',
      ',',
      ' ',
      ';',
      '"',
      '(',
      ')',
      ':',
      'AA==',
      '?1',
      '\\',
      '%',
    )
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 30 }), (parts) => {
        const dictionary = readDictionary(parts.join(''))
        if (!dictionary) return
        expect(readDictionary(serializeDictionary(dictionary))).toEqual(dictionary)
      }),
      { numRuns: runs(500) },
    )
  })

  it('never throws, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        readDictionary(text)
        readItem(text)
      }),
    )
  })
})

describe('readItem', () => {
  it('reads one item with its parameters and rejects a repeated one', () => {
    expect(readItem('"a;b";x=1')?.[0]).toBe('a;b')
    expect(readItem('"a";x;x')).toBeNull()
    expect(readItem('"a", "b"')).toBeNull()
  })
})

describe('bytesOf', () => {
  it('returns the bytes of a byte sequence, and null for other members', () => {
    const dictionary = readDictionary('a=:AAEC:, b="AAEC", c=(:AAEC:)')
    expect(bytesOf(dictionary?.get('a'))).toEqual(new Uint8Array([0, 1, 2]))
    for (const key of ['b', 'c', 'd']) expect(bytesOf(dictionary?.get(key))).toBeNull()
  })
})
