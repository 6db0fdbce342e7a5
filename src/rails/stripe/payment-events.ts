/** Derives the payments, reversals and failures of an invoice from Stripe's own state. Reads only; stores nothing. */
import type Stripe from 'stripe'
import { CENT, type PaymentEvent } from '../rail.ts'

/** Statuses of disputes that have taken the money back, at least for now. Inquiries (`warning_…`) have not. */
const WITHDRAWN = new Set(['needs_response', 'under_review', 'lost', 'won'])

/**
 * Returns every event of an invoice. Each has an id from Stripe, so that repeated reads return the same events. `now`:
 * Unix ms.
 */
export async function paymentEventsOf(
  stripe: Stripe,
  invoice: string,
  at: Stripe.Invoice,
  payments: readonly Stripe.InvoicePayment[],
  now: number,
): Promise<PaymentEvent[]> {
  const notes = await notesOf(stripe, at)
  // Credit notes come first: a refund of a credited amount must not make the invoice due, not even for a moment.
  const events = notes.map(credited)
  const received = receivedOn(at)
  let known = 0
  for (const payment of payments) {
    const intent = expanded(payment.payment.payment_intent)
    if (payment.status === 'paid' && payment.amount_paid !== null) {
      known += payment.amount_paid
      const reference = idOf(payment.payment.payment_intent ?? payment.payment.charge) ?? payment.id
      const paidAt = msOf(payment.status_transitions.paid_at ?? payment.created)
      events.push(paid(invoice, payment.id, payment.amount_paid, reference, paidAt))
      // A refund that failed leaves no mark on its charge, so reversals are looked for each time.
      if (intent) events.push(...(await reversalsOf(stripe, invoice, payment.id, intent)))
    } else if (payment.status === 'open' && intent?.last_payment_error && !intent.amount_received) {
      const charge = expanded(intent.latest_charge)
      const { code, decline_code: declined } = intent.last_payment_error
      const id = `${intent.id}:${charge?.id ?? code ?? 'failed'}`
      const failedAt = charge ? msOf(charge.created) : now
      const reason = declined ?? code ?? 'the payment failed'
      events.push({ kind: 'failed', failure: { id, invoice, reason, at: failedAt } })
    }
  }
  if (at.status === 'paid' && received > known) {
    // Stripe lists no payment for an invoice marked as paid in its dashboard, or paid from the customer's balance.
    events.push(paid(invoice, `${at.id}:rest`, received - known, at.id, now))
  }
  events.push(...notes.flatMap((note) => toBalance(invoice, at.id, note)))
  if (at.status === 'uncollectible' || at.status === 'void') {
    const reason = `${at.status} at Stripe`
    events.push({ kind: 'failed', failure: { id: `${at.id}:${at.status}`, invoice, reason, at: now } })
  }
  return events
}

/**
 * In cents. Stripe's amounts leave out payments from the customer's balance, so a paid invoice counts as paid in full.
 */
function receivedOn({ status, total, amount_paid: paid, ...at }: Stripe.Invoice): number {
  return status === 'paid' ? Math.max(paid, total - at.pre_payment_credit_notes_amount) : paid
}

/** The credit notes that were written at Stripe, the oldest first. Notes with `tab402_note` were written here. */
async function notesOf(stripe: Stripe, at: Stripe.Invoice): Promise<Stripe.CreditNote[]> {
  const notes: Stripe.CreditNote[] = []
  if (at.pre_payment_credit_notes_amount + at.post_payment_credit_notes_amount === 0) return notes
  const expand = ['data.customer_balance_transaction']
  for await (const note of stripe.creditNotes.list({ invoice: at.id, limit: 100, expand })) {
    if (note.status !== 'void' && note.metadata?.tab402_note === undefined) notes.unshift(note)
  }
  return notes
}

function credited({ id: reference, amount, memo, created }: Stripe.CreditNote): PaymentEvent {
  const reason = memo ?? 'credited at Stripe'
  return { kind: 'credited', credit: { reference, total: micro(amount), reason, at: msOf(created) } }
}

/** Money moved from this invoice to the customer's balance. In a balance transaction, a credit is below zero. */
function toBalance(invoice: string, payment: string, note: Stripe.CreditNote): PaymentEvent[] {
  const moved = expanded(note.customer_balance_transaction)
  if (!moved) return []
  const words = 'to the customer’s balance'
  return [reversed(invoice, payment, moved.id, -moved.amount, words, msOf(note.created))]
}

async function reversalsOf(
  stripe: Stripe,
  invoice: string,
  payment: string,
  { id: intent }: Stripe.PaymentIntent,
): Promise<PaymentEvent[]> {
  const events: PaymentEvent[] = []
  for await (const { id, status, amount, created, reason } of stripe.disputes.list({
    payment_intent: intent,
  })) {
    if (!WITHDRAWN.has(status)) continue
    const words = `disputed: ${reason}`
    events.push(reversed(invoice, payment, id, amount, words, msOf(created)))
    if (status === 'won') events.push(paid(invoice, `${id}:won`, amount, id, msOf(created)))
  }
  for await (const { id, status, amount, created } of stripe.refunds.list({ payment_intent: intent })) {
    events.push(reversed(invoice, payment, id, amount, 'refunded', msOf(created)))
    // The refund did not reach the payer's bank, so Stripe has the money again.
    if (status === 'failed' || status === 'canceled')
      events.push(paid(invoice, `${id}:${status}`, amount, id, msOf(created)))
  }
  return events
}

function paid(invoice: string, id: string, cents: number, reference: string, at: number): PaymentEvent {
  return { kind: 'paid', payment: { id, invoice, amount: micro(cents), rail: 'stripe', reference, at } }
}

function reversed(
  invoice: string,
  payment: string,
  id: string,
  cents: number,
  reason: string,
  at: number,
): PaymentEvent {
  return { kind: 'reversed', reversal: { id, invoice, payment, amount: micro(cents), reason, at } }
}

function micro(cents: number): bigint {
  return BigInt(cents) * CENT
}

function msOf(seconds: number): number {
  return seconds * 1000
}

function expanded<Thing extends object>(named: string | Thing | null | undefined): Thing | null {
  return typeof named === 'object' ? named : null
}

function idOf(named: string | { id: string } | null | undefined): string | undefined {
  return typeof named === 'string' ? named : named?.id
}
