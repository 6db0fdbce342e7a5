/** Credit notes: their amounts and numbers, the ones that rails report, and the ones that rails must be sent. */

import { owedOn } from '../ledger/billing/dunning.ts'
import type { CreditNote, InvoiceStanding, NoteDraft } from '../ledger/billing/types.ts'
import { roundTo } from '../ledger/billing/vat.ts'
import { type Finding, railFailed } from '../ledger/book/finding.ts'
import type { NumberedNote } from '../ledger/credit/contract.ts'
import type { Credited, Rails } from '../rails/rail.ts'
import { type BillSettings, type Checked, type CreditLineStub, NUMBERS } from './context.ts'
import { CREDIT_NOTES, documentId } from './invoice.ts'

/** How much of an invoice a credit note may still take back. Micro-dollars without VAT. */
export function creditable({ net, creditedNet }: InvoiceStanding): bigint {
  return net - creditedNet
}

/**
 * The amount (with VAT) of the credit note that takes `excess` (without VAT) off an invoice: at most what is owed, in
 * whole units of its rail. Zero if rounding leaves VAT only.
 */
export function releasable(invoice: InvoiceStanding, excess: bigint, unit: bigint): bigint {
  const { net, total, credited } = invoice
  const gross = excess < creditable(invoice) ? (excess * total) / net : total - credited
  const owed = owedOn(invoice)
  const most = gross < owed ? gross : owed
  const whole = most - (most % unit)
  return whole * net >= total || whole === total - credited ? whole : 0n
}

/**
 * Drafts a credit note over `net`, with its share of the invoice's VAT in whole units of the rail. The last note takes
 * what is left.
 * @throws RangeError when the invoice has less left: a larger note would turn the debt around
 */
export function draftNote(
  invoice: InvoiceStanding,
  note: { net: bigint; unit: bigint; reason: string; now: number },
): NoteDraft {
  const { net, unit } = note
  const left = creditable(invoice)
  if (net <= 0n || net > left)
    throw new RangeError(`a credit note on ${invoice.id} must be above 0 and at most the rest of the invoice`)
  const leftVat = invoice.vat.amount - (invoice.credited - invoice.creditedNet)
  const share = roundTo(invoice.vat.amount * net, invoice.net * unit) * unit
  return noteOn(invoice, { ...note, vat: net === left || share > leftVat ? leftVat : share })
}

/**
 * Drafts a credit note over `total`, which includes VAT in the invoice's proportion.
 * @throws RangeError when the invoice has less left
 */
export function draftNoteOver(
  invoice: InvoiceStanding,
  note: { total: bigint; reason: string; now: number },
): NoteDraft {
  const { total } = note
  const left = invoice.total - invoice.credited
  if (total <= 0n || total > left)
    throw new RangeError(`a credit note on ${invoice.id} must be above 0 and at most the rest of the invoice`)
  const leftNet = creditable(invoice)
  const share = (total * invoice.net) / invoice.total
  // Earlier notes were rounded; neither the net amount nor the VAT that is left may fall below zero.
  const net = clamp(share, total - (left - leftNet), leftNet)
  return noteOn(invoice, { ...note, net, vat: total - net })
}

/** The invoice afterwards, and the credit note; null if the invoice or the released amount has changed since it was drafted. */
export type IssuedNote = { invoice: InvoiceStanding; note: (NoteDraft & NumberedNote) | null }

/**
 * Issues a credit note. The line stores the draft, then the number is taken, then the line stores the note. A run or call that
 * stops in between leaves the draft, which is issued before any other note on this invoice: so no number is left over.
 */
export async function issueNote(
  numbers: BillSettings['numbers'],
  line: CreditLineStub,
  draft: NoteDraft,
): Promise<IssuedNote> {
  const stored = await line.draftNote(draft)
  if (!stored) {
    const invoice = await line.invoice(draft.invoice)
    if (!invoice) throw new Error('the invoice must belong to the credit line')
    return { invoice, note: null }
  }
  const number = await numbers.getByName(NUMBERS).issue(CREDIT_NOTES, `${stored.invoice}:${stored.credited}`)
  const note = { ...stored, id: documentId(CREDIT_NOTES, number), number }
  return { invoice: await line.credited(note), note }
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
  const { excess } = await line.bill()
  const total = releasable(invoice, excess, rails[invoice.rail]?.unit ?? 1n)
  if (total <= 0n) return invoice
  const draft = draftNoteOver(invoice, { total, reason: 'given back: not delivered', now })
  return (await issueNote(numbers, line, { ...draft, released: draft.net })).invoice
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

function clamp(value: bigint, least: bigint, most: bigint): bigint {
  if (value < least) return least
  return value > most ? most : value
}

type Note = { net: bigint; vat: bigint; reason: string; now: number }

function noteOn({ id, credited }: InvoiceStanding, { net, vat, reason, now }: Note): NoteDraft {
  return { invoice: id, credited, issuedAt: now, reason, net, vat, total: net + vat }
}
