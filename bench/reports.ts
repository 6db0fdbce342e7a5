/** Counts the rows of one account's reports of its charges, and of its hour's sums by name: what they add to a million paid requests. */
import * as v from 'valibot'
import { costPerMillion } from './cost.ts'
import { startWorker } from './runtime.ts'

const Rows = v.object({ rowsWritten: v.number(), rowsRead: v.number(), calls: v.number() })
const Counted = v.object({ report: v.object({ ...Rows.entries, milliseconds: v.number() }), hour: Rows })

/** One report of an account: how many charges share it, over how many paths, and the dollars that it adds to a million. */
export type Reporting = {
  perSecond: number
  charges: number
  paths: number
  rowsWritten: number
  dollars: number
}

/**
 * The charges that share a report, by the rate of an account: those of a minute, or of five where each has a path of its own
 * (`REPORT_MS`, `STRETCHED_MS` in src/ledger/figures/report.ts). More paths than D1 keeps apart are the worst case.
 */
const REPORTS = [
  { perSecond: 1, charges: 60, paths: 1 },
  { perSecond: 1, charges: 300, paths: 300 },
  { perSecond: 100, charges: 6000, paths: 300 },
] as const

/** The dearest report of each rate must cost at most as much, in dollars for a million requests. */
export const MOST_DOLLARS: Readonly<Record<number, number>> = { 1: 0.8, 100: 0.1 }

export async function countReports(): Promise<Reporting[]> {
  const counts: Reporting[] = []
  for (const report of REPORTS) {
    const worker = await startWorker({ main: 'bench/workers/reports.ts', objects: { ACCOUNT: 'Account' } })
    try {
      const { charges, paths } = report
      const response = await fetch(new URL(`/?charges=${charges}&paths=${paths}`, worker.url))
      if (!response.ok) throw new Error(`counting reports failed with ${response.status}`)
      const counted = v.parse(Counted, await response.json())
      const { rowsWritten, milliseconds } = counted.report
      const hourly = dollarsOf(counted.hour, 0) / (3600 * report.perSecond)
      const dollars = dollarsOf(counted.report, milliseconds) / charges + hourly
      counts.push({ ...report, rowsWritten, dollars })
    } finally {
      await worker.stop()
    }
  }
  return counts
}

/** The alarm is one call of the object, and no request of the Worker; the sums of an hour are neither. */
function dollarsOf(rows: { rowsWritten: number; rowsRead: number }, awakeMs: number): number {
  const counts = { ...rows, ledgerCalls: awakeMs > 0 ? 1 : 0, bytesKept: 0 }
  const { objectRequests, objectGbSeconds, rowsWritten, rowsRead } = costPerMillion(counts, 0, awakeMs).parts
  return objectRequests + objectGbSeconds + rowsWritten + rowsRead
}
