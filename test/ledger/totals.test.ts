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

/** A payer who signs what is due, step by step; `delivered` are the prices of what was not taken back. */
function live(steps: Step[], check: (totals: Totals, delivered: bigint, before: Totals) => void) {
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

describe('the totals of any life', () => {
  it('keep authorized >= charged >= redeemed, and no credit while anything is owed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) =>
        live(steps, ({ authorized, charged, redeemed, credit }) => {
          expect(authorized >= charged && charged >= redeemed && redeemed >= 0n && credit >= 0n).toBe(true)
          expect(credit === 0n || charged === redeemed).toBe(true)
        }),
      ),
    )
  })

  it('owe exactly what was delivered: charged less credit', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) =>
        live(steps, ({ charged, credit }, delivered) => expect(charged - credit).toBe(delivered)),
      ),
    )
  })

  it('never lower what was promised', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) =>
        live(steps, ({ authorized }, _, before) => expect(authorized >= before.authorized).toBe(true)),
      ),
    )
  })

  it('come out the same whether a release or the claim it raced is known first', () => {
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

  it('take a release back to where the charge found them, while nothing was claimed between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), price, (steps, price) => {
        live(steps, (totals) => {
          const promised = authorize(totals, totals.charged + price)
          expect(release(charge(promised, price).totals, price)).toEqual(promised)
        })
      }),
    )
  })
})

describe('a charge', () => {
  it('uses up the credit first, and is due for the rest', () => {
    const credited = { authorized: 1000n, charged: 1000n, redeemed: 1000n, credit: 600n }
    expect(charge(authorize(credited, 2000n), 1000n)).toEqual({
      totals: { authorized: 2000n, charged: 1400n, redeemed: 1000n, credit: 0n },
      due: 400n,
    })
    expect(charge(credited, 600n)).toEqual({ totals: { ...credited, credit: 0n }, due: 0n })
  })

  it('beyond what was promised is a fault, never a debt', () => {
    expect(() => charge(NOTHING, 1n)).toThrow(InvariantFault)
    expect(() => charge({ ...NOTHING, authorized: 10n, charged: 10n }, 1n)).toThrow(InvariantFault)
  })
})

describe('a release', () => {
  it('of what was redeemed is a credit', () => {
    const paid = { authorized: 3000n, charged: 3000n, redeemed: 2500n, credit: 0n }
    expect(release(paid, 1000n)).toEqual({ authorized: 3000n, charged: 2500n, redeemed: 2500n, credit: 500n })
  })

  it('of more than was ever charged is a fault', () => {
    expect(() => release({ ...NOTHING, authorized: 5n, charged: 5n }, 6n)).toThrow(InvariantFault)
  })
})
