/** Invoices over HTTP: their state and history, transfers that the operator records, and credit notes. */

import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import type * as v from 'valibot'
import type { BillSettings, CreditLineStub } from '../billing/context.ts'
import { linesOf } from '../billing/invoice-lines.ts'
import { correct } from '../billing/issue-credit-note.ts'
import { invoicePage } from '../billing/pages.ts'
import { markPaid, markReturned, transferIn } from '../billing/payments.ts'
import { saveLatest } from '../billing/project.ts'
import { owedOn } from '../ledger/billing/dunning.ts'
import { creditable } from '../ledger/billing/notes.ts'
import type { InvoiceStanding, Stage } from '../ledger/billing/types.ts'
import { INVOICE_ORDERS, invoiceRows, lineOfInvoice, projectLines } from '../ledger/book/credit.ts'
import { log } from '../platform/log.ts'
import { act } from './audit.ts'
import { filterText, pageOfQuery, wordOf } from './list-query.ts'
import { correction, formOf, returned, transfer } from './requests.ts'
import { formatOf, htmlPage, jsonResponse, nextOf, notFound, numberOf, problem } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import type { CreditSettings, OperatorSettings } from './settings.ts'

const INVOICE = /^INV-[0-9]{6,15}$/
const STAGES: readonly Stage[] = ['open', 'due', 'past_due', 'suspended', 'written_off', 'settled']

/** `now` in Unix milliseconds. */
type InvoiceContext = { settings: OperatorSettings; credit: CreditSettings; now: () => number }

/** Routes below `/api/invoices`. */
export function invoiceRoutes(context: InvoiceContext): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  const { settings, credit } = context
  const { book } = settings
  app.get('/', needs('money.read'), async (c) => {
    const page = pageOfQuery(c, INVOICE_ORDERS, { by: 'number', isDown: true })
    if (page instanceof Response) return page
    const stage = wordOf(c, 'stage', STAGES)
    if (stage instanceof Response) return stage
    const isByNumber = page.order.by === 'number'
    // The cursor is the number alone in this order, and `before` the name that it always had.
    const number = numberOf(c.req.query('before') ?? c.req.query('after'), 0)
    const after = isByNumber ? number > 0 && `${number} ${number}` : page.after
    const listed = await invoiceRows(
      book,
      { agent: filterText(c, 'agent'), stage },
      { ...page, after: after || null },
    )
    return jsonResponse({
      invoices: listed.map(({ invoice }) => invoiceView(invoice)),
      next: nextOf(listed, page.limit, ({ invoice, place }) => (isByNumber ? invoice.number : place)),
    })
  })
  app.get('/:id', needs('money.read'), async (c) => {
    const line = await lineWith(settings, credit, c.req.param('id'))
    return line ? invoiceOf(c, line, c.req.param('id')) : notFound()
  })
  app.post('/:id/payments', needs('money.write'), (c) => pay(c, context))
  app.post('/:id/returns', needs('money.write'), (c) => takeBack(c, context))
  app.post('/:id/credit-notes', needs('money.write'), (c) => issueCreditNote(c, context))
  return app
}

/** The JSON of an invoice, with the amount owed. */
export function invoiceView(invoice: InvoiceStanding) {
  return { ...invoice, owed: owedOn(invoice) }
}

/** The response with one invoice of a credit line: JSON with its history, or a page. */
export async function invoiceOf(c: Context, line: CreditLineStub, id: string): Promise<Response> {
  const format = formatOf(c, 'json', 'html')
  if (format instanceof Response) return format
  const invoice = await line.invoice(id)
  if (!invoice) return notFound()
  if (format === 'html') return htmlPage(invoicePage(invoice, await linesOf(line, invoice)))
  return jsonResponse({ ...invoiceView(invoice), history: await line.history(id) })
}

/** The credit line of an invoice, as the read model has it. The caller must read the invoice from the line. */
async function lineWith(
  { book }: OperatorSettings,
  { lines }: CreditSettings,
  id: string,
): Promise<CreditLineStub | null> {
  const agent = INVOICE.test(id) ? await lineOfInvoice(book, id) : null
  return agent === null ? null : lines.getByName(agent)
}

