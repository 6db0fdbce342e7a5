/** How long an account waits before it reports a charge. */
import { describe, expect, it } from 'vitest'
import { FigureReports, REPORT_MS, STRETCHED_MS } from '../../../src/ledger/figures/report.ts'

const NOW = 10 * STRETCHED_MS

/** A journal with charges `agesMs` ago, the newest first. */
function delayOf(...agesMs: number[]): number {
  const journal = {
    last: () => agesMs.length,
    read: (from: number) => from,
    receipts: () => [],
    charged: () => 0n,
    earlier: (back: number) => (agesMs[back] === undefined ? null : NOW - agesMs[back]),
  }
  return new FigureReports({} as D1Database, journal, () => null).delayMs(NOW)
}

const every = (ms: number, count: number) => Array.from({ length: count }, (_, at) => at * ms)

describe('FigureReports.delayMs', () => {
  it.each([
    ['the first charge', [0], REPORT_MS],
    ['a charge more than five minutes after the last', [0, STRETCHED_MS + 1], REPORT_MS],
    ['a charge five minutes after the last', [0, STRETCHED_MS], STRETCHED_MS],
    ['one of 31 charges within a minute', every(2000, 31), REPORT_MS],
    ['one of 30 charges within a minute', every(2000, 30), STRETCHED_MS],
    ['one of 31 charges within more than a minute', every(2001, 31), STRETCHED_MS],
  ])('of %s', (_, ages, delay) => {
    expect(delayOf(...ages)).toBe(delay)
  })
})
