import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clamped, microUsd, quantized, rounded } from '../../../src/paywall/terms/amounts.ts'

const amount = fc.bigInt({ min: 0n, max: 10n ** 18n })

describe('rounded', () => {
  it.each([
    [0n, 10n, 0n],
    [1n, 10n, 1n],
    [14n, 10n, 1n],
    [15n, 10n, 2n],
    [25n, 10n, 3n],
    [24n, 10n, 2n],
  ])('returns %s / %s as %s', (numerator, denominator, expected) => {
    expect(rounded(numerator, denominator)).toBe(expected)
  })

  it('is at most half a unit away from the quotient, or 1', () => {
    fc.assert(
      fc.property(amount, fc.bigInt({ min: 1n, max: 10n ** 9n }), (numerator, denominator) => {
        const twice = 2n * (rounded(numerator, denominator) * denominator - numerator)
        const isLeast = numerator > 0n && rounded(numerator, denominator) === 1n
        return isLeast || (twice <= denominator && twice > -denominator)
      }),
    )
  })
})

describe('quantized', () => {
  it.each([
    [0n, 0n],
    [999n, 999n],
    [1234n, 1230n],
    [1235n, 1240n],
    [9996n, 10_000n],
    [123_456_789n, 123_000_000n],
  ])('makes %s a price of %s', (price, expected) => {
    expect(quantized(price)).toBe(expected)
  })

  it('changes nothing when it is applied again', () => {
    fc.assert(fc.property(amount, (price) => quantized(quantized(price)) === quantized(price)))
  })

  it('leaves at most 900 prices of each length', () => {
    const prices = new Set(Array.from({ length: 90_000 }, (_, at) => quantized(BigInt(at + 10_000))))
    expect(prices.size).toBe(901)
  })
})

describe('clamped', () => {
  it('never leaves the range', () => {
    fc.assert(
      fc.property(amount, amount, amount, (price, one, other) => {
        const [least, most] = one < other ? [one, other] : [other, one]
        const result = clamped(price, least, most)
        return result >= least && result <= most
      }),
    )
  })
})

describe('microUsd', () => {
  it.each([
    ['0.05', 50_000n],
    ['0', 0n],
    ['0.0000014', 1n],
    ['0.0000015', 2n],
    ['0.0000000001', 1n],
    ['-1', undefined],
    ['1e-3', undefined],
    ['.5', undefined],
    ['', undefined],
  ])('reads "%s" as %s', (text, expected) => {
    expect(microUsd(text)).toBe(expected)
  })
})
