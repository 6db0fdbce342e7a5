import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { authorize, charge, InvariantFault, redeem, release, type Totals } from '../../src/ledger/totals.ts'

const NOTHING: Totals = { authorized: 0n, charged: 0n, redeemed: 0n, credit: 0n }

type Step =
  | { does: 'charge'; price: bigint }
  | { does: 'release'; which: number }
  | { does: 'claim'; share: number }
  | { does: 'reorganize' }

const price = fc.bigInt(1n, 5_000n)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: price.map((price) => ({ does: 'charge' as const, price })) },
  { weight: 2, arbitrary: fc.nat(30).map((which) => ({ does: 'release' as const, which })) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 100 }).map((share) => ({ does: 'claim' as const, share })),
  },
  { weight: 1, arbitrary: fc.constant({ does: 'reorganize' as const }) },
)

/** Applies `steps` for a payer who signs each amount due; `delivered` sums the prices that were not released. */
function applySteps(steps: Step[], check: (totals: Totals, delivered: bigint, before: Totals) => void) {
  let totals = NOTHING
  const kept: bigint[] = []
  for (const step of steps) {
    const before = totals
    if (step.does === 'charge') {
      totals = charge(authorize(totals, totals.charged + step.price), step.price).totals
      kept.push(step.price)
    } else if (step.does === 'release') {
      const [back] = kept.splice(step.which % Math.max(kept.length, 1), 1)
      if (back !== undefined) totals = release(totals, back)
    } else if (step.does === 'claim') {
      totals = redeem(
        totals,
        totals.redeemed + ((totals.charged - totals.redeemed) * BigInt(step.share)) / 100n,
      )
    } else {
      totals = redeem(totals, totals.redeemed / 2n)
    }
    check(
      totals,
      kept.reduce((sum, each) => sum + each, 0n),
      before,
    )
  }
}

describe('Totals after any steps', () => {
  it('keep authorized >= charged >= redeemed, and a balance only when nothing is owed [I1]', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) =>
        applySteps(steps, ({ authorized, charged, redeemed, credit }) => {
          expect(authorized >= charged && charged >= redeemed && redeemed >= 0n && credit >= 0n).toBe(true)
          expect(credit === 0n || charged === redeemed).toBe(true)
        }),
      ),
    )
  })

  it('have charged less balance equal to what was delivered [I1]', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) =>
        applySteps(steps, ({ charged, credit }, delivered) => expect(charged - credit).toBe(delivered)),
      ),
    )
  })

  it('never lower the authorized amount', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) =>
        applySteps(steps, ({ authorized }, _, before) => expect(authorized >= before.authorized).toBe(true)),
      ),
    )
  })

  it('are the same for a release before or after a concurrent claim', () => {
    fc.assert(
      fc.property(fc.array(price, { minLength: 1, maxLength: 10 }), fc.nat(9), (prices, which) => {
        let totals = NOTHING
        for (const each of prices) totals = charge(authorize(totals, totals.charged + each), each).totals
        const back = prices[which % prices.length] ?? 0n
        const claimed = totals.charged
        expect(redeem(release(totals, back), claimed)).toEqual(release(redeem(totals, claimed), back))
      }),
    )
  })

  it('return to their value before a charge when it is released before a claim', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), price, (steps, price) => {
        applySteps(steps, (totals) => {
          const promised = authorize(totals, totals.charged + price)
          expect(release(charge(promised, price).totals, price)).toEqual(promised)
        })
      }),
    )
  })
})

describe('charge', () => {
  it('uses the account balance first and returns the rest as due', () => {
    const credited = { authorized: 1000n, charged: 1000n, redeemed: 1000n, credit: 600n }
    expect(charge(authorize(credited, 2000n), 1000n)).toEqual({
      totals: { authorized: 2000n, charged: 1400n, redeemed: 1000n, credit: 0n },
      due: 400n,
    })
    expect(charge(credited, 600n)).toEqual({ totals: { ...credited, credit: 0n }, due: 0n })
  })

  it('throws InvariantFault beyond the authorized amount', () => {
    expect(() => charge(NOTHING, 1n)).toThrow(InvariantFault)
    expect(() => charge({ ...NOTHING, authorized: 10n, charged: 10n }, 1n)).toThrow(InvariantFault)
  })
})

describe('release', () => {
  it('turns a redeemed amount into account balance', () => {
    const paid = { authorized: 3000n, charged: 3000n, redeemed: 2500n, credit: 0n }
    expect(release(paid, 1000n)).toEqual({ authorized: 3000n, charged: 2500n, redeemed: 2500n, credit: 500n })
  })

  it('throws InvariantFault for more than was charged', () => {
    expect(() => release({ ...NOTHING, authorized: 5n, charged: 5n }, 6n)).toThrow(InvariantFault)
  })
})
