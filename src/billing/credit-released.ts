/** What was released after it was invoiced: it is taken off the invoice, so that nobody is dunned for what was given back. */
import type { InvoiceStanding } from '../ledger/billing/types.ts'
import type { BillSettings, Checked, CreditLineStub } from './context.ts'
import { nextNumber, tellRail } from './credit-note.ts'
import { draftNoteOver, releasable } from './invoice.ts'

/**
 * Writes a credit note over as much of the line's excess as is still owed on the invoice, and tells its rail. What was paid
 * already is a credit on the line instead, as the line has it.
 */
export async function giveBack(
  { rails, numbers }: Pick<BillSettings, 'rails' | 'numbers'>,
  line: CreditLineStub,
  invoice: InvoiceStanding,
  now: number,
): Promise<Checked> {
  const { excess } = await line.bill()
  const total = releasable(invoice, excess, rails[invoice.rail]?.unit ?? 1n)
  if (total <= 0n) return { invoice, findings: [] }
  const number = await nextNumber(numbers, invoice)
  const note = draftNoteOver(invoice, { total, reason: 'given back: not delivered', number, now })
  const standing = await line.credited({ ...note, released: note.net })
  return { invoice: standing, findings: await tellRail(line, rails, standing) }
}
