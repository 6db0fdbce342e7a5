/** Credit notes between the rails and our books: those written there are taken in, those written here are told there. */

import type { CreditNote, InvoiceStanding } from '../ledger/billing/types.ts'
import { type Finding, railFailed } from '../ledger/book/finding.ts'
import type { Credited, Rails } from '../rails/rail.ts'
import { type BillSettings, type Checked, type CreditLineStub, NUMBERS } from './context.ts'
import { CREDIT_NOTES, draftNoteOver } from './invoice.ts'

/**
 * The number of the next credit note on an invoice. It is taken for what was credited before: of several notes that are drafted at
 * once, all have it and one is noted, so that none is taken in vain.
 */
export function nextNumber(
  numbers: BillSettings['numbers'],
  { id, credited }: InvoiceStanding,
): Promise<number> {
  return numbers.getByName(NUMBERS).issue(CREDIT_NOTES, `${id}:${credited}`)
}

/**
 * Takes a credit note that was written at the rail into our books, under a number of ours, as far as the invoice has anything
 * left: the rest is a finding. Doing it again notes nothing twice.
 */
export async function adopt(
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
  const number = await nextNumber(numbers, invoice)
  const note = { ...draftNoteOver(invoice, { total: taken, reason, number, now: at }), reference }
  const standing = await line.credited(note)
  const noted = (await notesOn(line, invoice.id)).find(({ id }) => id === note.id)
  // Another note of the same number was noted first: this one takes the next.
  return noted?.reference === reference
    ? { invoice: standing, findings }
    : adopt(numbers, line, standing, credit)
}

/**
 * Tells the invoice's rail of its credit notes, but for those that come from there. It is told of each once, however often this
 * is done. A note that cannot be told is a finding, and keeps back no other.
 */
export async function tellRail(
  line: CreditLineStub,
  rails: Rails,
  invoice: InvoiceStanding,
): Promise<Finding[]> {
  if (!invoice.presented || invoice.credited === 0n) return []
  const findings: Finding[] = []
  for (const note of await notesOn(line, invoice.id)) {
    if (note.reference !== undefined) continue
    try {
      await rails[invoice.rail]?.credit(invoice, note)
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
  return { account, what: 'overcredited', detail: `${id} by ${by}` }
}
