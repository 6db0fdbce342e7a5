/** The nightly check of figures: accounts report what D1 lacks, then D1 must have what their journals have. */
import { mapConcurrently } from '../../platform/pool.ts'
import { type Cursor, readCursors, readFigureSums } from '../book/figure-report.ts'
import type { Finding } from '../book/finding.ts'
import type { Reported, Unreported } from './report.ts'

/** An account as a run calls it. */
export type ReportingAccount = { id: string; report(): Promise<Reported | Unreported | null> }

/**
 * Has accounts report their charges, which makes up for lost alarms, and compares the sums that D1 has of them with the totals
 * of their journals. An account or a database that does not respond is a finding.
 */
export async function checkReports(
  book: D1Database,
  kind: Cursor['kind'],
  accounts: ReportingAccount[],
): Promise<Finding[]> {
  if (accounts.length === 0) return []
  const silent: Finding[] = []
  const unread = (account: string, fault: unknown) => {
    silent.push({ account, what: 'figures_differ', detail: `not compared: ${fault}` })
    return null
  }
  const reports = await mapConcurrently<ReportingAccount, Reported | null>(
    accounts,
    async (account) => {
      const report = await account.report()
      return report && 'fault' in report ? unread(account.id, report.fault) : report
    },
    ({ id }, fault) => unread(id, fault),
  )
  const ids = accounts.map(({ id }) => id)
  const cursors = await readCursors(book, kind, ids).catch((fault) => unread(kind, fault))
  if (cursors === null) return silent
  return [...silent, ...reports.flatMap((report) => (report ? compareReport(report, cursors) : []))]
}

/** A charge since moves the position on; then its own report is compared another day. */
function compareReport({ account, position, charged }: Reported, cursors: Map<string, Cursor>): Finding[] {
  const has = cursors.get(account) ?? { position: 0, charged: 0n }
  const isEqual = has.charged === charged || has.position > position
  if (isEqual && has.position >= position) return []
  const detail = `the journal has ${charged} up to entry ${position}, the figures have ${has.charged} up to ${has.position}`
  return [{ account, what: 'figures_differ', detail }]
}

/** Compares the figures of all hours, days, crawlers and paths with the sum of all that was reported. Reads every figure. */
export async function checkSums(book: D1Database): Promise<Finding[]> {
  const account = 'figures'
  try {
    const { hours, days, crawlers, paths, reported } = await readFigureSums(book)
    if ([hours, days, crawlers, paths].every((sum) => sum === reported)) return []
    const detail = `accounts have reported ${reported}, the hours have ${hours}, the days ${days}, crawlers ${crawlers} and paths ${paths}`
    return [{ account, what: 'figures_differ', detail }]
  } catch (fault) {
    return [{ account, what: 'figures_differ', detail: `not compared: ${fault}` }]
  }
}
