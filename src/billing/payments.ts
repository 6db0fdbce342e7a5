/** Payments: submits invoices to their rails, and records what the rails and the operator report. */

import { owedOn } from '../ledger/billing/dunning.ts'
import type { InvoiceEvent, InvoiceStanding, PaymentReceived } from '../ledger/billing/types.ts'
import { type Finding, railFailed } from '../ledger/book/finding.ts'
import { canonicalJson } from '../protocol/encoding/canonical-json.ts'
import { notConfigured } from '../rails/index.ts'
import { type InvoiceRef, type PaymentEvent, RailFault } from '../rails/rail.ts'
import type { BillSettings, Checked, CreditLineStub } from './context.ts'
import { adoptCreditNote, creditReleased, syncCreditNotes } from './credit-note.ts'

type Settings = Pick<BillSettings, 'lines' | 'numbers' | 'rails'>

/** The result for the invoices of one line. */
export type CollectedInvoices = {
  /** Payments recorded now, less reversals. Micro-dollars with VAT. */
  received: bigint
  /** Whether anything was recorded on the line. */
  hasChanged: boolean
  /** Ids of the invoices that must be read again before their dunning steps are delivered. */
  unread: ReadonlySet<string>
  /** The invoices as they were once their rails had been read. */
  read: ReadonlyMap<string, InvoiceStanding>
  findings: Finding[]
}

/**
 * Collects the due invoices of one line, the newest first. A failure is a finding, and does not stop the other
 * invoices. With a moment `creditAt` (Unix ms), charges released after invoicing are credited; null when there are
 * none.
 */
export async function collectInvoices(
  settings: Settings,
  line: CreditLineStub,
  due: readonly InvoiceStanding[],
  creditAt: number | null,
): Promise<CollectedInvoices> {
  const findings: Finding[] = []
  const unread = new Set<string>()
  const read = new Map<string, InvoiceStanding>()
  let received = 0n
  let hasChanged = false
  for (const invoice of due.toReversed()) {
    const collected = await collectInvoice(settings, line, invoice, creditAt).catch(async (fault) => {
      unread.add(invoice.id)
      // Payments may have been recorded before the fault.
      const latest = await line.invoice(invoice.id)
      const standing = latest && latest.paid !== invoice.paid ? latest : invoice
      return { invoice: standing, findings: [railFailed(invoice, fault)] }
    })
    const { invoice: standing } = collected
    received += standing.paid - invoice.paid
    hasChanged ||= standing !== invoice
    findings.push(...collected.findings)
    read.set(invoice.id, standing)
    // A settled invoice whose credit note has not reached the rail is still collected there.
    const hasFailed = collected.findings.some(({ what }) => what === 'rail_failed')
    if (hasFailed && owedOn(standing) === 0n) unread.add(invoice.id)
  }
  return { received, hasChanged, unread, read, findings }
}

/**
 * Submits one invoice, records its payments, credits what was released, and sends its credit notes.
 * @throws RailFault
 */
async function collectInvoice(
  settings: Settings,
  line: CreditLineStub,
  invoice: InvoiceStanding,
  creditAt: number | null,
): Promise<Checked> {
  const rail = settings.rails[invoice.rail]
  if (!rail) throw new Error(notConfigured(invoice.rail))
  const presented = await rail.present(invoice)
  const isKnown = canonicalJson(presented) === canonicalJson(invoice.presented)
  const submitted = isKnown ? invoice : await line.presented(invoice.id, presented)
  return checkInvoice(settings, line, submitted, creditAt)
}

/**
 * Reads an invoice's events from its rail, records them, and sends its credit notes there. With `creditAt` (Unix ms),
 * it also credits charges released after invoicing. Repeating it records nothing twice. A credit note that fails is a
 * finding, so that payments are recorded all the same.
 * @throws RailFault when the events cannot be read, or a reversal could not be recorded yet
 */
export async function checkInvoice(
  { numbers, rails }: Pick<BillSettings, 'numbers' | 'rails'>,
  line: CreditLineStub,
  invoice: InvoiceStanding,
  creditAt: number | null = null,
): Promise<Checked> {
  if (!invoice.presented) return { invoice, findings: [] }
  const findings: Finding[] = []
  let unrecorded: Finding | undefined
  let standing = invoice
  // Any invoice can be paid at once by `exact`. Attempts to do so come second: they are not repeated once its own rail has the money.
  for (const rail of new Set([rails[invoice.rail], rails.stablecoin])) {
    const events = rail ? await rail.check(standing) : []
    for (const event of await withoutUndoneReversals(line, standing, events)) {
      // A note that could not be recorded may make up for it. Until it is recorded, its payer is not dunned for the amount.
      unrecorded ??=
        event.kind === 'reversed' ? findings.find(({ what }) => what === 'rail_failed') : undefined
      if (unrecorded && event.kind === 'reversed') continue
      const recorded = await recordEvent(numbers, line, standing, event)
      standing = recorded.invoice
      findings.push(...recorded.findings)
    }
  }
  try {
    if (creditAt !== null) standing = await creditReleased({ numbers, rails }, line, standing, creditAt)
  } catch (fault) {
    // Earlier credit notes must reach the rail all the same.
    await syncCreditNotes(line, rails, standing)
    throw fault
  }
  findings.push(...(await syncCreditNotes(line, rails, standing)))
  // So that its event is read again.
  if (unrecorded) throw new RailFault(`a reversal waits for its credit note: ${unrecorded.detail}`)
  return { invoice: standing, findings }
}

