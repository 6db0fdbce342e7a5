/** Computes the cost of a million paid requests at Cloudflare's list prices (developers.cloudflare.com, November 2026). */
import type { Counts } from './counts.ts'

/** US dollars per million units; for `storageMonth`, per MB and month ($0.20 per GB-month). */
const PRICES = {
  workerRequests: 0.3,
  workerCpuMs: 0.02,
  objectRequests: 0.15,
  objectGbSeconds: 12.5,
  rowsWritten: 1,
  rowsRead: 0.001,
  storageMonth: 0.2 / 1000,
}

export const PARTS = Object.keys(PRICES) as (keyof typeof PRICES)[]

/** An object is billed 128 MB for as long as a request keeps it awake. */
const OBJECT_GB = 0.128

/** The counts that cost something. */
type Counted = Pick<Counts, 'ledgerCalls' | 'rowsWritten' | 'rowsRead' | 'bytesKept'>

export type Cost = { total: number; parts: Record<keyof typeof PRICES, number> }

/**
 * Excludes the plan's allowances and assumes single requests: none share a commit, and the object is awake for the
 * whole request. `cpuMs` is the CPU time of Worker and object together, though only the Worker's is billed. Storage is that
 * of the first month: each further month in which the journal is kept costs as much again.
 */
export function costPerMillion(counts: Counted, cpuMs: number, awakeMs: number): Cost {
  const parts = {
    workerRequests: PRICES.workerRequests,
    workerCpuMs: PRICES.workerCpuMs * cpuMs,
    objectRequests: PRICES.objectRequests * counts.ledgerCalls,
    objectGbSeconds: PRICES.objectGbSeconds * OBJECT_GB * (awakeMs / 1000),
    rowsWritten: PRICES.rowsWritten * counts.rowsWritten,
    rowsRead: PRICES.rowsRead * counts.rowsRead,
    storageMonth: PRICES.storageMonth * counts.bytesKept,
  }
  return { total: Object.values(parts).reduce((sum, part) => sum + part, 0), parts }
}
