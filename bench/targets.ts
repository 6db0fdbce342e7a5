/** The rows of the report with their targets, as data. */
import type { CaseName } from './case.ts'

export type RatioName =
  | 'unpaid'
  | 'terms'
  | 'peer402'
  | 'commit'
  | 'voucher'
  | 'proxied'
  | 'peer'
  | 'verify'
  | 'credit'
  | 'credit402'

export type Row = {
  key: RatioName
  what: string
  /** Requests per second of the first, divided by those of the second. Absent for `verify`, which is timed separately. */
  cases?: readonly [over: CaseName, under: CaseName]
  least: number
  /** The case above waits for the disk, and the one below does not: their ratio is the disk's, too. */
  disk?: true
  /** Stated in microseconds, too. */
  time?: true
}

export const ROWS: readonly Row[] = [
  {
    key: 'unpaid',
    what: 'unpaid 402 ÷ a handler that answers the same bytes',
    cases: ['unpaid', 'bare'],
    least: 0.8,
  },
  {
    key: 'terms',
    what: 'unpaid 402 with all terms ÷ a handler that answers the same bytes',
    cases: ['termsUnpaid', 'termsBare'],
    least: 0.8,
  },
  { key: 'peer402', what: 'unpaid 402 ÷ that of @x402/hono', cases: ['unpaid', 'upstream402'], least: 1.7 },
  {
    key: 'commit',
    what: 'durable charge ÷ the same request with an empty call',
    cases: ['commit', 'empty'],
    least: 0.8,
    disk: true,
    time: true,
  },
  {
    key: 'voucher',
    what: 'verified, durable voucher ÷ the same',
    cases: ['voucher', 'empty'],
    least: 0.4,
    disk: true,
    time: true,
  },
  {
    key: 'proxied',
    what: 'paid and proxied ÷ the same, nothing verified',
    cases: ['proxied', 'unverified'],
    least: 0.55,
  },
  {
    key: 'peer',
    what: 'verified, durable voucher ÷ upstream, in memory',
    cases: ['voucher', 'upstream'],
    least: 2.5,
    disk: true,
  },
  {
    key: 'credit',
    what: 'verified, durable credit ÷ the same request with an empty call',
    cases: ['credit', 'creditEmpty'],
    least: 0.5,
    disk: true,
    time: true,
  },
  {
    key: 'credit402',
    what: '402 with all three offers ÷ a handler that answers the same bytes',
    cases: ['creditUnpaid', 'creditBare'],
    least: 0.75,
  },
  { key: 'verify', what: 'time of viem’s verifyTypedData ÷ ours', least: 3.5 },
]

export const MOST = {
  ledgerCalls: 1,
  rowsWritten: 2,
  directoryFetches: 0,
  bundleGzip: 250_000,
  coldStart: 15,
  /** Microseconds for a decision among 10,000 rules for 200 crawlers. */
  decision: 20,
  growth: 2,
  /** The share of an unpaid 402's time that the count of the request may take. */
  countPercent: 2,
  classificationMicroseconds: 10,
}
