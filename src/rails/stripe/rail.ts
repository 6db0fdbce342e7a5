/** Cards and banks: each invoice here becomes one invoice at Stripe. Stripe alone decides whether it is paid. */

import Stripe from 'stripe'
import { isoDay } from '../../ledger/billing/period.ts'
import type { CreditNote, Invoice, InvoiceStanding, Presented } from '../../ledger/billing/types.ts'
import { vatWords } from '../../ledger/billing/vat.ts'
import { cutSecrets } from '../../platform/secrets.ts'
import { DAY_MS } from '../../platform/time.ts'
import { unitOf } from '../index.ts'
import { CENT, type InvoiceRef, type PaymentEvent, type Rail, RailFault } from '../rail.ts'
import { paymentEventsOf } from './payment-events.ts'

/** The keys of a Stripe account, and how to reach it. */
export type StripeSettings = {
  secretKey: string
  webhookSecret: string
  /** The API's address; Stripe's own by default. */
  api?: URL
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch
  /** Unix milliseconds. */
  now: () => number
}

/** The result of reading a webhook. `refused`: not signed by Stripe. `ignored`: about an invoice from elsewhere. */
export type WebhookResult =
  | { outcome: 'refused' }
  | { outcome: 'ignored' }
  | ({ outcome: 'affected'; event: string } & InvoiceRef)

/** The rail `stripe`, and the reader of its webhooks. */
export type StripeRail = Rail & {
  /**
   * Verifies a webhook and finds its invoice. Uses only the object's id from it, and reads the rest from Stripe.
   * @throws RailFault
   */
  readWebhook(body: string, signature: string | null): Promise<WebhookResult>
}

const TIMEOUT_MS = 10_000
const RETRIES = 2
/** The greatest age of a webhook's signature. */
const TOLERANCE_SECONDS = 300

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

/** Makes the rail `stripe`. Every call throws RailFault when Stripe cannot be reached or reports an error. */
export function stripeRail(settings: StripeSettings): StripeRail {
  const stripe = openStripe(settings)
  const secrets = [settings.secretKey, settings.webhookSecret]
  const asked = <Value>(ask: () => Promise<Value>) => withRailFault(secrets, ask)
  return {
    name: 'stripe',
    ...unitOf('stripe'),
    present: async (invoice) => invoice.presented ?? asked(() => present(stripe, invoice)),
    check: (invoice) => asked(() => check(stripe, invoice, settings.now())),
    syncCreditNote: (invoice, note) => asked(() => syncCreditNote(stripe, invoice, note)),
    collects: (invoice) => asked(() => collects(stripe, invoice)),
    since: (at) => asked(() => since(stripe, at)),
    async readWebhook(body, signature) {
      const event = await verified(stripe, settings, body, signature)
      return event ? asked(() => affectedBy(stripe, event)) : { outcome: 'refused' }
    },
  }
}

