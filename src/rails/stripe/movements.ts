/** What Stripe's own state says came in for an invoice, was taken back, or failed. Reads; notes nothing. */
import type Stripe from 'stripe'
import type { InvoiceStanding } from '../../ledger/billing/types.ts'
import { CENT, type Movement } from '../rail.ts'

/** Disputes that have taken the money back, at least for now. Inquiries (`warning_…`) have not. */
const TAKEN = new Set(['needs_response', 'under_review', 'lost', 'won'])

/** Every movement of an invoice, each with an id of Stripe's, so that it is the same however often it is read. */
export async function movementsOf(
  stripe: Stripe,
  { id: invoice, paid: noted }: Pick<InvoiceStanding, 'id' | 'paid'>,
  at: Stripe.Invoice,
  payments: readonly Stripe.InvoicePayment[],
  now: number,
): Promise<Movement[]> {
  const notes = await notesOf(stripe, at)
  // First: money given back for what was credited is no debt, not even for a moment.
  const movements = notes.map(credited)
  // What was taken back and is here again leaves no mark on its charge.
  const received = receivedOn(at)
  const isShort = noted < micro(received)
  let known = 0
  for (const payment of payments) {
    const intent = expanded(payment.payment.payment_intent)
    if (payment.status === 'paid' && payment.amount_paid !== null) {
      known += payment.amount_paid
      const reference = idOf(payment.payment.payment_intent ?? payment.payment.charge) ?? payment.id
      const paidAt = seconds(payment.status_transitions.paid_at ?? payment.created)
      movements.push(paid(invoice, payment.id, payment.amount_paid, reference, paidAt))
      if (intent && (isShort || wasTouched(intent)))
        movements.push(...(await takenBack(stripe, invoice, payment.id, intent)))
    } else if (payment.status === 'open' && intent?.last_payment_error && !intent.amount_received) {
      const charge = expanded(intent.latest_charge)
      const { code, decline_code: declined } = intent.last_payment_error
      const id = `${intent.id}:${charge?.id ?? code ?? 'failed'}`
      const failedAt = charge ? seconds(charge.created) : now
      const reason = declined ?? code ?? 'the payment failed'
      movements.push({ kind: 'failed', failure: { id, invoice, reason, at: failedAt } })
    }
  }
  if (at.status === 'paid' && received > known) {
    // Marked as paid in Stripe's dashboard, or paid from the customer's balance: no payment of it is listed.
    movements.push(paid(invoice, `${at.id}:rest`, received - known, at.id, now))
  }
  movements.push(...notes.flatMap((note) => toBalance(invoice, at.id, note)))
  if (at.status === 'uncollectible' || at.status === 'void') {
    const reason = `${at.status} at Stripe`
    movements.push({ kind: 'failed', failure: { id: `${at.id}:${at.status}`, invoice, reason, at: now } })
  }
  return movements
}

/** In cents. What comes from the customer's balance is in no amount of an invoice; one that is paid lacks nothing, though. */
function receivedOn({ status, total, amount_paid: paid, ...at }: Stripe.Invoice): number {
  return status === 'paid' ? Math.max(paid, total - at.pre_payment_credit_notes_amount) : paid
}

/** The notes that were written at Stripe, the oldest first; those with a number of ours are known. */
async function notesOf(stripe: Stripe, at: Stripe.Invoice): Promise<Stripe.CreditNote[]> {
  const notes: Stripe.CreditNote[] = []
  if (at.pre_payment_credit_notes_amount + at.post_payment_credit_notes_amount === 0) return notes
  const expand = ['data.customer_balance_transaction']
  for await (const note of stripe.creditNotes.list({ invoice: at.id, limit: 100, expand })) {
    if (note.status !== 'void' && note.metadata?.tab402_note === undefined) notes.unshift(note)
  }
  return notes
}

function credited({ id: reference, amount, memo, created }: Stripe.CreditNote): Movement {
  const reason = memo ?? 'credited at Stripe'
  return { kind: 'credited', credit: { reference, total: micro(amount), reason, at: seconds(created) } }
}

/** What was paid for the invoice and pays for another now. A credit on the balance is below zero. */
function toBalance(invoice: string, payment: string, note: Stripe.CreditNote): Movement[] {
  const moved = expanded(note.customer_balance_transaction)
  if (!moved) return []
  const words = 'to the customer’s balance'
  return [reversed(invoice, payment, moved.id, -moved.amount, words, seconds(note.created))]
}

function wasTouched({ latest_charge: latest }: Stripe.PaymentIntent): boolean {
  const charge = expanded(latest)
  return charge === null || charge.disputed || charge.amount_refunded > 0
}

async function takenBack(
  stripe: Stripe,
  invoice: string,
  payment: string,
  { id: intent }: Stripe.PaymentIntent,
): Promise<Movement[]> {
  const movements: Movement[] = []
  for await (const { id, status, amount, created, reason } of stripe.disputes.list({
    payment_intent: intent,
  })) {
    if (!TAKEN.has(status)) continue
    const words = `disputed: ${reason}`
    movements.push(reversed(invoice, payment, id, amount, words, seconds(created)))
    if (status === 'won') movements.push(paid(invoice, `${id}:won`, amount, id, seconds(created)))
  }
  for await (const { id, status, amount, created } of stripe.refunds.list({ payment_intent: intent })) {
    movements.push(reversed(invoice, payment, id, amount, 'refunded', seconds(created)))
    // The money has come back from the payer's bank.
    if (status === 'failed' || status === 'canceled')
      movements.push(paid(invoice, `${id}:${status}`, amount, id, seconds(created)))
  }
  return movements
}

function paid(invoice: string, id: string, cents: number, reference: string, at: number): Movement {
  return { kind: 'paid', payment: { id, invoice, amount: micro(cents), rail: 'stripe', reference, at } }
}

function reversed(
  invoice: string,
  payment: string,
  id: string,
  cents: number,
  reason: string,
  at: number,
): Movement {
  return { kind: 'reversed', reversal: { id, invoice, payment, amount: micro(cents), reason, at } }
}

function micro(cents: number): bigint {
  return BigInt(cents) * CENT
}

function seconds(at: number): number {
  return at * 1000
}

function expanded<Thing extends object>(named: string | Thing | null | undefined): Thing | null {
  return typeof named === 'object' ? named : null
}

function idOf(named: string | { id: string } | null | undefined): string | undefined {
  return typeof named === 'string' ? named : named?.id
}
