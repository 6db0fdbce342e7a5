/** What comes in: movements that a rail has seen, and transfers that the operator has, noted on their line. */

import type { InvoiceEvent, InvoiceStanding } from '../ledger/billing/types.ts'
import type { Finding } from '../ledger/book/finding.ts'
import { railFailed } from '../ledger/book/finding.ts'
import { mapConcurrently } from '../platform/pool.ts'
import type { Movement, Touched } from '../rails/rail.ts'
import type { BillSettings, Checked, Line } from './context.ts'
import { adopt, tellRail } from './credit-note.ts'

/**
 * Asks the invoice's rail what became of it, notes what it says, and tells it of our credit notes. Doing it again notes nothing
 * twice. A credit note that cannot be taken in or told is a finding: what was paid is noted all the same.
 * @throws RailFault
 */
export async function checkInvoice(
  { numbers, rails }: Pick<BillSettings, 'numbers' | 'rails'>,
  line: Line,
  invoice: InvoiceStanding,
): Promise<Checked> {
  if (!invoice.presented) return { invoice, findings: [] }
  const movements = await unheard(line, invoice, (await rails[invoice.rail]?.check(invoice)) ?? [])
  const findings: Finding[] = []
  let standing = invoice
  for (const movement of movements) {
    const noted = await note(numbers, line, standing, movement)
    standing = noted.invoice
    findings.push(...noted.findings)
  }
  findings.push(...(await tellRail(line, rails, standing)))
  return { invoice: standing, findings }
}

/** Asks anew about one invoice that something has happened to. Null when there is no such invoice. @throws RailFault */
export async function recheck(
  settings: Pick<BillSettings, 'lines' | 'numbers' | 'rails'>,
  { agent, invoice }: Touched,
): Promise<Checked | null> {
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
  const seen = await mapConcurrently(
    Object.values(settings.rails),
    (rail) => rail.since(since),
    ({ name }, fault) => {
      failed(name, fault)
      return []
    },
  )
  const received = await mapConcurrently(
    seen.flat(),
    async (touched) => {
      const before = await settings.lines.getByName(touched.agent).invoice(touched.invoice)
      const checked = before && (await recheck(settings, touched))
      if (!checked) return 0n
      findings.push(...checked.findings)
      return checked.invoice.paid - before.paid
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
  const id = nameOf(invoice, reference)
  return lines.getByName(agent).paid({ id, invoice, amount, rail: 'transfer', reference, at })
}

/** A transfer that went back, or was marked by mistake: taken back once. Null when none was marked by this reference. */
export async function markReturned(
  { lines }: Pick<BillSettings, 'lines'>,
  { agent, invoice }: Touched,
  { reference, reason, at }: { reference: string; reason: string; at: number },
): Promise<InvoiceStanding | null> {
  const line = lines.getByName(agent)
  const marked = transferIn(await line.history(invoice), invoice, reference)
  if (!marked) return null
  const payment = nameOf(invoice, reference)
  return line.reversed({ id: returnOf(payment), invoice, payment, amount: marked.amount, reason, at })
}

/** What an invoice's history says of the transfer by this reference: how much it was, and whether it went back. */
export function transferIn(
  history: readonly InvoiceEvent[],
  invoice: string,
  reference: string,
): { amount: bigint; returned: boolean } | null {
  const id = nameOf(invoice, reference)
  const found = history.flatMap(({ kind, document }) =>
    kind === 'payment' && document.id === id ? document : [],
  )[0]
  const returned = history.some(({ kind, document }) => kind === 'reversal' && document.id === returnOf(id))
  return found ? { amount: found.amount, returned } : null
}

function nameOf(invoice: string, reference: string): string {
  return `transfer:${invoice}:${reference}`
}

function returnOf(payment: string): string {
  return `returned:${payment}`
}

/** All but what was taken back and came back before we heard of either: nobody is past due for a moment that is over. */
async function unheard(line: Line, { id }: InvoiceStanding, movements: Movement[]): Promise<Movement[]> {
  const back = new Set(movements.flatMap((each) => (each.kind === 'paid' ? each.payment.reference : [])))
  const over = movements.flatMap((each) =>
    each.kind === 'reversed' && back.has(each.reversal.id) ? each.reversal.id : [],
  )
  if (over.length === 0) return movements
  const history = await line.history(id)
  const known = new Set(history.flatMap(({ kind, document }) => (kind === 'reversal' ? document.id : [])))
  const skipped = new Set(over.filter((reversal) => !known.has(reversal)))
  return movements.filter(
    (each) =>
      !(each.kind === 'reversed' && skipped.has(each.reversal.id)) &&
      !(each.kind === 'paid' && skipped.has(each.payment.reference)),
  )
}

async function note(
  numbers: BillSettings['numbers'],
  line: Line,
  invoice: InvoiceStanding,
  movement: Movement,
): Promise<Checked> {
  switch (movement.kind) {
    case 'paid':
      return { invoice: await line.paid(movement.payment), findings: [] }
    case 'reversed':
      return { invoice: await line.reversed(movement.reversal), findings: [] }
    case 'failed':
      return { invoice: await line.failed(movement.failure), findings: [] }
    case 'credited':
      return adopt(numbers, line, invoice, movement.credit).catch((fault) => ({
        invoice,
        findings: [railFailed(invoice, fault)],
      }))
  }
}
