/** Cards and banks: an invoice of ours as one invoice at Stripe, made once, and read back from Stripe alone. */

import Stripe from 'stripe'
import { isoDay } from '../../ledger/billing/period.ts'
import type { CreditNote, Invoice, InvoiceStanding, Presented } from '../../ledger/billing/types.ts'
import { vatWords } from '../../ledger/billing/vat.ts'
import { DAY_MS } from '../../platform/time.ts'
import { CENT, type Movement, type Rail, RailFault, type Touched } from '../rail.ts'
import { movementsOf } from './movements.ts'

export type StripeSettings = {
  secretKey: string
  webhookSecret: string
  /** Stripe's own API unless given. */
  api?: URL
  /** How it is reached. */
  fetch?: typeof fetch
  /** Unix milliseconds. */
  now: () => number
}

/** What a webhook is about. `ignored` is an event of no invoice of ours. */
export type Heard =
  | { outcome: 'refused' }
  | { outcome: 'ignored' }
  | ({ outcome: 'touched'; event: string } & Touched)

export type StripeRail = Rail & {
  /** Reads a webhook. Only its signature and the object it names are believed; the rest is read anew. @throws RailFault */
  hear(body: string, signature: string | null): Promise<Heard>
}

/** Stripe charges no card for less. */
const LEAST = 50n * CENT
const TIMEOUT_MS = 10_000
const RETRIES = 2
/** Seconds that a webhook may have been on its way. */
const TOLERANCE = 300

const EVENTS = [
  'invoice.paid',
  'invoice.payment_failed',
  'invoice.marked_uncollectible',
  'invoice.voided',
  'invoice_payment.paid',
  'charge.dispute.created',
  'charge.dispute.closed',
  'charge.refunded',
  'credit_note.created',
  'refund.failed',
]

export function stripeRail(settings: StripeSettings): StripeRail {
  const stripe = open(settings)
  return {
    name: 'stripe',
    unit: CENT,
    least: LEAST,
    present: async (invoice) => invoice.presented ?? asked(() => present(stripe, invoice)),
    check: (invoice) => asked(() => check(stripe, invoice, settings.now())),
    credit: (invoice, note) => asked(() => credit(stripe, invoice, note)),
    collects: (invoice) => asked(() => collects(stripe, invoice)),
    since: (at) => asked(() => since(stripe, at)),
    async hear(body, signature) {
      const event = await verified(stripe, settings, body, signature)
      return event ? asked(() => hear(stripe, event)) : { outcome: 'refused' }
    },
  }
}

function open({ secretKey, api, fetch: reach = fetch }: StripeSettings): Stripe {
  return new Stripe(secretKey, {
    httpClient: Stripe.createFetchHttpClient((input: RequestInfo | URL, init?: RequestInit) =>
      reach(input, init),
    ),
    maxNetworkRetries: RETRIES,
    timeout: TIMEOUT_MS,
    telemetry: false,
    ...(api && {
      protocol: api.protocol === 'http:' ? ('http' as const) : ('https' as const),
      host: api.hostname,
      port: api.port || (api.protocol === 'http:' ? '80' : '443'),
    }),
  })
}

/**
 * Makes what is missing. Idempotency keys make repeats harmless for a day; after that, what was made is found by our own name
 * on it (faults: F20).
 */
async function present(stripe: Stripe, invoice: Invoice): Promise<Presented> {
  const customer = await customerOf(stripe, invoice)
  const found =
    (await findInvoice(stripe, customer.id, invoice.id)) ?? (await draft(stripe, customer, invoice))
  if (found.status !== 'draft') return presentedAs(found)
  await fill(stripe, customer.id, found.id, invoice)
  const filled = await stripe.invoices.retrieve(found.id)
  if (filled.total !== cents(invoice.total)) {
    throw new RailFault(
      `stripe has ${filled.total} cents for ${invoice.id}, which is over ${cents(invoice.total)}`,
    )
  }
  const key = { idempotencyKey: `tab402:finalize:${found.id}` }
  const final = await stripe.invoices.finalizeInvoice(found.id, { auto_advance: true }, key)
  if (final.collection_method !== 'send_invoice') return presentedAs(final)
  const sent = { idempotencyKey: `tab402:send:${found.id}` }
  return presentedAs(await stripe.invoices.sendInvoice(found.id, {}, sent))
}

