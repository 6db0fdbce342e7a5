/** Counts the rows of one account's reports of its charges, and what they add to a million paid requests. */
import * as v from 'valibot'
import { costPerMillion } from './cost.ts'
import { startWorker } from './runtime.ts'

const Counted = v.object({
  rowsWritten: v.number(),
  rowsRead: v.number(),
  calls: v.number(),
  milliseconds: v.number(),
})

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
      const { rowsWritten, rowsRead, milliseconds } = v.parse(Counted, await response.json())
      counts.push({
        ...report,
        rowsWritten,
        dollars: dollarsOf(charges, rowsWritten, rowsRead, milliseconds),
      })
    } finally {
      await worker.stop()
    }
  }
  return counts
}

/** The alarm is one call of the object, and no request of the Worker. */
function dollarsOf(charges: number, rowsWritten: number, rowsRead: number, milliseconds: number): number {
  const counts = { ledgerCalls: 1, rowsWritten, rowsRead, bytesKept: 0 }
  const { parts } = costPerMillion(counts, 0, milliseconds)
  const { objectRequests, objectGbSeconds, rowsWritten: written, rowsRead: read } = parts
  return (objectRequests + objectGbSeconds + written + read) / charges
}
