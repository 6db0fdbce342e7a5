import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GAS, type GasUse, reasonOfDeclined, worthItsGas } from '../../../src/chain/relayer/gas-money.ts'
import { wire } from '../../../src/protocol/refusal.ts'

const USES = Object.keys(GAS) as GasUse[]
const WEI = 10n ** 18n
const FEE = fc.bigInt({ min: 0n, max: 10n ** 13n })
const PRICE = fc.bigInt({ min: 1n, max: 10n ** 12n })

describe('The least amount that is worth its gas', () => {
  it('covers the cost, and one unit less does not [H2, H5]', () => {
    fc.assert(
      fc.property(fc.constantFrom(...USES), FEE, PRICE, (use, fee, price) => {
        const least = worthItsGas(use, fee, price)
        const gas = GAS[use] + (use === 'deposit' ? GAS.claim : 0n)
        expect(least * WEI).toBeGreaterThanOrEqual(gas * fee * price)
        if (least > 0n) expect((least - 1n) * WEI).toBeLessThan(gas * fee * price)
      }),
    )
  })

  it('is $0.00225 for a transfer at 0.01 gwei and $3,000', () => {
    expect(worthItsGas('payment', 10_000_000n, 3_000_000_000n)).toBe(2_250n)
  })

  it('is nothing while no price of the native token is set', () => {
    for (const use of USES) expect(worthItsGas(use, 10n ** 12n, null)).toBe(0n)
  })
})

describe('A declined order', () => {
  it.each([
    ['below_gas', 'deposit', 'deposit_too_small', 402],
    ['below_gas', 'refund', 'refund_too_small', 402],
    ['below_gas', 'payment', 'exact_below_gas', 402],
    ['payer_budget', 'payment', 'gas_budget', 402],
    ['new_payers_budget', 'deposit', 'gas_unavailable', 503],
    ['reserve', 'refund', 'gas_unavailable', 503],
  ] as const)('for %s of a %s is refused as %s with %d', (declined, kind, reason, status) => {
    expect(reasonOfDeclined(declined, kind)).toBe(reason)
    expect(wire(reason).status).toBe(status)
  })
})