/** Records a transfer, once for each reference. The request may be repeated. */
async function pay(c: Context<OperatorEnv>, context: InvoiceContext): Promise<Response> {
  const opened = await open(c, context, transfer)
  if (opened instanceof Response) return opened
  const { form, bill, line, before } = opened
  const { settings, now } = context
  const who = actorOf(c)
  // Trap: Stripe would collect an invoice that is paid here only. The operator marks it at Stripe, and the run reads it back.
  if (await bill.rails[before.rail]?.collects(before)) return problem('collected_by_stripe')
  const { reference, at = now() } = form
  const noted = transferIn(await line.history(before.id), before.id, reference)
  const amount = form.amount ?? noted?.amount ?? owedOn(before)
  if (noted && (noted.returned || noted.amount !== amount)) return problem('reference_used', noted)
  if (amount === 0n) return problem('settled')
  const payment = { amount, reference, at }
  const touched = { agent: before.agent, invoice: before.id }
  const asked = { who, what: 'invoice.pay', subject: before.id, before: figures(before), asked: { payment } }
  const { invoice } = await act(settings.audit, asked, async () => {
    const invoice = await markPaid(bill, touched, payment)
    return { invoice, after: { ...figures(invoice), payment } }
  })
  await project(settings, line, invoice, now())
  return jsonResponse(invoiceView(invoice))
}

const UNKNOWN = 'reference_unknown'

/** Reverses a transfer that the bank returned, or that was recorded by mistake. */
async function takeBack(c: Context<OperatorEnv>, context: InvoiceContext): Promise<Response> {
  const opened = await open(c, context, returned)
  if (opened instanceof Response) return opened
  const { form, bill, line, before } = opened
  const { settings, now } = context
  const who = actorOf(c)
  const { reference, reason, at = now() } = form
  const touched = { agent: before.agent, invoice: before.id }
  const transfer = { reference, reason, at }
  const common = { who, what: 'invoice.return', subject: before.id, before: figures(before) }
  const { invoice } = await act(settings.audit, { ...common, asked: { transfer } }, async () => {
    const invoice = await markReturned(bill, touched, transfer)
    return { invoice, after: invoice ? { ...figures(invoice), transfer } : { refused: UNKNOWN } }
  })
  if (!invoice) return problem(UNKNOWN)
  await project(settings, line, invoice, now())
  return jsonResponse(invoiceView(invoice))
}

/** Issues a credit note. The request states what was credited before, so a repeated request issues no second one. */
async function issueCreditNote(c: Context<OperatorEnv>, context: InvoiceContext): Promise<Response> {
  const opened = await open(c, context, correction)
  if (opened instanceof Response) return opened
  const { form, bill, line, before } = opened
  const { settings, now } = context
  const who = actorOf(c)
  const { amount: net, reason, creditedNet: after } = form
  const touched = { agent: before.agent, invoice: before.id }
  const asked = {
    who,
    what: 'invoice.credit',
    subject: before.id,
    before: figures(before),
    asked: { net, reason, creditedNet: after },
  }
  const { corrected } = await act(settings.audit, asked, async () => {
    const corrected = await correct(bill, touched, { net, reason, after, now: now() })
    if (corrected.outcome === 'refused') return { corrected, after: { refused: corrected.reason } }
    const { invoice, note: id } = corrected
    return { corrected, after: { ...figures(invoice), creditNote: { id, net, reason } } }
  })
  if (corrected.outcome === 'refused') {
    if (corrected.reason === 'unknown') return notFound()
    const { creditedNet } = corrected.invoice ?? before
    return problem(corrected.reason, { creditedNet, creditable: creditable(corrected.invoice ?? before) })
  }
  const { invoice, note: id } = corrected
  await project(settings, line, invoice, now())
  return jsonResponse({ creditNote: id, invoice: invoiceView(invoice) }, 201)
}

type Opened<Form> = { form: Form; bill: BillSettings; line: CreditLineStub; before: InvoiceStanding }

/** The body of a request and its invoice, or the error response. */
async function open<Schema extends v.GenericSchema>(
  c: Context,
  { settings, credit }: InvoiceContext,
  schema: Schema,
): Promise<Opened<v.InferOutput<Schema>> | Response> {
  const form = await formOf(c, schema)
  if (form instanceof Response) return form
  const id = c.req.param('id') ?? ''
  const line = await lineWith(settings, credit, id)
  const before = line && (await line.invoice(id))
  if (!before || !settings.billing) return notFound()
  const { bill } = await settings.billing()
  return { form, bill, line, before }
}

function figures(invoice: InvoiceStanding) {
  const { stage, total, paid, credited, creditedNet } = invoice
  return { stage, total, paid, credited, creditedNet, owed: owedOn(invoice) }
}

/** Updates the read model, so that lists show the change at once. After a failure the next run updates it. */
async function project(
  { book }: OperatorSettings,
  line: CreditLineStub,
  invoice: InvoiceStanding,
  now: number,
): Promise<void> {
  try {
    const standing = await line.standing()
    await saveLatest(book, line, invoice)
    if (standing) await projectLines(book, [standing], now)
  } catch (fault) {
    log('read_model_not_updated', { id: invoice.id, fault })
  }
}