function openStripe({ secretKey, api, fetch: reach = fetch }: StripeSettings): Stripe {
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
 * Creates what Stripe does not have yet. Idempotency keys make repeats harmless for a day. After that, `metadata` finds
 * the objects of an earlier call (faults: F20).
 */
async function present(stripe: Stripe, invoice: Invoice): Promise<Presented> {
  const customer = await customerOf(stripe, invoice)
  const found =
    (await findInvoice(stripe, customer.id, invoice.id)) ?? (await createDraft(stripe, customer, invoice))
  const final = found.status === 'draft' ? await finalize(stripe, customer.id, found.id, invoice) : found
  if (final.status !== 'open' || final.collection_method !== 'send_invoice') return presentedAs(final)
  const sent = { idempotencyKey: `tab402:send:${final.id}` }
  return presentedAs(await stripe.invoices.sendInvoice(final.id, {}, sent))
}

/** Adds the items to a draft, and finalizes it. @throws RailFault when it comes to another total than the invoice */
async function finalize(
  stripe: Stripe,
  customer: string,
  reference: string,
  invoice: Invoice,
): Promise<Stripe.Invoice> {
  await addItems(stripe, customer, reference, invoice)
  const filled = await stripe.invoices.retrieve(reference)
  if (filled.total !== cents(invoice.total)) {
    throw new RailFault(
      `stripe: the draft of ${invoice.id} must come to the invoice’s total; delete the draft at Stripe`,
    )
  }
  const key = { idempotencyKey: `tab402:finalize:${reference}` }
  return stripe.invoices.finalizeInvoice(reference, { auto_advance: true }, key)
}

/** Returns the Stripe customer of an agent, updated with the buyer's current details. */
async function customerOf(stripe: Stripe, { agent, buyer }: Invoice): Promise<Stripe.Customer> {
  const query = `metadata['tab402_agent']:'${agent.replace(/[\\']/g, '\\$&')}'`
  const { data } = await stripe.customers.search({ query, limit: 1 })
  const known =
    data[0] ??
    (await stripe.customers.create(
      { metadata: { tab402_agent: agent } },
      // Stripe's search lags by about a minute; until then the idempotency key prevents a second customer.
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

/**
 * Creates a draft. Stripe charges the customer's default payment method, or else sends the invoice to be paid on its
 * page.
 */
async function createDraft(
  stripe: Stripe,
  customer: Stripe.Customer,
  invoice: Invoice,
): Promise<Stripe.Invoice> {
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

/** Adds one item for the net amount and one for the VAT, each once. */
async function addItems(
  stripe: Stripe,
  customer: string,
  reference: string,
  invoice: Invoice,
): Promise<void> {
  const { id, net, vat, periods } = invoice
  const { data } = await stripe.invoices.listLineItems(reference, { limit: 100 })
  const existing = new Set(data.map(({ metadata }) => metadata.tab402_item))
  const items = [
    { item: `${id}:net`, value: net, description: `Statements ${periodsText(periods)}` },
    { item: `${id}:vat`, value: vat.amount, description: vatWords(vat) },
  ]
  for (const { item, value, description } of items) {
    if (value === 0n || existing.has(item)) continue
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

async function check(stripe: Stripe, standing: InvoiceStanding, now: number): Promise<PaymentEvent[]> {
  const reference = standing.presented?.reference
  if (reference === undefined) return []
  const invoice = await stripe.invoices.retrieve(reference)
  if (invoice.metadata?.tab402_invoice !== standing.id) {
    throw new RailFault(`stripe: ${reference} must carry the id of ${standing.id}`)
  }
  const payments: Stripe.InvoicePayment[] = []
  const expand = ['data.payment.payment_intent.latest_charge']
  for await (const payment of stripe.invoicePayments.list({ invoice: reference, limit: 100, expand })) {
    // Stripe lists the newest first.
    payments.unshift(payment)
  }
  return paymentEventsOf(stripe, standing.id, invoice, payments, now)
}

/**
 * Writes the credit note at Stripe, which lowers the open amount there. It moves no money: the operator refunds what
 * was already paid by their own means. Stripe accepts no notes on a voided invoice, so this writes none.
 */
async function syncCreditNote(
  stripe: Stripe,
  { presented }: InvoiceStanding,
  note: CreditNote,
): Promise<void> {
  if (!presented) return
  for await (const made of stripe.creditNotes.list({ invoice: presented.reference, limit: 100 })) {
    if (made.metadata?.tab402_note === note.id) return
  }
  const invoice = await stripe.invoices.retrieve(presented.reference)
  const { status, total, amount_remaining: open } = invoice
  // Stripe rejects a note over more than its own notes have left.
  const left = total - invoice.pre_payment_credit_notes_amount - invoice.post_payment_credit_notes_amount
  // Round down: less than a cent then stays open at Stripe, and is overpaid here. The other way round, it would be
  // dunned.
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

/** Stripe closes an invoice for good once it is paid, even if the payment is reversed later. */
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
    return await stripe.webhooks.constructEventAsync(
      body,
      header,
      webhookSecret,
      TOLERANCE_SECONDS,
      provider,
      now(),
    )
  } catch (thrown) {
    if (thrown instanceof Stripe.errors.StripeSignatureVerificationError || thrown instanceof SyntaxError) {
      return null
    }
    throw thrown
  }
}

/** Reads the invoice from Stripe again: the event's own copy of it may be old. */
async function affectedBy(stripe: Stripe, { id: event, data }: Stripe.Event): Promise<WebhookResult> {
  const affected = await unlessMissing(async () => {
    // Thin events and events of other APIs carry no object.
    if (typeof data?.object !== 'object' || data.object === null) return null
    const reference = await referenceOf(stripe, data.object as EventObject)
    return reference === null ? null : invoiceIn((await stripe.invoices.retrieve(reference)).metadata)
  })
  return affected ? { outcome: 'affected', event, ...affected } : { outcome: 'ignored' }
}

/** Lists the invoices of missed webhooks. Stripe keeps its events for thirty days. */
async function since(stripe: Stripe, at: number): Promise<InvoiceRef[]> {
  const found = new Map<string, InvoiceRef | null>()
  const created = { gte: Math.floor(at / 1000) }
  for await (const { data } of stripe.events.list({ types: EVENTS, created, limit: 100 })) {
    const object = data.object as EventObject
    const reference = await unlessMissing(() => referenceOf(stripe, object))
    if (reference === null || found.has(reference)) continue
    // Most may be invoices from elsewhere. An invoice's own event is enough to see that, and saves a request.
    const own = object.object === 'invoice' ? object : null
    const invoice = own ?? (await unlessMissing(() => stripe.invoices.retrieve(reference)))
    found.set(reference, invoiceIn(invoice?.metadata))
  }
  return [...found.values()].flatMap((affected) => affected ?? [])
}

/** Null for what Stripe no longer finds: a deleted object, or one of another mode. That is final, so no retry helps. */
async function unlessMissing<Value>(ask: () => Promise<Value>): Promise<Value | null> {
  try {
    return await ask()
  } catch (thrown) {
    if (thrown instanceof Stripe.errors.StripeError && thrown.code === 'resource_missing') return null
    throw thrown
  }
}

/** Reads the agent and the invoice from the metadata that `createDraft` has set. Null for an invoice from elsewhere. */
function invoiceIn(metadata: Stripe.Metadata | null | undefined): InvoiceRef | null {
  const { tab402_agent: agent, tab402_invoice: invoice } = metadata ?? {}
  return agent !== undefined && invoice !== undefined ? { agent, invoice } : null
}

/** The fields of an event's object that lead to an invoice. */
type EventObject = {
  object: string
  id: string
  invoice?: string | { id: string } | null
  payment_intent?: string | { id: string } | null
  metadata?: Stripe.Metadata | null
}

async function referenceOf(stripe: Stripe, object: EventObject): Promise<string | null> {
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

/** @throws RangeError unless `value` is a whole number of cents, as the amounts of this rail always are */
function cents(value: bigint): number {
  if (value % CENT !== 0n) throw new RangeError('an amount at Stripe must be a whole number of cents')
  return Number(value / CENT)
}

function periodsText(periods: string[]): string {
  return periods.length > 3 ? `${periods[0]} to ${periods.at(-1)}` : periods.join(', ')
}

/** Turns an error of Stripe into a RailFault with its type and codes only: the message may quote keys and cards. */
async function withRailFault<Value>(secrets: string[], ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask()
  } catch (thrown) {
    if (!(thrown instanceof Stripe.errors.StripeError)) throw thrown
    const { type, code, statusCode, requestId } = thrown
    const words = [type, code, statusCode, requestId].filter((word) => word !== undefined)
    throw new RailFault(cutSecrets(`stripe: ${words.join(' ')}`, secrets))
  }
}
