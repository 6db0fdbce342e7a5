/** The data of a local Stripe: customers, invoices, payments, disputes, events; and the actions of payers and their banks. */
import type {
  Customer,
  Dispute,
  Event,
  Intent,
  Refund,
  StripeCharge,
  StripeCreditNote,
  StripeInvoice,
  StripeLine,
  StripePayment,
} from './types.ts'

/** A broken rule of Stripe's: the `error` of its answer, with its status. */
export class StripeRefusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

type Lists =
  | 'customers'
  | 'invoices'
  | 'lines'
  | 'payments'
  | 'intents'
  | 'charges'
  | 'disputes'
  | 'refunds'
  | 'notes'
  | 'events'

/** The data stored between two runs. `made`: how many ids were issued. */
export type KeptBooks = Pick<StripeBooks, Lists> & { made: number }

export class StripeBooks {
  readonly customers: Customer[] = []
  readonly invoices: StripeInvoice[] = []
  readonly lines: StripeLine[] = []
  readonly payments: StripePayment[] = []
  readonly intents: Intent[] = []
  readonly charges: StripeCharge[] = []
  readonly disputes: Dispute[] = []
  readonly refunds: Refund[] = []
  readonly notes: StripeCreditNote[] = []
  readonly events: Event[] = []
  readonly #now: () => number
  #made = 0

  /** `now` in Unix milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Unix seconds. */
  get time(): number {
    return Math.floor(this.#now() / 1000)
  }

  /** All that is in the books, as plain JSON. */
  kept(): KeptBooks {
    return { ...this, made: this.#made }
  }

  /** Goes on where other books were when they were {@link kept}. */
  restore({ made, ...lists }: KeptBooks): void {
    Object.assign(this, lists)
    this.#made = made
  }

  newId(prefix: string): string {
    return `${prefix}_${String(++this.#made).padStart(8, '0')}`
  }

  invoice(id: string): StripeInvoice {
    return found(this.invoices, id)
  }

  addLine(
    invoice: StripeInvoice,
    line: Pick<StripeLine, 'amount' | 'currency' | 'description' | 'metadata'>,
  ): StripeLine {
    if (invoice.status !== 'draft')
      throw new StripeRefusal(400, 'invoice_not_editable', 'The invoice must be a draft.')
    const made: StripeLine = { id: this.newId('il'), object: 'line_item', invoice: invoice.id, ...line }
    this.lines.push(made)
    invoice.total += line.amount
    invoice.amount_due = invoice.amount_remaining = invoice.total
    return made
  }

  /** An open invoice has one payment that waits. A customer with a card on file is charged at once. */
  finalize(invoice: StripeInvoice, pages: string): void {
    if (invoice.status !== 'draft')
      throw new StripeRefusal(400, 'invoice_not_editable', 'The invoice must be a draft.')
    invoice.status = 'open'
    invoice.hosted_invoice_url = `${pages}/${invoice.id}`
    this.#await(invoice, invoice.amount_due, true)
    this.#happened('invoice.finalized', invoice)
    const card = found(this.customers, invoice.customer).invoice_settings.default_payment_method
    if (invoice.collection_method === 'charge_automatically') this.pay(invoice.id, card ?? 'pm_none')
  }

  /** The payer's doing: pays with a card (`pm_card_declined` is declined), in part if `cents` says so. */
  pay(id: string, card = 'pm_card_visa', cents?: number): void {
    const invoice = this.invoice(id)
    if (invoice.status !== 'open') throw new StripeRefusal(400, 'invoice_not_payable', 'It is not open.')
    const payment = this.payments.find((one) => one.invoice === id && one.status === 'open')
    if (!payment) throw new Error(`${id} must have an open payment`)
    const intent = found(this.intents, payment.payment.payment_intent)
    const paid = cents ?? invoice.amount_remaining
    const charge = this.#charge(intent, paid, card === 'pm_card_visa')
    if (charge.status === 'failed') {
      intent.last_payment_error = {
        type: 'card_error',
        code: 'card_declined',
        decline_code: 'generic_decline',
      }
      this.#happened('invoice.payment_failed', invoice)
      return
    }
    Object.assign(intent, { status: 'succeeded', amount_received: paid, last_payment_error: null })
    payment.status = 'paid'
    payment.amount_paid = paid
    payment.status_transitions.paid_at = this.time
    this.#happened('invoice_payment.paid', payment)
    this.#receive(invoice, paid)
  }

  /** Marks an invoice as paid by hand, as in the dashboard. */
  markPaid(id: string): void {
    const invoice = this.invoice(id)
    this.#receive(invoice, invoice.amount_remaining)
  }

  /** Takes an open invoice back whole, as in the dashboard. */
  cancel(id: string): void {
    const invoice = this.invoice(id)
    if (invoice.status !== 'open') throw new StripeRefusal(400, 'invoice_not_open', 'It is not open.')
    invoice.status = 'void'
    this.#happened('invoice.voided', invoice)
  }

  /** The payer's bank takes the money of the first payment back. */
  dispute(id: string): Dispute {
    const intent = this.#paidBy(id)
    const charge = found(this.charges, intent.latest_charge ?? '')
    charge.disputed = true
    const made: Dispute = {
      id: this.newId('dp'),
      object: 'dispute',
      created: this.time,
      amount: charge.amount,
      reason: 'fraudulent',
      status: 'needs_response',
      payment_intent: intent.id,
    }
    this.disputes.push(made)
    this.#happened('charge.dispute.created', made)
    return made
  }

  close(dispute: Dispute, how: 'won' | 'lost'): void {
    dispute.status = how
    this.#happened('charge.dispute.closed', dispute)
  }

  refund(id: string, cents: number): Refund {
    const intent = this.#paidBy(id)
    const charge = found(this.charges, intent.latest_charge ?? '')
    charge.amount_refunded += cents
    const made: Refund = {
      id: this.newId('re'),
      object: 'refund',
      created: this.time,
      amount: cents,
      status: 'succeeded',
      payment_intent: intent.id,
    }
    this.refunds.push(made)
    this.#happened('charge.refunded', charge)
    return made
  }

  /** The payer's bank sends a refund back. */
  bounce(refund: Refund): void {
    refund.status = 'failed'
    found(this.charges, found(this.intents, refund.payment_intent).latest_charge ?? '').amount_refunded -=
      refund.amount
    this.#happened('refund.failed', refund)
  }

  /** Lowers the remaining amount first. A paid amount needs a refund of its own. */
  credit(
    invoice: StripeInvoice,
    note: Pick<StripeCreditNote, 'amount' | 'memo' | 'metadata'>,
  ): StripeCreditNote {
    if (invoice.status === 'draft' || invoice.status === 'void') {
      throw new StripeRefusal(400, 'invoice_not_creditable', `It is ${invoice.status}.`)
    }
    const made = {
      id: this.newId('cn'),
      object: 'credit_note' as const,
      created: this.time,
      invoice: invoice.id,
      status: 'issued' as const,
      ...note,
    }
    this.notes.push(made)
    this.#happened('credit_note.created', made)
    const open = Math.min(note.amount, invoice.amount_remaining)
    invoice.pre_payment_credit_notes_amount += open
    invoice.post_payment_credit_notes_amount += note.amount - open
    invoice.amount_remaining -= open
    if (open > 0 && invoice.amount_remaining === 0) this.#paidUp(invoice)
    return made
  }

  #receive(invoice: StripeInvoice, cents: number): void {
    invoice.amount_paid += cents
    invoice.amount_remaining -= cents
    if (invoice.amount_remaining > 0) this.#await(invoice, invoice.amount_remaining, false)
    else this.#paidUp(invoice)
  }

  #paidUp(invoice: StripeInvoice): void {
    invoice.status = 'paid'
    this.#happened('invoice.paid', invoice)
  }

