/** Corrections: a credit note takes back (part of) an invoice. What was invoiced stays as it was written. */
import type { CreditNote, InvoiceStanding } from '../ledger/bill.ts'
import { type BillSettings, NUMBERS } from './bill.ts'
import { CREDIT_NOTES, creditable, draftNote, draftNoteOver } from './invoice.ts'
import type { Credited, Rails, Touched } from './rails/rail.ts'

export type Line = ReturnType<BillSettings['lines']['getByName']>

/**
 * `net` without VAT. `after` is what was credited before, as whoever writes the note has seen it: of two notes written at the
 * same time one stands, and a note whose answer was lost is not written twice.
 */
export type Correction = { net: bigint; reason: string; after: bigint; now: number }

export type Corrected =
  | { outcome: 'credited'; note: string; invoice: InvoiceStanding }
  | { outcome: 'refused'; reason: 'unknown' | 'changed' | 'too_much'; invoice: InvoiceStanding | null }

/**
 * Notes the correction on the line, then tells the rail. A rail that cannot be reached now is told by the next run: every look
 * at the invoice tells it first.
 */
export async function correct(
  { lines, numbers, rails }: Pick<BillSettings, 'lines' | 'numbers' | 'rails'>,
  { agent, invoice: id }: Touched,
  { net, reason, after, now }: Correction,
): Promise<Corrected> {
  const line = lines.getByName(agent)
  const invoice = await line.invoice(id)
  if (!invoice) return { outcome: 'refused', reason: 'unknown', invoice }
  if (invoice.creditedNet !== after) return { outcome: 'refused', reason: 'changed', invoice }
  if (net <= 0n || net > creditable(invoice)) return { outcome: 'refused', reason: 'too_much', invoice }
  const number = await numbers.getByName(NUMBERS).issue(CREDIT_NOTES, `${id}:${after}`)
  const note = draftNote(invoice, { net, reason, number, now })
  const standing = await line.credited(note)
  // Another note of the same number was noted first.
  const noted = (await notesOn(line, id)).find((one) => one.id === note.id)
  if (noted?.net !== net || noted.reason !== reason) {
    return { outcome: 'refused', reason: 'changed', invoice: standing }
  }
  await tellRail(line, rails, standing).catch((fault) =>
    console.warn(
      JSON.stringify({
        message: 'a rail must be told of a credit note',
        note: note.id,
        fault: String(fault),
      }),
    ),
  )
  return { outcome: 'credited', note: note.id, invoice: standing }
}

/** Takes a credit note that was written at the rail into our books, under a number of ours. Doing it again notes nothing twice. */
export async function adopt(
  numbers: BillSettings['numbers'],
  line: Line,
  invoice: InvoiceStanding,
  { reference, total, reason, at }: Credited,
): Promise<InvoiceStanding> {
  const known = await notesOn(line, invoice.id)
  if (known.some((note) => note.reference === reference)) return invoice
  const number = await numbers.getByName(NUMBERS).issue(CREDIT_NOTES, `${invoice.rail}:${reference}`)
  return line.credited({ ...draftNoteOver(invoice, { total, reason, number, now: at }), reference })
}

/**
 * Tells the invoice's rail of its credit notes, but for those that come from there. It is told of each once, however often this
 * is done. @throws RailFault
 */
export async function tellRail(line: Line, rails: Rails, invoice: InvoiceStanding): Promise<void> {
  if (!invoice.presented || invoice.credited === 0n) return
  for (const note of await notesOn(line, invoice.id)) {
    if (note.reference === undefined) await rails[invoice.rail]?.credit(invoice, note)
  }
}

/** The credit notes on one invoice, the oldest first. */
async function notesOn(line: Line, invoice: string): Promise<CreditNote[]> {
  const history = await line.history(invoice)
  return history.flatMap(({ kind, document }) => (kind === 'credit_note' ? document : []))
}
