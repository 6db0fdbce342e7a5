import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, type Hex, isHex, toHex, writeHex } from '../../../src/protocol/evm/hex.ts'

describe('hex codec', () => {
  it('reads back the bytes that it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes)
      }),
    )
  })

  it('reads upper case like lower case', () => {
    expect(fromHex('0xABCDEF')).toEqual(fromHex('0xabcdef'))
  })

  it('writes into a buffer at an offset and nowhere else', () => {
    const buffer = new Uint8Array(4).fill(7)
    writeHex('0x0102', buffer, 1)
    expect([...buffer]).toEqual([7, 1, 2, 7])
  })

  it.each(['', '0x', '0x0', '0x001', '00', '0Xff', '0xfg', '0xff ', '0xff\n', 'xff0'])(
    'rejects %j as one byte',
    (text) => {
      expect(isHex(text, 1)).toBe(false)
    },
  )

  it('accepts hex that the platform writes', () => {
    const hex = `0x${(255).toString(16)}` as Hex
    expect(isHex(hex, 1)).toBe(true)
    expect([...fromHex(hex)]).toEqual([255])
  })
})
