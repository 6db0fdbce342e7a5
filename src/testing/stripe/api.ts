/** The calls of Stripe's API that we make, each as Stripe answers it. */
import { found, type StripeBooks, StripeRefusal } from './books.ts'
import type { Customer, StripeCreditNote, StripeInvoice, StripePayment } from './types.ts'

/** Parameters by name, as Stripe spells them: `metadata[key]`, `expand[0]`. */
export type Form = Map<string, string>

/** `path` without `/v1`. */
export type StripeCall = { method: string; path: string[]; form: Form }

export class StripeApi {
  readonly books: StripeBooks
  readonly #pages: string
  readonly #indexing: number

  /** `pages`: where invoices are paid. `indexing`: milliseconds until the search finds a new customer. */
  constructor(books: StripeBooks, pages: string, indexing: number) {
    this.books = books
    this.#pages = pages
    this.#indexing = indexing
  }

  /** What Stripe answers to a call. @throws StripeRefusal */
  answer({ method, path, form }: StripeCall): unknown {
    const { books } = this
    const [kind = '', id = '', verb = ''] = path
    switch (`${method} ${kind}${id && (id === 'search' ? '/search' : '/:id')}${verb && `/${verb}`}`) {
      case 'GET customers/search':
        return list(this.#searched(form.get('query') ?? ''), form)
      case 'POST customers':
        return this.#newCustomer(form)
      case 'POST customers/:id':
        return changeCustomer(found(books.customers, id), form)
      case 'GET invoices':
        return list(
          books.invoices.filter(({ customer }) => customer === form.get('customer')),
          form,
        )
      case 'POST invoices':
        return this.#newInvoice(form)
      case 'GET invoices/:id':
        return books.invoice(id)
      case 'GET invoices/:id/lines':
        return list(
          books.lines.filter(({ invoice }) => invoice === id),
          form,
        )
      case 'POST invoices/:id/finalize':
        books.finalize(books.invoice(id), this.#pages)
        return books.invoice(id)
      case 'POST invoices/:id/send':
        return books.invoice(id)
      case 'POST invoiceitems':
        return books.addLine(books.invoice(form.get('invoice') ?? ''), {
          amount: wholeOf(form, 'amount'),
          currency: form.get('currency') ?? 'usd',
          description: form.get('description') ?? null,
          metadata: metadataOf(form),
        })
      case 'GET invoice_payments':
        return list(this.#paymentsOf(form), form)
      case 'GET disputes':
        return list(
          books.disputes.filter((one) => one.payment_intent === form.get('payment_intent')),
          form,
        )
      case 'GET refunds':
        return list(
          books.refunds.filter((one) => one.payment_intent === form.get('payment_intent')),
          form,
        )
      case 'GET events':
        return list(this.#eventsOf(form), form)
      case 'GET credit_notes':
        return list(
          books.notes.filter(({ invoice }) => invoice === form.get('invoice')),
          form,
        )
      case 'POST credit_notes':
        return this.#newNote(form)
      default:
        throw new StripeRefusal(404, 'url_invalid', `Unrecognized request URL (${method} ${path.join('/')})`)
    }
  }

  /** Stripe's search, which learns of new objects late. */
  #searched(query: string): Customer[] {
    const { books } = this
    const [, key, value] = /^metadata\['(\w+)'\]:'((?:[^'\\]|\\.)*)'$/.exec(query) ?? []
    if (key === undefined || value === undefined)
      throw new StripeRefusal(400, 'bad_query', 'Unreadable query')
    const indexed = books.time - Math.floor(this.#indexing / 1000)
    const plain = value.replace(/\\(.)/g, '$1')
    return books.customers.filter(({ created, metadata }) => created <= indexed && metadata[key] === plain)
  }

  #newCustomer(form: Form): Customer {
    const { books } = this
    const made: Customer = {
      id: books.newId('cus'),
      object: 'customer',
      created: books.time,
      name: null,
      email: null,
      address: null,
      invoice_settings: { default_payment_method: null },
      metadata: metadataOf(form),
    }
    books.customers.push(made)
    return made
  }

