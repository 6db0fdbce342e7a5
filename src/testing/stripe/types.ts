/** The objects of Stripe's API that the local Stripe knows, reduced to the fields that are used. Times in Unix seconds. */

/** A customer. */
export type Customer = {
  id: string
  object: 'customer'
  created: number
  name: string | null
  email: string | null
  address: Record<string, string> | null
  invoice_settings: { default_payment_method: string | null }
  metadata: Record<string, string>
}

/** An invoice. Its amounts are cents of `currency`. */
export type StripeInvoice = {
  id: string
  object: 'invoice'
  created: number
  customer: string
  currency: string
  number: string | null
  status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void'
  collection_method: string
  total: number
  amount_due: number
  amount_paid: number
  amount_remaining: number
  pre_payment_credit_notes_amount: number
  post_payment_credit_notes_amount: number
  hosted_invoice_url: string | null
  footer: string | null
  description: string | null
  due_date: number | null
  metadata: Record<string, string>
}

/** One line of an invoice. `amount` is in cents. */
export type StripeLine = {
  id: string
  object: 'line_item'
  invoice: string
  amount: number
  currency: string
  description: string | null
  metadata: Record<string, string>
}

/** One try to charge a card. Amounts in cents. */
export type StripeCharge = {
  id: string
  object: 'charge'
  created: number
  amount: number
  amount_refunded: number
  disputed: boolean
  payment_intent: string
  status: 'succeeded' | 'failed'
}

/** A payment intent, which the charges of one payment share. Amounts in cents. */
export type Intent = {
  id: string
  object: 'payment_intent'
  created: number
  amount: number
  amount_received: number
  status: 'requires_payment_method' | 'succeeded'
  latest_charge: string | null
  last_payment_error: { type: string; code: string; decline_code: string } | null
}

/** A payment of one invoice, pending or paid. Amounts in cents. */
export type StripePayment = {
  id: string
  object: 'invoice_payment'
  created: number
  invoice: string
  is_default: boolean
  amount_requested: number
  amount_paid: number | null
  currency: string
  status: 'open' | 'paid' | 'canceled'
  payment: { type: 'payment_intent'; payment_intent: string }
  status_transitions: { paid_at: number | null; canceled_at: number | null }
}

/** A payment that the payer's bank took back. `amount` in cents. */
export type Dispute = {
  id: string
  object: 'dispute'
  created: number
  amount: number
  reason: string
  status: 'needs_response' | 'won' | 'lost'
  payment_intent: string
}

/** A refund of one payment. `amount` in cents. */
export type Refund = {
  id: string
  object: 'refund'
  created: number
  amount: number
  status: 'succeeded' | 'failed'
  payment_intent: string
}

/** A credit note on an invoice. `amount` in cents. */
export type StripeCreditNote = {
  id: string
  object: 'credit_note'
  created: number
  invoice: string
  amount: number
  status: 'issued' | 'void'
  memo: string | null
  metadata: Record<string, string>
}

/** An event, with the object as it was at that time. */
export type Event = {
  id: string
  object: 'event'
  created: number
  type: string
  livemode: false
  data: { object: { object: string; id: string } }
}
