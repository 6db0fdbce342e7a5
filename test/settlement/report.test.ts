/** The record of a run keeps what its steps have found. */
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/ledger/book/finding.ts'
import { mergeFindings } from '../../src/settlement/findings.ts'
import { Report } from '../../src/settlement/report.ts'

const overpaid = (invoice: number): Finding => ({
  account: 'agent',
  what: 'overpaid',
  detail: `INV-${invoice} by 1`,
})

describe('Report', () => {
  it('names each of two overpaid invoices of one agent (seed 1719) [B4]', () => {
    const report = new Report()
    report.found([overpaid(1), { ...overpaid(9), account: 'other' }, overpaid(2)])
    expect(report.record().findings).toEqual({
      count: 2,
      list: [
        { account: 'agent', what: 'overpaid', detail: 'INV-1 by 1; INV-2 by 1' },
        { account: 'other', what: 'overpaid', detail: 'INV-9 by 1' },
      ],
    })
  })

  it('keeps what a later step has found of one kind about an account', () => {
    const report = new Report()
    report.found([overpaid(1)])
    report.found([overpaid(2)])
    expect(report.record().findings).toMatchObject({ count: 1, list: [overpaid(2)] })
  })
})

describe('mergeFindings', () => {
  it('names ten details, and the number of those beyond', () => {
    const details = (count: number) =>
      mergeFindings(Array.from({ length: count }, (_, at) => overpaid(at)))[0]?.detail.split('; ')
    expect(details(10)).toHaveLength(10)
    expect(details(12)?.slice(-2)).toEqual(['INV-9 by 1', 'and 2 more'])
  })

  it('names one detail once', () => {
    expect(mergeFindings([overpaid(1), overpaid(1)])).toEqual([overpaid(1)])
  })
})
