import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cutOff,
  dueDate,
  isAsked,
  owedOn,
  redeemedBy,
  stagesDue,
} from '../../../src/ledger/billing/dunning.ts'
import type { InvoiceStanding, Stage } from '../../../src/ledger/billing/types.ts'
import { invoiceOf, standingOf } from '../../billing/bills.ts'

const DAY = 86_400_000
const TERMS = { net: 14, pastDue: 3, suspended: 10, writtenOff: 90 }
const STAGES: Stage[] = ['open', 'due', 'past_due', 'suspended', 'written_off']
const ISSUED = Date.UTC(2028, 1, 15)

const PRESENTED = { reference: 'r', url: null, instructions: null }

function unpaid(parts: Partial<InvoiceStanding> = {}): InvoiceStanding {
  const invoice = invoiceOf({ issuedAt: ISSUED, dueAt: dueDate(ISSUED, TERMS) })
  return standingOf(invoice, { presented: PRESENTED, ...parts })
}

describe('stagesDue', () => {
  it.each([
    [14 * DAY - 1, []],
    [14 * DAY, ['due']],
    [17 * DAY - 1, ['due']],
    [17 * DAY, ['due', 'past_due']],
    [24 * DAY, ['due', 'past_due', 'suspended']],
    [104 * DAY, ['due', 'past_due', 'suspended', 'written_off']],
  ])('returns after %d ms, across February 29, %j', (since, stages) => {
    expect(stagesDue(unpaid(), TERMS, ISSUED + since)).toEqual(stages)
  })

  it('returns every stage once, in order, at or after its date, for any dates of runs', () => {
    const runs = fc.array(fc.integer({ min: 0, max: 20 * DAY }), { maxLength: 20 })
    const terms = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(90)).map(([pastDue, more, most]) => ({
      net: 14,
      pastDue,
      suspended: pastDue + more,
      writtenOff: pastDue + more + most,
    }))
    fc.assert(
      fc.property(runs, terms, (waits, dates) => {
        let [now, stage] = [ISSUED, 'open' as Stage]
        const taken: Stage[] = []
        for (const wait of waits) {
          now += wait
          const before = unpaid({ stage })
          for (const step of stagesDue(before, dates, now)) {
            taken.push(step)
            stage = step
          }
          expect(stagesDue(unpaid({ stage }), dates, now)).toEqual([])
        }
        expect(taken).toEqual(STAGES.slice(1, taken.length + 1))
        const reached = (days: number) => now >= ISSUED + (14 + days) * DAY
        expect(taken.includes('due')).toBe(reached(0))
        expect(taken.includes('past_due')).toBe(reached(dates.pastDue))
        expect(taken.includes('suspended')).toBe(reached(dates.suspended))
        expect(taken.includes('written_off')).toBe(reached(dates.writtenOff))
      }),
    )
  })

  it('returns nothing for a reached stage when the terms become longer', () => {
    const kinder = { ...TERMS, suspended: 60 }
    expect(stagesDue(unpaid({ stage: 'suspended' }), kinder, ISSUED + 30 * DAY)).toEqual([])
  })

  it('returns nothing for an invoice that was not submitted', () => {
    expect(stagesDue(unpaid({ presented: null }), TERMS, ISSUED + 400 * DAY)).toEqual([])
  })

  it('returns past_due at once when the payment failed [C13]', () => {
    const failed = unpaid({ failedAt: ISSUED })
    expect(stagesDue(failed, TERMS, ISSUED)).toEqual(['due', 'past_due'])
    expect(stagesDue({ ...failed, stage: 'past_due' }, TERMS, ISSUED)).toEqual([])
  })

  it('returns settled when payments and credit notes cover the total', () => {
    const { total } = unpaid()
    expect(stagesDue(unpaid({ paid: total }), TERMS, ISSUED)).toEqual(['settled'])
    expect(stagesDue(unpaid({ credited: total }), TERMS, ISSUED)).toEqual(['settled'])
    const both = unpaid({ paid: total - 1n, credited: 1n, stage: 'written_off' })
    expect(stagesDue(both, TERMS, ISSUED + 400 * DAY)).toEqual(['settled'])
    expect(stagesDue(unpaid({ paid: total - 1n }), TERMS, ISSUED)).toEqual([])
  })

  it('reopens a settled invoice when its payment is reversed [C13]', () => {
    const reopened = unpaid({ stage: 'settled', paid: 0n, failedAt: ISSUED })
    expect(stagesDue(reopened, TERMS, ISSUED)).toEqual(['open', 'due', 'past_due'])
  })
})

describe('cutOff', () => {
  it.each<[Stage, number | null, string | null]>([
    ['open', null, null],
    ['due', null, null],
    ['past_due', null, null],
    ['past_due', 1, 'payment_failed'],
    ['suspended', null, 'suspended'],
    ['written_off', null, 'suspended'],
    ['settled', 1, null],
  ])('for an invoice at stage %s with failedAt %j returns %j', (stage, failedAt, reason) => {
    expect(
      cutOff([
        { stage: 'settled', failedAt: null },
        { stage, failedAt },
      ]),
    ).toBe(reason)
  })
})

describe('isAsked', () => {
  it('asks about a written-off invoice after 0, 1, 2, 4, 8 … days; about any other, and one with a credit note, each time', () => {
    const dueAt = ISSUED
    const at = (day: number) => dueAt + (TERMS.writtenOff + day) * DAY
    const asked = (stage: Stage, credited = 0n) =>
      Array.from({ length: 70 }, (_, day) => day).filter((day) =>
        isAsked({ stage, dueAt, credited }, TERMS, at(day)),
      )
    expect(asked('written_off')).toEqual([0, 1, 2, 4, 8, 16, 32, 64])
    expect(asked('suspended')).toHaveLength(70)
    expect(asked('written_off', 1n)).toHaveLength(70)
  })
})

describe('redeemedBy', () => {
  it('returns the net amount once nothing is owed, and never more', () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 12n })
    fc.assert(
      fc.property(amount, amount, amount, fc.bigInt({ min: 0n, max: 100n }), (net, vat, paid, percent) => {
        const creditedNet = (net * percent) / 100n
        const credited = creditedNet + (vat * percent) / 100n
        const invoice = { net, total: net + vat, paid, credited, creditedNet }
        const redeemed = redeemedBy(invoice)
        expect(redeemed).toBeGreaterThanOrEqual(0n)
        expect(redeemed).toBeLessThanOrEqual(net - creditedNet)
        if (owedOn(invoice) === 0n) expect(redeemed).toBe(net - creditedNet)
        expect(redeemedBy({ ...invoice, paid: paid + 1n })).toBeGreaterThanOrEqual(redeemed)
      }),
    )
  })
})
