/** Gas limits and fees. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstFees, GAS_CAP, gasLimit, nextFees } from '../../../src/chain/relayer/gas.ts'

const wei = fc.bigInt({ min: 0n, max: 10n ** 12n })
const gas = fc.bigInt({ min: 21_000n, max: GAS_CAP })

describe('gasLimit', () => {
  it('exceeds the estimate and never exceeds the cap', () => {
    fc.assert(
      fc.property(gas, (estimate) => {
        const limit = gasLimit('0x', estimate)
        return limit <= GAS_CAP && (limit > estimate || limit === GAS_CAP)
      }),
    )
  })

  it.each([
    ['a sweep', '0x9db32a8f'],
    ['a deposit', '0x140f1e75'],
    ['a refund', '0xdce4bfae'],
    ['a claim with a refund', '0xac9650d8'],
    ['a transfer', '0xe3ee160e'],
  ] as const)('covers %s however low the estimate [F10]', (_, selector) => {
    expect(gasLimit(`${selector}00`, 25_216n)).toBeGreaterThanOrEqual(120_000n)
  })
})

describe('firstFees', () => {
  it('never exceed the maximum, and the tip never exceeds the fee', () => {
    fc.assert(
      fc.property(wei, wei, wei, (base, tip, most) => {
        const fees = firstFees(base, tip, most)
        return fees === undefined
          ? base > most
          : fees.maxFee <= most && fees.maxFee >= base && fees.tip <= fees.maxFee
      }),
    )
  })

  it('cover a doubling of the base fee', () => {
    expect(firstFees(100n, 7n, 1_000n)).toEqual({ maxFee: 207n, tip: 7n })
  })
})

describe('nextFees', () => {
  const fees = fc.record({ maxFee: wei, tip: wei })

  it('are at least a tenth above the last ones, as pools require, and within the maximum [F7]', () => {
    fc.assert(
      fc.property(fees, fees, wei, (last, now, most) => {
        const next = nextFees(last, now, most)
        if (next === undefined) return true
        const higher = next.maxFee * 10n >= last.maxFee * 11n && next.tip * 10n >= last.tip * 11n
        return higher && next.maxFee >= now.maxFee && next.maxFee <= most && next.tip <= next.maxFee
      }),
    )
  })

  it('are undefined when they would exceed the maximum [F7]', () => {
    expect(nextFees({ maxFee: 100n, tip: 1n }, { maxFee: 0n, tip: 0n }, 112n)).toBeUndefined()
    expect(nextFees({ maxFee: 100n, tip: 1n }, { maxFee: 0n, tip: 0n }, 113n)).toEqual({
      maxFee: 113n,
      tip: 2n,
    })
  })
})
