/** The payer portal: payers read and pay an invoice without the operator's token, and Stripe reports events. */
import { Hono } from 'hono/tiny'
import type { BillingContext } from '../billing/context.ts'
import { linesOf } from '../billing/invoice-lines.ts'
import type { Seal } from '../billing/operator-key.ts'
import { invoicePage } from '../billing/pages.ts'
import { stripeWebhook } from '../billing/stripe-webhook.ts'
import { owedOn } from '../ledger/billing/dunning.ts'
import type { InvoiceStanding } from '../ledger/billing/types.ts'
import { failed, notFound } from '../operator/response.ts'
import { editionOf } from '../paywall/edition.ts'
import { gate } from '../paywall/gate.ts'
import { prefersHtml } from '../paywall/page.ts'
import type { Decision, Policy } from '../paywall/policy.ts'
import { writeJson } from '../platform/json.ts'
import { PAGE_POLICY } from '../platform/page.ts'

/** The key in the query of an invoice's address. It opens this invoice only. */
export function invoiceKey(seal: Seal, agent: string, invoice: string): Promise<string> {
  return seal.secret(`invoice ${agent} ${invoice}`)
}

/** The path of an invoice. Payers pay at `/pay` below it. */
export function invoicePath(agent: string, invoice: string): string {
  return `/_tab402/invoices/${encodeURIComponent(agent)}/${encodeURIComponent(invoice)}`
}

/** The routes of the portal: `/keys`, `/stripe`, and `/invoices/:agent/:id` with `/pay`. All others are 404. */
export function payerPortal(context: BillingContext): Hono {
  const { bill, seal, stripe, now } = context
  const app = new Hono().basePath('/_tab402')
  app.get('/keys', (c) =>
    c.json({ keys: [seal.publicKey] }, 200, { 'cache-control': 'public, max-age=3600' }),
  )
  app.post('/stripe', (c) => (stripe ? stripeWebhook(c.req.raw, bill, stripe, now) : c.notFound()))
  app.get('/invoices/:agent/:id', async (c) => {
    const invoice = await opened(context, c.req.param(), c.req.query('key'))
    return invoice ? shown(context, invoice, c.req.raw) : c.notFound()
  })
  app.all('/invoices/:agent/:id/pay', async (c) => {
    const invoice = await opened(context, c.req.param(), c.req.query('key'))
    if (!invoice) return c.notFound()
    return owedOn(invoice) === 0n || !context.paying
      ? shown(context, invoice, c.req.raw)
      : pay(context, invoice, c.req.raw)
  })
  app.onError(failed)
  app.notFound(uncachedNotFound)
  return app
}

/** The invoice, or null for a wrong key. Reads no credit line before the key is checked. */
async function opened(
  { bill, seal }: BillingContext,
  { agent, id }: { agent: string; id: string },
  key = '',
): Promise<InvoiceStanding | null> {
  const [given, expected] = await Promise.all([digest(key), invoiceKey(seal, agent, id).then(digest)])
  return crypto.subtle.timingSafeEqual(given, expected) ? bill.lines.getByName(agent).invoice(id) : null
}

/**
 * Sells the receipt of one invoice through the gate, at the amount owed. A browser gets the invoice with the 402 and its
 * headers, so that a person without a wallet sees how to pay.
 */
async function pay(context: BillingContext, invoice: InvoiceStanding, request: Request): Promise<Response> {
  const { paying, site, now, newId } = context
  const decision: Decision = {
    action: 'charge',
    price: owedOn(invoice),
    schemes: ['exact'],
    rule: 'default',
    why: 'an invoice',
  }
  const everyone = { conditions: [], scope: {}, written: { who: ['everyone'] }, decision }
  const policy: Policy = {
    ...site,
    origin: { kind: 'self' },
    rules: [everyone],
    fallback: decision,
    sitemaps: [],
    paths: 'strict',
    name: invoice.seller.name.replace(/[^ -~]/g, '').slice(0, 60),
    description: `Invoice ${invoice.id}`,
  }
  const receipt = async () =>
    jsonOf({ ...invoice, paid: invoice.total - invoice.credited, stage: 'settled' }, {})
  const schemes = paying ? { exact: paying(invoice) } : {}
  const checkout = gate({
    edition: editionOf({ policy, schemes, now }),
    now,
    newId,
    cloudflareCharges: false,
  })
  const answer = await checkout(request, { pass: receipt, buy: receipt })
  if (answer.status !== 402 || !prefersHtml(request.headers)) return answer
  const page = request.method === 'HEAD' ? null : await pageOf(context, invoice, request.url)
  const headers = new Headers(answer.headers)
  for (const [name, value] of Object.entries(PAGE_HEADERS)) headers.set(name, value)
  return new Response(page, { status: 402, headers })
}

/** The address holds the key of the invoice: no cache keeps the page, and no link passes the address on. */
const PRIVATE_HEADERS = { 'cache-control': 'private, no-store', 'referrer-policy': 'no-referrer' }
const PAGE_HEADERS = {
  ...PRIVATE_HEADERS,
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': PAGE_POLICY,
}

async function shown(context: BillingContext, invoice: InvoiceStanding, request: Request): Promise<Response> {
  if (!prefersHtml(request.headers)) return jsonOf(invoice, PRIVATE_HEADERS)
  const page = await pageOf(context, invoice, invoice.presented?.url ?? null)
  return new Response(page, { headers: PAGE_HEADERS })
}

/** `url` is the address that x402 clients pay at, where it is known. */
async function pageOf(
  context: BillingContext,
  invoice: InvoiceStanding,
  url: string | null,
): Promise<string> {
  const { bill, paying, site } = context
  // An invoice at Stripe is not offered by x402: Stripe would collect it a second time.
  const isOffered = paying && url !== null && invoice.rail !== 'stripe'
  const exact = isOffered
    ? { url, network: site.networks.map(({ title }) => title).join(', '), payTo: site.receiver }
    : null
  return invoicePage(invoice, await linesOf(bill.lines.getByName(invoice.agent), invoice), exact)
}

/** JSON with amounts as decimal strings of micro-dollars. */
function jsonOf(invoice: InvoiceStanding, headers: Record<string, string>): Response {
  return new Response(writeJson(invoice), { headers: { 'content-type': 'application/json', ...headers } })
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
}

function uncachedNotFound(): Response {
  const answer = notFound()
  answer.headers.set('cache-control', 'no-store')
  return answer
}
