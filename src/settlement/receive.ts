/** What comes in: movements that a rail has seen, and transfers that the operator has, noted on their line. */
import type { InvoiceStanding } from '../ledger/bill.ts'
import type { BillSettings } from './bill.ts'
import { adopt, type Line, tellRail } from './credit-note.ts'
import type { Finding } from './findings.ts'
import type { Movement, Touched } from './rails/rail.ts'
import { each } from './settings.ts'

/** Asks the invoice's rail what became of it, and notes what it says. Doing it again notes nothing twice. @throws RailFault */
export async function checkInvoice(
  { numbers, rails }: Pick<BillSettings, 'numbers' | 'rails'>,
  line: Line,
  invoice: InvoiceStanding,
): Promise<InvoiceStanding> {
  if (!invoice.presented) return invoice
  await tellRail(line, rails, invoice)
  const movements = (await rails[invoice.rail]?.check(invoice)) ?? []
  let standing = invoice
  for (const movement of movements) standing = await note(numbers, line, standing, movement)
  return standing
}

/** Asks anew about one invoice that something has happened to. Null when there is no such invoice. @throws RailFault */
export async function recheck(
  settings: Pick<BillSettings, 'lines' | 'numbers' | 'rails'>,
  { agent, invoice }: Touched,
): Promise<InvoiceStanding | null> {
  const line = settings.lines.getByName(agent)
  const standing = await line.invoice(invoice)
  return standing && checkInvoice(settings, line, standing)
}

/**
 * Asks anew about every invoice that a rail has seen something of since, whether a webhook told us or not. Answers what came
 * in, less what was taken back, as a decimal string.
 */
export async function catchUp(
  settings: Pick<BillSettings, 'lines' | 'numbers' | 'rails'>,
  since: number,
): Promise<{ received: string; findings: Finding[] }> {
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
  const received = await each(
    seen.flat(),
    async (touched) => {
      const before = await settings.lines.getByName(touched.agent).invoice(touched.invoice)
      const standing = before && (await recheck(settings, touched))
      return standing ? standing.paid - before.paid : 0n
    },
    ({ agent }, fault) => {
      failed(agent, fault)
      return 0n
    },
  )
  return { received: received.reduce((sum, amount) => sum + amount, 0n).toString(), findings }
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

function note(
  numbers: BillSettings['numbers'],
  line: Line,
  invoice: InvoiceStanding,
  movement: Movement,
): Promise<InvoiceStanding> {
  switch (movement.kind) {
    case 'paid':
      return line.paid(movement.payment)
    case 'reversed':
      return line.reversed(movement.reversal)
    case 'failed':
      return line.failed(movement.failure)
    case 'credited':
      return adopt(numbers, line, invoice, movement.credit)
  }
}