/** The customer that stands for an agent, with the buyer's details as they are now. */
async function customerOf(stripe: Stripe, { agent, buyer }: Invoice): Promise<Stripe.Customer> {
  const query = `metadata['tab402_agent']:'${agent.replace(/[\\']/g, '\\$&')}'`
  const { data } = await stripe.customers.search({ query, limit: 1 })
  const known =
    data[0] ??
    (await stripe.customers.create(
      { metadata: { tab402_agent: agent } },
      // The search finds a new customer after a minute or so; until then the key does.
      { idempotencyKey: `tab402:customer:${agent}` },
    ))
  return stripe.customers.update(known.id, {
    name: buyer.name,
    address: { line1: buyer.address ?? '', country: buyer.country },
    ...(buyer.email !== undefined && { email: buyer.email }),
  })
}

async function findInvoice(
  stripe: Stripe,
  customer: string,
  id: string,
): Promise<Stripe.Invoice | undefined> {
  for await (const invoice of stripe.invoices.list({ customer, limit: 100 })) {
    if (invoice.metadata?.tab402_invoice === id) return invoice
  }
  return undefined
}

/** Charged by itself where the customer has left a way to pay, else sent to be paid on Stripe's page. */
async function draft(stripe: Stripe, customer: Stripe.Customer, invoice: Invoice): Promise<Stripe.Invoice> {
  const { id, agent, issuedAt, dueAt, from, to, seller, buyer, vat } = invoice
  const method = customer.invoice_settings.default_payment_method ? 'charge_automatically' : 'send_invoice'
  const taxIds = [
    { name: 'Seller tax id', value: seller.taxId },
    { name: 'Buyer tax id', value: buyer.taxId },
  ].flatMap(({ name, value }) => (value === undefined ? [] : { name, value }))
  return stripe.invoices.create(
    {
      customer: customer.id,
      currency: 'usd',
      number: id,
      auto_advance: false,
      collection_method: method,
      ...(method === 'send_invoice' && {
        days_until_due: Math.max(0, Math.round((dueAt - issuedAt) / DAY_MS)),
      }),
      pending_invoice_items_behavior: 'exclude',
      description: `Access by crawlers, ${isoDay(from)} to ${isoDay(to - 1)}`,
      footer: vatWords(vat),
      ...(taxIds.length > 0 && { custom_fields: taxIds }),
      metadata: { tab402_invoice: id, tab402_agent: agent },
    },
    { idempotencyKey: `tab402:invoice:${id}:${method}` },
  )
}

/** One item for the net amount and one for the VAT, each once. */
async function fill(stripe: Stripe, customer: string, reference: string, invoice: Invoice): Promise<void> {
  const { id, net, vat, periods } = invoice
  const { data } = await stripe.invoices.listLineItems(reference, { limit: 100 })
  const there = new Set(data.map(({ metadata }) => metadata.tab402_item))
  const items = [
    { item: `${id}:net`, value: net, description: `Statements ${shortly(periods)}` },
    { item: `${id}:vat`, value: vat.amount, description: vatWords(vat) },
  ]
  for (const { item, value, description } of items) {
    if (value === 0n || there.has(item)) continue
    await stripe.invoiceItems.create(
      {
        customer,
        invoice: reference,
        currency: 'usd',
        amount: cents(value),
        description,
        metadata: { tab402_item: item },
      },
      { idempotencyKey: `tab402:item:${item}` },
    )
  }
}

async function check(stripe: Stripe, standing: InvoiceStanding, now: number): Promise<Movement[]> {
  const reference = standing.presented?.reference
  if (reference === undefined) return []
  const invoice = await stripe.invoices.retrieve(reference)
  if (invoice.metadata?.tab402_invoice !== standing.id) {
    throw new RailFault(`stripe’s ${reference} is not ${standing.id}`)
  }
  const payments: Stripe.InvoicePayment[] = []
  const expand = ['data.payment.payment_intent.latest_charge']
  for await (const payment of stripe.invoicePayments.list({ invoice: reference, limit: 100, expand })) {
    // The list begins with the newest.
    payments.unshift(payment)
  }
  return movementsOf(stripe, standing, invoice, payments, now)
}

/**
 * What is not paid yet is asked for no more; the money of what is, the operator gives back in a way of their own. A voided
 * invoice asks for nothing anyway, and takes no notes.
 */
async function credit(stripe: Stripe, { presented }: InvoiceStanding, note: CreditNote): Promise<void> {
  if (!presented) return
  for await (const made of stripe.creditNotes.list({ invoice: presented.reference, limit: 100 })) {
    if (made.metadata?.tab402_note === note.id) return
  }
  const invoice = await stripe.invoices.retrieve(presented.reference)
  const { status, total, amount_remaining: open } = invoice
  // Stripe refuses a note over more than its own notes have left.
  const left = total - invoice.pre_payment_credit_notes_amount - invoice.post_payment_credit_notes_amount
  // What is below a cent is asked for there, and found to be overpaid: asked for here, it would be dunned.
  const amount = Math.min(cents(note.total - (note.total % CENT)), left)
  if (status === 'void' || amount <= 0) return
  await stripe.creditNotes.create(
    {
      invoice: presented.reference,
      amount,
      ...(amount > open && { out_of_band_amount: amount - open }),
      memo: note.reason,
      metadata: { tab402_note: note.id },
    },
    { idempotencyKey: `tab402:note:${note.id}` },
  )
}

