/** Credit notes between the rails and our books: those written there are taken in, those written here are told there. */
import type { CreditNote, InvoiceStanding } from '../ledger/bill.ts'
import { type BillSettings, NUMBERS } from './bill.ts'
import type { Finding } from './findings.ts'
import { CREDIT_NOTES, draftNoteOver } from './invoice.ts'
import type { Credited, Rails } from './rails/rail.ts'

export type Line = ReturnType<BillSettings['lines']['getByName']>

/** An invoice after a look at it, and what of the look came to nothing. */
export type Checked = { invoice: InvoiceStanding; findings: Finding[] }

/**
 * Takes a credit note that was written at the rail into our books, under a number of ours, as far as the invoice has anything
 * left: the rest is a finding. Doing it again notes nothing twice.
 */
export async function adopt(
  numbers: BillSettings['numbers'],
  line: Line,
  invoice: InvoiceStanding,
  { reference, total, reason, at }: Credited,
): Promise<Checked> {
  const known = (await notesOn(line, invoice.id)).find((note) => note.reference === reference)
  const left = invoice.total - invoice.credited
  const taken = known?.total ?? (total < left ? total : left)
  const findings = total > taken ? [overcredited(invoice, total - taken)] : []
  if (known || taken === 0n) return { invoice, findings }
  const number = await numbers.getByName(NUMBERS).issue(CREDIT_NOTES, `${invoice.rail}:${reference}`)
  const note = draftNoteOver(invoice, { total: taken, reason, number, now: at })
  return { invoice: await line.credited({ ...note, reference }), findings }
}

/**
 * Tells the invoice's rail of its credit notes, but for those that come from there. It is told of each once, however often this
 * is done. A note that cannot be told is a finding, and keeps back no other.
 */
export async function tellRail(line: Line, rails: Rails, invoice: InvoiceStanding): Promise<Finding[]> {
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
export async function notesOn(line: Line, invoice: string): Promise<CreditNote[]> {
  const history = await line.history(invoice)
  return history.flatMap(({ kind, document }) => (kind === 'credit_note' ? document : []))
}

export function railFailed({ agent: account, id }: InvoiceStanding, fault: unknown): Finding {
  return { account, what: 'rail_failed', detail: `${id}: ${fault}` }
}

function overcredited({ agent: account, id }: InvoiceStanding, by: bigint): Finding {
  return { account, what: 'overcredited', detail: `${id} by ${by}` }
}
