/** Invoices over HTTP: what is owed on each and what became of it; transfers that came in; corrections. */
import { type Context, Hono } from 'hono'
import type * as v from 'valibot'
import type { BillSettings } from '../billing/context.ts'
import { creditable } from '../billing/invoice.ts'
import { correct } from '../billing/issue-credit-note.ts'
import { invoicePage } from '../billing/pages.ts'
import { markPaid, markReturned, transferIn } from '../billing/payments.ts'
import { owedOn } from '../ledger/billing/dunning.ts'
import type { InvoiceStanding, Stage } from '../ledger/billing/types.ts'
import { invoices, lineOfInvoice, projectLines, saveInvoices } from '../ledger/book/credit.ts'
import { act } from './audit.ts'
import { correction, formOf, returned, transfer } from './requests.ts'
import {
  formatOf,
  htmlPage,
  invalid,
  limitOf,
  nextOf,
  notFound,
  numberOf,
  problem,
  write,
} from './response.ts'
import type { CreditSettings, Line, OperatorSettings } from './settings.ts'

const INVOICE = /^INV-[0-9]{6,15}$/
const STAGES: readonly Stage[] = ['open', 'due', 'past_due', 'suspended', 'written_off', 'settled']

/** Whose desk it is: `now` in Unix milliseconds, `who` as the audit log names the operator. */
type Desk = { settings: OperatorSettings; credit: CreditSettings; now: () => number; who: string }

export function invoiceRoutes(desk: Desk): Hono {
  const app = new Hono()
  const { settings, credit } = desk
  const { book } = settings
  app.get('/', async (c) => {
    const limit = limitOf(c)
    const { agent, stage: asked } = c.req.query()
    const stage = STAGES.find((known) => known === asked)
    if (asked !== undefined && !stage)
      return invalid([{ path: 'stage', message: 'must be a stage', expected: STAGES.join(', ') }])
    const before = numberOf(c.req.query('before'), 0) || undefined
    const listed = await invoices(book, { agent, stage, before, limit })
    return write({ invoices: listed.map(invoiceView), next: nextOf(listed, limit, ({ number }) => number) })
  })
  app.get('/:id', async (c) => {
    const line = await lineWith(settings, credit, c.req.param('id'))
    return line ? invoiceOf(c, line, c.req.param('id')) : notFound()
  })
  app.post('/:id/payments', (c) => pay(c, desk))
  app.post('/:id/returns', (c) => giveBack(c, desk))
  app.post('/:id/credit-notes', (c) => reduce(c, desk))
  return app
}

/** An invoice with what is still owed on it. */
export function invoiceView(invoice: InvoiceStanding) {
  return { ...invoice, owed: owedOn(invoice) }
}

/** One invoice of a line with its history, as JSON or on paper. */
export async function invoiceOf(c: Context, line: Line, id: string): Promise<Response> {
  const format = formatOf(c, 'json', 'html')
  if (format instanceof Response) return format
  const invoice = await line.invoice(id)
  if (!invoice) return notFound()
  if (format === 'html') return htmlPage(invoicePage(invoice))
  return write({ ...invoiceView(invoice), history: await line.history(id) })
}

/** The line that has the invoice. The book says which; whether it is so, the line says. */
async function lineWith(
  { book }: OperatorSettings,
  { lines }: CreditSettings,
  id: string,
): Promise<Line | null> {
  const agent = INVOICE.test(id) ? await lineOfInvoice(book, id) : null
  return agent === null ? null : lines.getByName(agent)
}

/** A transfer that came in: noted once for each reference, so that it may be sent again. */
async function pay(c: Context, desk: Desk): Promise<Response> {
  const opened = await open(c, desk, transfer)
  if (opened instanceof Response) return opened
  const { form, bill, line, before } = opened
  const { settings, credit, now, who } = desk
  // What Stripe collects is marked there, or it would be collected twice; it is read back from there.
  if (await bill.rails[before.rail]?.collects(before)) return problem('collected_by_stripe')
  const { reference, at = now() } = form
  const noted = transferIn(await line.history(before.id), before.id, reference)
  const amount = form.amount ?? noted?.amount ?? owedOn(before)
  if (noted && (noted.returned || noted.amount !== amount)) return problem('reference_used', noted)
  if (amount === 0n) return problem('settled')
  const payment = { amount, reference, at }
  const touched = { agent: before.agent, invoice: before.id }
  const asked = { who, what: 'invoice.pay', subject: before.id, before: figures(before), asked: { payment } }
  const { invoice } = await act(credit, asked, async () => {
    const invoice = await markPaid(bill, touched, payment)
    return { invoice, after: { ...figures(invoice), payment } }
  })
  await project(settings, line, invoice, now())
  return write(invoiceView(invoice))
}

const UNKNOWN = 'reference_unknown'

/** A transfer that went back, or was marked by mistake. */
async function giveBack(c: Context, desk: Desk): Promise<Response> {
  const opened = await open(c, desk, returned)
  if (opened instanceof Response) return opened
  const { form, bill, line, before } = opened
  const { settings, credit, now, who } = desk
  const { reference, reason, at = now() } = form
  const touched = { agent: before.agent, invoice: before.id }
  const transfer = { reference, reason, at }
  const common = { who, what: 'invoice.return', subject: before.id, before: figures(before) }
  const { invoice } = await act(credit, { ...common, asked: { transfer } }, async () => {
    const invoice = await markReturned(bill, touched, transfer)
    return { invoice, after: invoice ? { ...figures(invoice), transfer } : { refused: UNKNOWN } }
  })
  if (!invoice) return problem(UNKNOWN)
  await project(settings, line, invoice, now())
  return write(invoiceView(invoice))
}

/** A credit note. Whoever writes one says what was credited before, so that none is written twice. */
async function reduce(c: Context, desk: Desk): Promise<Response> {
  const opened = await open(c, desk, correction)
  if (opened instanceof Response) return opened
  const { form, bill, line, before } = opened
  const { settings, credit, now, who } = desk
  const { amount: net, reason, creditedNet: after } = form
  const touched = { agent: before.agent, invoice: before.id }
  const asked = {
    who,
    what: 'invoice.credit',
    subject: before.id,
    before: figures(before),
    asked: { net, reason, creditedNet: after },
  }
  const { corrected } = await act(credit, asked, async () => {
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
  return write({ creditNote: id, invoice: invoiceView(invoice) }, 201)
}

type Opened<Form> = { form: Form; bill: BillSettings; line: Line; before: InvoiceStanding }

/** What is asked of an invoice, and the invoice; or the answer to who asked badly, or for none. */
async function open<Schema extends v.GenericSchema>(
  c: Context,
  { settings, credit }: Desk,
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

/** The lists show the change at once. If they cannot, the next run puts them right; the line has it all the same. */
async function project(
  { book }: OperatorSettings,
  line: Line,
  invoice: InvoiceStanding,
  now: number,
): Promise<void> {
  try {
    const standing = await line.standing()
    await saveInvoices(book, [invoice])
    if (standing) await projectLines(book, [standing], now)
  } catch (fault) {
    console.warn(
      JSON.stringify({ message: 'the book cannot be written', id: invoice.id, fault: String(fault) }),
    )
  }
}
