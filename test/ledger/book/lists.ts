/** Lists of the read model as tests read them. */
import { invoiceRows } from '../../../src/ledger/book/credit.ts'
import { type RunRecord, runPage } from '../../../src/ledger/book/runs.ts'

/** Up to `limit` runs, newest first. */
export async function runs(book: D1Database, limit: number): Promise<RunRecord[]> {
  const page = { order: { by: 'began', isDown: true }, after: null, limit }
  return (await runPage(book, {}, page)).map(({ run }) => run)
}

type Narrowed = Parameters<typeof invoiceRows>[1] & { before?: number; limit: number }

/** Up to `limit` invoices with `number < before`, newest first. */
export async function invoices(book: D1Database, { before, limit, ...filter }: Narrowed) {
  const after = before === undefined ? null : `${before} ${before}`
  const page = { order: { by: 'number', isDown: true }, after, limit }
  return (await invoiceRows(book, filter, page)).map(({ invoice }) => invoice)
}
