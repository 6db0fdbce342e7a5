import { expect, it } from 'vitest'
import { Report } from '../../src/settlement/report.ts'

it('names each overpaid invoice of one agent in a run, and each one once (seed 1719)', () => {
  const report = new Report()
  const over = (invoice: string, by: number) => ({
    account: 'acme-bot',
    what: 'overpaid' as const,
    detail: `${invoice} by ${by}`,
    invoice,
  })
  report.found([over('INV-000001', 3), over('INV-000002', 5)])
  report.found([over('INV-000001', 4)])
  const { findings } = report.record()
  expect(findings).toEqual({ count: 2, list: [over('INV-000001', 4), over('INV-000002', 5)] })
})
