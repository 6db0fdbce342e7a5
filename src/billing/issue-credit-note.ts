/**
 * Corrections by the operator: a credit note takes back an invoice, or part of it. The invoice itself is never
 * rewritten.
 */

import { creditable, draftNote } from '../ledger/billing/notes.ts'
import type { InvoiceStanding } from '../ledger/billing/types.ts'
import { log } from '../platform/log.ts'
import type { InvoiceRef } from '../rails/rail.ts'
import type { BillSettings } from './context.ts'
import { issueNote, syncCreditNotes } from './credit-note.ts'
import { checkInvoice } from './payments.ts'

/**
 * `net` is in micro-dollars without VAT, `now` in Unix ms. `after` is the `creditedNet` that the operator has last
 * read: of two notes written at the same time only one is recorded, and a retry after a lost response records none.
 */
export type Correction = { net: bigint; reason: string; after: bigint; now: number }

/** The recorded note, or the reason for the refusal: `changed` means that `after` is out of date. */
export type Corrected =
  | { outcome: 'credited'; note: string; invoice: InvoiceStanding }
  | { outcome: 'refused'; reason: 'unknown' | 'changed' | 'too_much'; invoice: InvoiceStanding | null }

/**
 * Reads what was credited at the rail, records the correction on the credit line, then copies it to the rail. If the
 * rail cannot be reached, the next check of the invoice copies it.
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
  const checked = await checkInvoice(settings, line, known).catch((fault) => warn(id, fault))
  const invoice = checked?.invoice ?? known
  if (invoice.creditedNet !== after) return { outcome: 'refused', reason: 'changed', invoice }
  if (net <= 0n || net > creditable(invoice)) return { outcome: 'refused', reason: 'too_much', invoice }
  const unit = rails[invoice.rail]?.unit ?? 1n
  const draft = draftNote(invoice, { net, unit, reason, now })
  const { invoice: standing, note } = await issueNote(numbers, line, draft)
  // Another note may have been drafted first.
  if (note?.net !== net || note.reason !== reason || note.reference !== undefined) {
    return { outcome: 'refused', reason: 'changed', invoice: standing }
  }
  if (checked) for (const { detail } of await syncCreditNotes(line, rails, standing)) warn(note.id, detail)
  return { outcome: 'credited', note: note.id, invoice: standing }
}

function warn(id: string, fault: unknown): null {
  log('credit_note_not_copied', { id, fault })
  return null
}