/** Checks one invoice that an event has affected. Null when the line does not have the invoice. @throws RailFault */
export async function recheck(settings: Settings, { agent, invoice }: InvoiceRef): Promise<Checked | null> {
  const line = settings.lines.getByName(agent)
  const standing = await line.invoice(invoice)
  return standing && checkInvoice(settings, line, standing)
}

/**
 * Records a transfer that the operator has received. The reference identifies it: a repeated call records nothing more.
 */
export async function markPaid(
  { lines }: Pick<BillSettings, 'lines'>,
  { agent, invoice }: InvoiceRef,
  transfer: { amount: bigint; reference: string; at: number },
): Promise<InvoiceStanding> {
  const { amount, reference, at } = transfer
  const id = transferId(invoice, reference)
  return lines.getByName(agent).paid({ id, invoice, amount, rail: 'transfer', reference, at })
}

/**
 * Reverses a transfer that was returned, or marked by mistake, once; also a payment by stablecoin whose transaction a
 * reorganization has undone for good. Null when no such payment has this reference.
 */
export async function markReturned(
  { lines }: Pick<BillSettings, 'lines'>,
  { agent, invoice }: InvoiceRef,
  { reference, reason, at }: { reference: string; reason: string; at: number },
): Promise<InvoiceStanding | null> {
  const line = lines.getByName(agent)
  const marked = (await line.history(invoice)).flatMap(({ kind, document }) =>
    kind === 'payment' && isReturnable(document, invoice, reference) ? document : [],
  )[0]
  if (!marked) return null
  const payment = marked.id
  return line.reversed({ id: returnId(payment), invoice, payment, amount: marked.amount, reason, at })
}

function isReturnable(
  { id, rail, reference: of }: PaymentReceived,
  invoice: string,
  reference: string,
): boolean {
  return id === transferId(invoice, reference) || (rail === 'stablecoin' && of === reference)
}

/**
 * Finds the transfer with this reference in an invoice's history: its amount (micro-dollars), and whether it was
 * reversed.
 */
export function transferIn(
  history: readonly InvoiceEvent[],
  invoice: string,
  reference: string,
): { amount: bigint; returned: boolean } | null {
  const id = transferId(invoice, reference)
  const found = history.flatMap(({ kind, document }) =>
    kind === 'payment' && document.id === id ? document : [],
  )[0]
  const returned = history.some(({ kind, document }) => kind === 'reversal' && document.id === returnId(id))
  return found ? { amount: found.amount, returned } : null
}

function transferId(invoice: string, reference: string): string {
  return `transfer:${invoice}:${reference}`
}

function returnId(payment: string): string {
  return `returned:${payment}`
}

/**
 * Drops reversals that were undone before either event was recorded, so that a dispute that was won does not mark the
 * invoice past due.
 */
async function withoutUndoneReversals(
  line: CreditLineStub,
  { id }: InvoiceStanding,
  events: PaymentEvent[],
): Promise<PaymentEvent[]> {
  const returned = new Set(events.flatMap((event) => (event.kind === 'paid' ? event.payment.reference : [])))
  const undone = events.flatMap((event) =>
    event.kind === 'reversed' && returned.has(event.reversal.id) ? event.reversal.id : [],
  )
  if (undone.length === 0) return events
  const history = await line.history(id)
  const known = new Set(history.flatMap(({ kind, document }) => (kind === 'reversal' ? document.id : [])))
  const skipped = new Set(undone.filter((reversal) => !known.has(reversal)))
  return events.filter(
    (event) =>
      !(event.kind === 'reversed' && skipped.has(event.reversal.id)) &&
      !(event.kind === 'paid' && skipped.has(event.payment.reference)),
  )
}

async function recordEvent(
  numbers: BillSettings['numbers'],
  line: CreditLineStub,
  invoice: InvoiceStanding,
  event: PaymentEvent,
): Promise<Checked> {
  switch (event.kind) {
    case 'paid':
      return { invoice: await line.paid(event.payment), findings: [] }
    case 'reversed':
      return { invoice: await line.reversed(event.reversal), findings: [] }
    case 'failed':
      return { invoice: await line.failed(event.failure), findings: [] }
    case 'credited':
      return adoptCreditNote(numbers, line, invoice, event.credit).catch((fault) => ({
        invoice,
        findings: [railFailed(invoice, fault)],
      }))
  }
}
