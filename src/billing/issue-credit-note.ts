/** Corrections: a credit note takes back (part of) an invoice. What was invoiced stays as it was written. */
import type { InvoiceStanding } from '../ledger/billing/types.ts'
import type { InvoiceRef } from '../rails/rail.ts'
import type { BillSettings } from './context.ts'
import { nextNumber, notesOn, tellRail } from './credit-note.ts'
import { creditable, draftNote } from './invoice.ts'
import { checkInvoice } from './payments.ts'

/**
 * `net` without VAT. `after` is what was credited before, as whoever writes the note has seen it: of two notes written at the
 * same time one stands, and a note whose answer was lost is not written twice.
 */
export type Correction = { net: bigint; reason: string; after: bigint; now: number }

export type Corrected =
  | { outcome: 'credited'; note: string; invoice: InvoiceStanding }
  | { outcome: 'refused'; reason: 'unknown' | 'changed' | 'too_much'; invoice: InvoiceStanding | null }

/**
 * Looks at what was credited at the rail, notes the correction on the line, then tells the rail. A rail that cannot be reached
 * now is told by the next run, as by every look at the invoice.
 */
export async function correct(
  settings: Pick<BillSettings, 'lines' | 'numbers' | 'rails'>,
  { agent, invoice: id }: InvoiceRef,
  { net, reason, after, now }: Correction,
): Promise<Corrected> {
  const { lines, numbers, rails } = settings
  const line = lines.getByName(agent)
  const known = await line.invoice(id)
  if (!known) return { outcome: 'refused', reason: 'unknown', invoice: null }
  const looked = await checkInvoice(settings, line, known).catch((fault) => warn(id, fault))
  const invoice = looked?.invoice ?? known
  if (invoice.creditedNet !== after) return { outcome: 'refused', reason: 'changed', invoice }
  if (net <= 0n || net > creditable(invoice)) return { outcome: 'refused', reason: 'too_much', invoice }
  const number = await nextNumber(numbers, invoice)
  const unit = rails[invoice.rail]?.unit ?? 1n
  const note = draftNote(invoice, { net, unit, reason, number, now })
  const standing = await line.credited(note)
  // Another note of the same number was noted first.
  const noted = (await notesOn(line, id)).find((one) => one.id === note.id)
  if (noted?.net !== net || noted.reason !== reason || noted.reference !== undefined) {
    return { outcome: 'refused', reason: 'changed', invoice: standing }
  }
  if (looked) for (const { detail } of await tellRail(line, rails, standing)) warn(note.id, detail)
  return { outcome: 'credited', note: note.id, invoice: standing }
}

function warn(id: string, fault: unknown): null {
  console.warn(JSON.stringify({ message: 'a rail must be told of a credit note', id, fault: String(fault) }))
  return null
}
