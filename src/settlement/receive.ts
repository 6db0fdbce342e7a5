/** What comes in: movements that a rail has seen, and transfers that the operator has, noted on their line. */
import type { CreditNote, InvoiceStanding } from '../ledger/bill.ts'
import type { BillSettings } from './bill.ts'
import type { Finding } from './findings.ts'
import type { Movement, Rails, Touched } from './rails/rail.ts'
import { each } from './settings.ts'

type Line = ReturnType<BillSettings['lines']['getByName']>

/** Asks the invoice's rail what became of it, and notes what it says. Doing it again notes nothing twice. @throws RailFault */
export async function checkInvoice(
  line: Line,
  rails: Rails,
  invoice: InvoiceStanding,
): Promise<InvoiceStanding> {
  if (!invoice.presented) return invoice
  await tellRail(line, rails, invoice)
  const movements = (await rails[invoice.rail]?.check(invoice)) ?? []
  let standing = invoice
  for (const movement of movements) standing = await note(line, movement)
  return standing
}

/** Tells the invoice's rail of its credit notes. It is told of each once, however often this is done. @throws RailFault */
export async function tellRail(line: Line, rails: Rails, invoice: InvoiceStanding): Promise<void> {
  if (!invoice.presented || invoice.credited === 0n) return
  for (const note of await notesOn(line, invoice.id)) await rails[invoice.rail]?.credit(invoice, note)
}

/** The credit notes on one invoice, the oldest first. */
export async function notesOn(line: Line, invoice: string): Promise<CreditNote[]> {
  const history = await line.history(invoice)
  return history.flatMap(({ kind, document }) => (kind === 'credit_note' ? document : []))
}

/** Asks anew about one invoice that something has happened to. Null when there is no such invoice. @throws RailFault */
export async function recheck(
  { lines, rails }: Pick<BillSettings, 'lines' | 'rails'>,
  { agent, invoice }: Touched,
): Promise<InvoiceStanding | null> {
  const line = lines.getByName(agent)
  const standing = await line.invoice(invoice)
  return standing && checkInvoice(line, rails, standing)
}

/** Asks anew about every invoice that a rail has seen something of since, whether a webhook told us or not. */
export async function catchUp(
  settings: Pick<BillSettings, 'lines' | 'rails'>,
  since: number,
): Promise<{ findings: Finding[] }> {
  const findings: Finding[] = []
  const failed = (account: string, fault: unknown) =>
    findings.push({ account, what: 'rail_failed', detail: String(fault) })
  const seen = await each(
    Object.values(settings.rails),
    (rail) => rail.since(since),
    ({ name }, fault) => {
      failed(name, fault)
      return []
    },
  )
  await each<Touched, unknown>(
    seen.flat(),
    (touched) => recheck(settings, touched),
    ({ agent }, fault) => failed(agent, fault),
  )
  return { findings }
}

/** A transfer that the operator has seen. The reference names it: marked twice, it is noted once. */
export async function markPaid(
  { lines }: Pick<BillSettings, 'lines'>,
  { agent, invoice }: Touched,
  transfer: { amount: bigint; reference: string; at: number },
): Promise<InvoiceStanding> {
  const { amount, reference, at } = transfer
  const id = `transfer:${invoice}:${reference}`
  return lines.getByName(agent).paid({ id, invoice, amount, rail: 'transfer', reference, at })
}

function note(line: Line, movement: Movement): Promise<InvoiceStanding> {
  switch (movement.kind) {
    case 'paid':
      return line.paid(movement.payment)
    case 'reversed':
      return line.reversed(movement.reversal)
    case 'failed':
      return line.failed(movement.failure)
  }
}