/** One that was paid there once is closed there, also when the money was taken back. */
async function collects(stripe: Stripe, { presented }: InvoiceStanding): Promise<boolean> {
  if (!presented) return true
  const { status } = await stripe.invoices.retrieve(presented.reference)
  return status !== 'paid' && status !== 'void'
}

async function verified(
  stripe: Stripe,
  { webhookSecret, now }: StripeSettings,
  body: string,
  signature: string | null,
): Promise<Stripe.Event | null> {
  const provider = Stripe.createSubtleCryptoProvider()
  try {
    const header = signature ?? ''
    return await stripe.webhooks.constructEventAsync(body, header, webhookSecret, TOLERANCE, provider, now())
  } catch (thrown) {
    if (thrown instanceof Stripe.errors.StripeSignatureVerificationError || thrown instanceof SyntaxError) {
      return null
    }
    throw thrown
  }
}

async function hear(stripe: Stripe, event: Stripe.Event): Promise<Heard> {
  const touched = await touchedBy(stripe, event)
  return touched ? { outcome: 'touched', event: event.id, ...touched } : { outcome: 'ignored' }
}

/** What was missed while no webhook came through. Stripe remembers its events for thirty days. */
async function since(stripe: Stripe, at: number): Promise<Touched[]> {
  const found = new Map<string, Touched | null>()
  const created = { gte: Math.floor(at / 1000) }
  for await (const { data } of stripe.events.list({ types: EVENTS, created, limit: 100 })) {
    const object = data.object as Named
    const reference = await referenceOf(stripe, object)
    if (reference === null || found.has(reference)) continue
    // Most may be none of ours: what an invoice’s own event says of it will do to know.
    const { metadata } = object.object === 'invoice' ? object : await stripe.invoices.retrieve(reference)
    found.set(reference, named(metadata))
  }
  return [...found.values()].flatMap((touched) => touched ?? [])
}

async function touchedBy(stripe: Stripe, { data }: Stripe.Event): Promise<Touched | null> {
  const reference = await referenceOf(stripe, data.object as Named)
  if (reference === null) return null
  const { metadata } = await stripe.invoices.retrieve(reference)
  return named(metadata)
}

/** Which of our invoices it is, by the names that we have given it. */
function named(metadata: Stripe.Metadata | null | undefined): Touched | null {
  const { tab402_agent: agent, tab402_invoice: invoice } = metadata ?? {}
  return agent !== undefined && invoice !== undefined ? { agent, invoice } : null
}

/** The names of an event's object that lead to an invoice. */
type Named = {
  object: string
  id: string
  invoice?: string | { id: string } | null
  payment_intent?: string | { id: string } | null
  metadata?: Stripe.Metadata | null
}

async function referenceOf(stripe: Stripe, object: Named): Promise<string | null> {
  if (object.object === 'invoice') return object.id
  if (object.invoice) return idOf(object.invoice)
  const intent = object.object === 'payment_intent' ? object.id : object.payment_intent
  if (!intent) return null
  const payment = { type: 'payment_intent', payment_intent: idOf(intent) } as const
  const { data } = await stripe.invoicePayments.list({ payment, limit: 1 })
  return data[0] ? idOf(data[0].invoice) : null
}

function idOf(named: string | { id: string }): string {
  return typeof named === 'string' ? named : named.id
}

function presentedAs({ id, hosted_invoice_url: url }: Stripe.Invoice): Presented {
  return { reference: id, url: url ?? null, instructions: null }
}

/** @throws RangeError for what is no whole number of cents: an invoice of this rail never is */
function cents(value: bigint): number {
  if (value % CENT !== 0n) throw new RangeError(`${value} micro-dollars are no whole cents`)
  return Number(value / CENT)
}

function shortly(periods: string[]): string {
  return periods.length > 3 ? `${periods[0]} to ${periods.at(-1)}` : periods.join(', ')
}

/** Whatever Stripe or the way to it answered, nothing of it is told but its kind: messages may quote keys and cards. */
async function asked<Value>(ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask()
  } catch (thrown) {
    if (!(thrown instanceof Stripe.errors.StripeError)) throw thrown
    const { type, code, statusCode, requestId } = thrown
    const words = [type, code, statusCode, requestId].filter((word) => word !== undefined)
    throw new RailFault(`stripe: ${words.join(' ')}`)
  }
}
