/** Writes into the read model what credit lines have changed since they were last projected. */

import type { InvoiceStanding } from '../ledger/billing/types.ts'
import { writeBody } from '../ledger/body.ts'
import { type LineListing, projectLines, saveInvoices, saveStatements } from '../ledger/book/credit.ts'
import type { LineBill, LineNews } from '../ledger/credit/contract.ts'
import { mapConcurrently } from '../platform/pool.ts'
import type { BillSettings, CreditLineStub } from './context.ts'

/** A listed line after its billing. `bill`: as read before it changed; null when the line was not billed. */
export type BilledLine = { listed: LineListing; bill: LineBill | null; isUnchanged: boolean }

/**
 * Projects a page of lines, including changes of an earlier run that stopped before it could. Asks only lines that have
 * changed. `now`: Unix milliseconds.
 */
export async function projectBilledLines(
  { book, lines }: Pick<BillSettings, 'book' | 'lines'>,
  billed: readonly BilledLine[],
  now: number,
): Promise<void> {
  const answers = await mapConcurrently(
    billed.filter(isStale),
    ({ listed: { id, cursor } }) => lines.getByName(id).news(cursor ?? 0),
    () => null,
  )
  await projectNews(
    book,
    answers.flatMap((answer) => answer ?? []),
    now,
  )
}

/** Writes changes of lines into the read model. All changes (`news(0)`) rebuild a line's rows. `now`: Unix milliseconds. */
export async function projectNews(book: D1Database, news: readonly LineNews[], now: number): Promise<void> {
  await saveStatements(
    book,
    news.flatMap(({ statements, standing: { enrolment } }) =>
      statements.map((statement) => ({ ...statement, agent: enrolment.agent })),
    ),
  )
  await saveInvoices(
    book,
    news.flatMap(({ invoices }) => invoices),
  )
  // The cursor comes last: if an earlier write fails, the next run repeats all of them.
  await projectLines(
    book,
    news.map(({ standing, last }) => ({ ...standing, cursor: last })),
    now,
  )
}

/**
 * Writes one invoice into the read model, so that lists show its change at once. It may have changed since it was read: then what
 * another call has written is newer, and is written again.
 */
export async function saveLatest(
  book: D1Database,
  line: CreditLineStub,
  invoice: InvoiceStanding,
): Promise<void> {
  await saveInvoices(book, [invoice])
  const latest = await line.invoice(invoice.id)
  if (latest && writeBody(latest) !== writeBody(invoice)) await saveLatest(book, line, latest)
}

function isStale({ listed: { cursor, totals }, bill, isUnchanged }: BilledLine): boolean {
  if (!bill) return false
  return !isUnchanged || cursor !== bill.last || totals?.charged !== bill.charged
}
