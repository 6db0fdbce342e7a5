/** Credit notes: their numbers, the ones that rails report, and the ones that rails must be sent. */

import { draftNoteOver } from '../ledger/billing/notes.ts'
import type { CreditNote, InvoiceStanding, NoteDraft } from '../ledger/billing/types.ts'
import { type Finding, railFailed } from '../ledger/book/finding.ts'
import type { NumberedNote } from '../ledger/credit/contract.ts'
import type { Credited, Rails } from '../rails/rail.ts'
import { type BillSettings, type Checked, type CreditLineStub, NUMBERS } from './context.ts'
import { CREDIT_NOTES, documentId } from './invoice.ts'

/** The invoice afterwards, and the credit note; null if the invoice has changed since it was drafted. */
export type IssuedNote = { invoice: InvoiceStanding; note: (NoteDraft & NumberedNote) | null }

/** Issues a credit note on an invoice, unless another has been drafted there: then that one. */
export async function issueNote(
  numbers: BillSettings['numbers'],
  line: CreditLineStub,
  draft: NoteDraft,
): Promise<IssuedNote> {
  const stored = await line.draftNote(draft)
  if (stored) return issueDraft(numbers, line, stored)
  const invoice = await line.invoice(draft.invoice)
  if (!invoice) throw new Error('the invoice must belong to the credit line')
  return { invoice, note: null }
}

/**
 * Issues the credit note of a draft that the line has stored: the number is taken, then the line stores the note. A run or call
 * that stops in between leaves the draft, which is issued before any other note on this invoice: so no number is left over.
 * @throws Error when the number has another note already
 */
export async function issueDraft(
  numbers: BillSettings['numbers'],
  line: CreditLineStub,
  draft: NoteDraft,
): Promise<IssuedNote> {
  const { invoice: id, credited } = draft
  const number = await numbers.getByName(NUMBERS).issue(CREDIT_NOTES, `${id}:${credited}`)
  const note = { id: documentId(CREDIT_NOTES, number), number, invoice: id }
  const invoice = await line.credited(note)
  if (invoice.credited === credited) throw new Error(`the number of ${note.id} must be new`)
  return { invoice, note: { ...draft, ...note } }
}

/**
 * Records a credit note that was written at the rail, under a number of ours, up to what the invoice has left. The rest
 * becomes a finding. Repeating it records nothing twice.
 */
export async function adoptCreditNote(
  numbers: BillSettings['numbers'],
  line: CreditLineStub,
  invoice: InvoiceStanding,
  credit: Credited,
): Promise<Checked> {
  const { reference, total, reason, at } = credit
  const known = (await notesOn(line, invoice.id)).find((note) => note.reference === reference)
  const left = invoice.total - invoice.credited
  const taken = known?.total ?? (total < left ? total : left)
  const findings = total > taken ? [overcredited(invoice, total - taken)] : []
  if (known || taken === 0n) return { invoice, findings }
  const draft = { ...draftNoteOver(invoice, { total: taken, reason, now: at }), reference }
  const { invoice: standing, note } = await issueNote(numbers, line, draft)
  // Another note was drafted first.
  return note?.reference === reference
    ? { invoice: standing, findings }
    : adoptCreditNote(numbers, line, standing, credit)
}

/**
 * Credits the line's over-invoiced amount, if any, on an invoice that is still owed, so that no one is dunned for pages
 * that were not delivered. A paid amount becomes account balance instead, without a credit note.
 */
export async function creditReleased(
  { rails, numbers }: Pick<BillSettings, 'rails' | 'numbers'>,
  line: CreditLineStub,
  invoice: InvoiceStanding,
  now: number,
): Promise<InvoiceStanding> {
  const { id, rail } = invoice
  const unit = rails[rail]?.unit ?? 1n
  const draft = await line.draftReleased({ invoice: id, unit, reason: 'given back: not delivered', now })
  return draft ? (await issueDraft(numbers, line, draft)).invoice : invoice
}

/**
 * Sends an invoice's credit notes to its rail, except those that came from there. The rail stores each once, however
 * often this runs. A failure is a finding, and does not stop the other notes.
 */
export async function syncCreditNotes(
  line: CreditLineStub,
  rails: Rails,
  invoice: InvoiceStanding,
): Promise<Finding[]> {
  if (!invoice.presented || invoice.credited === 0n) return []
  const findings: Finding[] = []
  for (const note of await notesOn(line, invoice.id)) {
    if (note.reference !== undefined) continue
    try {
      await rails[invoice.rail]?.syncCreditNote(invoice, note)
    } catch (fault) {
      findings.push(railFailed(invoice, fault))
    }
  }
  return findings
}

/** The credit notes on one invoice, the oldest first. */
export async function notesOn(line: CreditLineStub, invoice: string): Promise<CreditNote[]> {
  const history = await line.history(invoice)
  return history.flatMap(({ kind, document }) => (kind === 'credit_note' ? document : []))
}

function overcredited({ agent: account, id }: InvoiceStanding, by: bigint): Finding {
  return { account, what: 'overcredited', detail: `${id} by ${by}`, invoice: id }
}