  #await(invoice: StripeInvoice, cents: number, first: boolean): void {
    const intent: Intent = {
      id: this.newId('pi'),
      object: 'payment_intent',
      created: this.time,
      amount: cents,
      amount_received: 0,
      status: 'requires_payment_method',
      latest_charge: null,
      last_payment_error: null,
    }
    this.intents.push(intent)
    this.payments.push({
      id: this.newId('inpay'),
      object: 'invoice_payment',
      created: this.time,
      invoice: invoice.id,
      is_default: first,
      amount_requested: cents,
      amount_paid: null,
      currency: invoice.currency,
      status: 'open',
      payment: { type: 'payment_intent', payment_intent: intent.id },
      status_transitions: { paid_at: null, canceled_at: null },
    })
  }

  #charge(intent: Intent, cents: number, good: boolean): StripeCharge {
    const charge: StripeCharge = {
      id: this.newId('ch'),
      object: 'charge',
      created: this.time,
      amount: cents,
      amount_refunded: 0,
      disputed: false,
      payment_intent: intent.id,
      status: good ? 'succeeded' : 'failed',
    }
    this.charges.push(charge)
    intent.latest_charge = charge.id
    return charge
  }

  #paidBy(invoice: string): Intent {
    const payment = this.payments.find((one) => one.invoice === invoice && one.status === 'paid')
    return found(this.intents, payment?.payment.payment_intent ?? '')
  }

  #happened(type: string, object: { object: string; id: string }): void {
    const data = { object: structuredClone(object) }
    this.events.push({
      id: this.newId('evt'),
      object: 'event',
      created: this.time,
      type,
      livemode: false,
      data,
    })
  }
}

export function found<Thing extends { id: string }>(things: readonly Thing[], id: string): Thing {
  const thing = things.find((one) => one.id === id)
  if (!thing) throw new StripeRefusal(404, 'resource_missing', `No such object: ${id}`)
  return thing
}