  #newInvoice(form: Form): StripeInvoice {
    const { books } = this
    known(form, INVOICE_WORDS)
    const number = form.get('number') ?? null
    if (number !== null && books.invoices.some((one) => one.number === number)) {
      throw new StripeRefusal(400, 'invoice_number_taken', 'The number is taken')
    }
    const method = form.get('collection_method') ?? 'charge_automatically'
    const days = form.get('days_until_due')
    if (method !== 'send_invoice' && days !== undefined) {
      throw new StripeRefusal(400, 'parameter_invalid', 'Only invoices that are sent have a due date')
    }
    const made: StripeInvoice = {
      id: books.newId('in'),
      object: 'invoice',
      created: books.time,
      customer: found(books.customers, form.get('customer') ?? '').id,
      currency: form.get('currency') ?? 'usd',
      number,
      status: 'draft',
      collection_method: method,
      total: 0,
      amount_due: 0,
      amount_paid: 0,
      amount_remaining: 0,
      pre_payment_credit_notes_amount: 0,
      post_payment_credit_notes_amount: 0,
      hosted_invoice_url: null,
      footer: form.get('footer') ?? null,
      description: form.get('description') ?? null,
      due_date: days === undefined ? null : books.time + wholeOf(form, 'days_until_due') * 86_400,
      metadata: metadataOf(form),
    }
    books.invoices.push(made)
    return made
  }

  #newNote(form: Form): StripeCreditNote {
    const { books } = this
    const invoice = books.invoice(form.get('invoice') ?? '')
    const out = form.has('out_of_band_amount') ? wholeOf(form, 'out_of_band_amount') : 0
    const amount = wholeOf(form, 'amount')
    const {
      total,
      pre_payment_credit_notes_amount: before,
      post_payment_credit_notes_amount: after,
    } = invoice
    if (amount > total - before - after)
      throw new StripeRefusal(400, 'amount_too_large', 'The invoice has less left to credit')
    if (out !== Math.max(0, amount - invoice.amount_remaining)) {
      throw new StripeRefusal(400, 'parameter_missing', 'Say where the money goes that was paid already')
    }
    return books.credit(invoice, { amount, memo: form.get('memo') ?? null, metadata: metadataOf(form) })
  }

  #paymentsOf(form: Form): unknown[] {
    const { books } = this
    const [invoice, intent] = [form.get('invoice'), form.get('payment[payment_intent]')]
    const fitting = books.payments.filter(
      (one) => one.invoice === invoice || one.payment.payment_intent === intent,
    )
    return form.get('expand[0]') === 'data.payment.payment_intent.latest_charge'
      ? fitting.map((payment) => this.#unfold(payment))
      : fitting
  }

  #unfold(payment: StripePayment): unknown {
    const { books } = this
    const intent = found(books.intents, payment.payment.payment_intent)
    const charge = books.charges.find(({ id }) => id === intent.latest_charge) ?? null
    return {
      ...payment,
      payment: { ...payment.payment, payment_intent: { ...intent, latest_charge: charge } },
    }
  }

  #eventsOf(form: Form) {
    const { books } = this
    const types = [...form].flatMap(([key, value]) => (key.startsWith('types[') ? value : []))
    const from = form.has('created[gte]') ? wholeOf(form, 'created[gte]') : 0
    return books.events.filter(({ type, created }) => types.includes(type) && created >= from)
  }
}

function changeCustomer(customer: Customer, form: Form): Customer {
  customer.name = form.get('name') ?? customer.name
  customer.email = form.get('email') ?? customer.email
  const card = form.get('invoice_settings[default_payment_method]')
  if (card !== undefined) customer.invoice_settings.default_payment_method = card
  return customer
}

const INVOICE_WORDS =
  /^(customer|currency|number|auto_advance|collection_method|days_until_due|pending_invoice_items_behavior|description|footer|custom_fields\[\d\]\[(name|value)\]|metadata\[\w+\])$/

/** Stripe refuses what it does not know. */
function known(form: Form, words: RegExp): void {
  for (const key of form.keys()) {
    if (!words.test(key))
      throw new StripeRefusal(400, 'parameter_unknown', `Received unknown parameter: ${key}`)
  }
}

function metadataOf(form: Form): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const [key, value] of form) {
    const [, name] = /^metadata\[(\w+)\]$/.exec(key) ?? []
    if (name !== undefined) metadata[name] = value
  }
  return metadata
}

function wholeOf(form: Form, name: string): number {
  const value = form.get(name) ?? ''
  if (!/^\d{1,10}$/.test(value))
    throw new StripeRefusal(400, 'parameter_invalid_integer', `Invalid integer: ${name}`)
  return +value
}

/** Newest first, a page at a time. */
function list(things: readonly unknown[], form: Form): unknown {
  const newest = [...things].reverse() as { id: string }[]
  const after = newest.findIndex(({ id }) => id === form.get('starting_after')) + 1
  const most = form.has('limit') ? wholeOf(form, 'limit') : 10
  const data = newest.slice(after, after + most)
  return { object: 'list', data, has_more: after + most < newest.length, url: '/v1' }
}
