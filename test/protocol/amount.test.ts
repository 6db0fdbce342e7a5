import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  MAX_AMOUNT,
  padAmount,
  parseAmount,
  parseUsd,
  showUsd,
  unpadAmount,
} from '../../src/protocol/amount.ts'

const amounts = fc.bigInt({ min: 0n, max: MAX_AMOUNT })

describe('amount codec', () => {
  it.each([
    '',
    ' ',
    '01',
    '1e3',
    '0x10',
    '0b11',
    ' 5',
    '5 ',
    '5\n',
    '-1',
    '-0',
    '+1',
    '1.0',
    '1_000',
    '٣',
    'NaN',
  ])('rejects %j as an amount [B8]', (text) => {
    expect(parseAmount(text)).toBeUndefined()
  })

  it('accepts 2^128-1 and rejects 2^128 [B8]', () => {
    expect(parseAmount((MAX_AMOUNT + 1n).toString())).toBeUndefined()
    expect(parseAmount(MAX_AMOUNT.toString())).toBe(MAX_AMOUNT)
    expect(parseAmount('9'.repeat(40))).toBeUndefined()
  })

  it('reads every amount that it writes', () => {
    fc.assert(fc.property(amounts, (amount) => parseAmount(amount.toString()) === amount))
  })

  it('accepts only the canonical text of an amount', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789ex+-. ') }), (text) => {
        const amount = parseAmount(text)
        return amount === undefined || amount.toString() === text
      }),
    )
  })

  it('orders padded amounts as text like numbers', () => {
    fc.assert(fc.property(amounts, amounts, (a, b) => padAmount(a) < padAmount(b) === a < b))
  })

  it('reads every padded amount that it writes', () => {
    fc.assert(fc.property(amounts, (amount) => unpadAmount(padAmount(amount)) === amount))
  })

  it('throws for padding an invalid amount and for reading an unpadded one', () => {
    expect(() => padAmount(-1n)).toThrow(RangeError)
    expect(() => padAmount(MAX_AMOUNT + 1n)).toThrow(RangeError)
    expect(() => unpadAmount('1')).toThrow(RangeError)
  })

  it.each([
    ['0.000001', 1n],
    ['0.001', 1000n],
    ['1', 1_000_000n],
    ['12.5', 12_500_000n],
    ['0', 0n],
  ])('reads %s USD as %d atomic units', (text, amount) => {
    expect(parseUsd(text)).toBe(amount)
  })

  it.each(['', '.5', '1.', '01', '1.0000001', '-1', '$1', '1e3', '1,5'])('rejects %j as a price', (text) => {
    expect(parseUsd(text)).toBeUndefined()
  })

  it('shows at least cents, and millionths where needed', () => {
    expect(showUsd(1000n)).toBe('$0.001')
    expect(showUsd(1n)).toBe('$0.000001')
    expect(showUsd(1_500_000n)).toBe('$1.50')
    expect(showUsd(0n)).toBe('$0.00')
  })
})
