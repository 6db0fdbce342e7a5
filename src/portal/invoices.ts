/** The payer portal: where payers come without the operator's token, to read and pay an invoice, and rails to report. */
import { Hono } from 'hono'
import type { BillingContext } from '../billing/context.ts'
import type { Seal } from '../billing/operator-key.ts'
import { invoicePage, PAPER_POLICY } from '../billing/pages.ts'
import { stripeWebhook } from '../billing/stripe-webhook.ts'
import { owedOn } from '../ledger/billing/dunning.ts'
import type { InvoiceStanding } from '../ledger/billing/types.ts'
import { failed, notFound } from '../operator/response.ts'
import { gate } from '../paywall/gate.ts'
import type { Decision, Policy } from '../paywall/policy.ts'

/** What opens one invoice, and no other, in the query of its address. */
export function invoiceKey(seal: Seal, agent: string, invoice: string): Promise<string> {
  return seal.secret(`invoice ${agent} ${invoice}`)
}

/** Where an invoice is read; `/pay` below it is where it is paid. */
export function invoicePath(agent: string, invoice: string): string {
  return `/_tab402/invoices/${encodeURIComponent(agent)}/${encodeURIComponent(invoice)}`
}

export function payerPortal(settings: BillingContext): Hono {
  const { bill, seal, stripe, now } = settings
  const app = new Hono().basePath('/_tab402')
  app.get('/keys', (c) =>
    c.json({ keys: [seal.publicKey] }, 200, { 'cache-control': 'public, max-age=3600' }),
  )
  app.post('/stripe', (c) => (stripe ? stripeWebhook(c.req.raw, bill, stripe, now) : c.notFound()))
  app.get('/invoices/:agent/:id', async (c) => {
    const invoice = await opened(settings, c.req.param(), c.req.query('key'))
    return invoice ? shown(invoice, c.req.raw) : c.notFound()
  })
  app.all('/invoices/:agent/:id/pay', async (c) => {
    const invoice = await opened(settings, c.req.param(), c.req.query('key'))
    if (!invoice) return c.notFound()
    return owedOn(invoice) === 0n || !settings.paying
      ? shown(invoice, c.req.raw)
      : pay(settings, invoice, c.req.raw)
  })
  app.onError(failed)
  app.notFound(uncachedNotFound)
  return app
}

/** The invoice, if the key is its own. Nobody's line is asked for a key that is none. */
async function opened(
  { bill, seal }: BillingContext,
  { agent, id }: { agent: string; id: string },
  key = '',
): Promise<InvoiceStanding | null> {
  const [given, expected] = await Promise.all([digest(key), invoiceKey(seal, agent, id).then(digest)])
  return crypto.subtle.timingSafeEqual(given, expected) ? bill.lines.getByName(agent).invoice(id) : null
}

/** Our own gate, with one resource behind it: the receipt, which says what is true once the gate lets it out. */
function pay(settings: BillingContext, invoice: InvoiceStanding, request: Request): Promise<Response> {
  const { paying, site, now, newId } = settings
  const decision: Decision = {
    action: 'charge',
    price: owedOn(invoice),
    schemes: ['exact'],
    rule: 'default',
    why: 'an invoice',
  }
  const everybody = { covers: undefined, methods: undefined, asks: () => true, decision }
  const policy: Policy = {
    ...site,
    origin: { kind: 'self' },
    rules: [everybody],
    fallback: decision,
    sitemaps: [],
    name: invoice.seller.name.replace(/[^ -~]/g, '').slice(0, 60),
    description: `Invoice ${invoice.id}`,
  }
  const receipt = async () =>
    Response.json(plain({ ...invoice, paid: invoice.total - invoice.credited, stage: 'settled' }))
  const schemes = paying ? { exact: paying(invoice) } : {}
  const checkout = gate({ policy, schemes, now, newId, cloudflareCharges: false })
  return checkout(request, { pass: receipt, buy: receipt })
}

function shown(invoice: InvoiceStanding, { headers }: Request): Response {
  const common = { 'cache-control': 'private, no-store', 'referrer-policy': 'no-referrer' }
  if (!headers.get('accept')?.includes('text/html')) return Response.json(plain(invoice), { headers: common })
  const type = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAPER_POLICY }
  return new Response(invoicePage(invoice), { headers: { ...common, ...type } })
}

/** Amounts as decimal strings of micro-dollars. */
function plain(invoice: InvoiceStanding): unknown {
  return JSON.parse(
    JSON.stringify(invoice, (_, value) => (typeof value === 'bigint' ? value.toString() : value)),
  )
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
}

function uncachedNotFound(): Response {
  const answer = notFound()
  answer.headers.set('cache-control', 'no-store')
  return answer
}
