import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { periodOf } from '../../../src/ledger/billing/period.ts'
import type { PeriodKind } from '../../../src/ledger/billing/types.ts'

const DAY = 86_400_000

function idAt(kind: PeriodKind, text: string): string {
  return periodOf(kind, Date.parse(text)).id
}

describe('periodOf', () => {
  it.each<[PeriodKind, string, string]>([
    ['daily', '2026-11-21T00:00:00.000Z', '2026-11-21'],
    ['daily', '2026-11-21T23:59:59.999Z', '2026-11-21'],
    ['daily', '2026-11-22T00:00:00.000Z', '2026-11-22'],
    ['daily', '2028-02-29T12:00:00.000Z', '2028-02-29'],
    ['monthly', '2026-11-30T23:59:59.999Z', '2026-11'],
    ['monthly', '2026-12-31T23:59:59.999Z', '2026-12'],
    ['monthly', '2027-01-01T00:00:00.000Z', '2027-01'],
    ['monthly', '2028-02-29T23:59:59.999Z', '2028-02'],
    ['weekly', '2026-11-21T12:00:00.000Z', '2026-W47'],
    ['weekly', '2026-11-22T23:59:59.999Z', '2026-W47'],
    ['weekly', '2026-11-23T00:00:00.000Z', '2026-W48'],
    // Years begin and end in weeks of their neighbours (ISO 8601 §4.4).
    ['weekly', '2005-01-01T00:00:00.000Z', '2004-W53'],
    ['weekly', '2007-12-31T00:00:00.000Z', '2008-W01'],
    ['weekly', '2008-12-28T00:00:00.000Z', '2008-W52'],
    ['weekly', '2010-01-03T00:00:00.000Z', '2009-W53'],
    ['weekly', '2026-12-31T00:00:00.000Z', '2026-W53'],
    ['weekly', '2027-01-03T23:59:59.999Z', '2026-W53'],
    ['weekly', '2027-01-04T00:00:00.000Z', '2027-W01'],
  ])('%s at %s returns %s', (kind, at, id) => {
    expect(idAt(kind, at)).toBe(id)
  })

  it('returns days of 24 hours when clocks change', () => {
    for (const change of ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z', '2026-11-01T09:00:00Z']) {
      const { from, to } = periodOf('daily', Date.parse(change))
      expect(to - from).toBe(DAY)
    }
  })

  it('returns 29 days for February in leap years', () => {
    const days = (year: number) => {
      const { from, to } = periodOf('monthly', Date.UTC(year, 1, 10))
      return (to - from) / DAY
    }
    expect([2026, 2028, 2100, 2400].map(days)).toEqual([28, 29, 28, 29])
  })

  it('returns periods that contain their moment, begin at midnight and follow without gaps', () => {
    const kinds = fc.constantFrom<PeriodKind>('daily', 'weekly', 'monthly')
    const moments = fc.integer({ min: Date.UTC(1960, 0, 1), max: Date.UTC(2400, 0, 1) })
    fc.assert(
      fc.property(kinds, moments, (kind, at) => {
        const period = periodOf(kind, at)
        expect(period.from <= at && at < period.to).toBe(true)
        expect(Math.abs(period.from % DAY)).toBe(0)
        expect(periodOf(kind, period.from)).toEqual(period)
        expect(periodOf(kind, period.to - 1)).toEqual(period)
        const next = periodOf(kind, period.to)
        expect(next.from).toBe(period.to)
        expect(next.id > period.id).toBe(true)
      }),
    )
  })
})
