/** The gate: the life of a request, from its price to its receipt (design of the whole in ARCHITECTURE.md). */
import { classify } from '../identity/classify.ts'
import type { Body, Read } from '../identity/verify.ts'
import { CHARGED_BY_CLOUDFLARE, namesPrice, parseCrawl } from '../protocol/pay-per-crawl.ts'
import { accept, type Reason, type Refusal, type Result, refuse } from '../protocol/refusal.ts'
import { parsePaymentV1 } from '../protocol/x402/v1.ts'
import {
  type ChannelPayment,
  type CreditPayment,
  type ExactPayment,
  type Payment,
  parsePayment,
} from '../protocol/x402/v2.ts'
import type { Commitment } from '../schemes/credit/scheme.ts'
import type { Charge, Purchase, Scheme } from '../schemes/scheme.ts'
import { type Offers, offersOf } from './offers.ts'
import { prefersHtml } from './page.ts'
import { type CanonicalPath, canonicalize, siteOf } from './path.ts'
import { type Decision, decide, type Policy } from './policy.ts'
import { paid, preflight, receiptAlone, refused, refusedSale } from './response.ts'

export type Schemes = {
  channel?: Scheme<ChannelPayment>
  exact?: Scheme<ExactPayment>
  credit?: Scheme<CreditPayment, Commitment>
}

export type Site = {
  policy: Policy
  schemes: Schemes
  /** Unix milliseconds. */
  now: () => number
  /** A fresh name for an operation. */
  newId: () => string
  /** Whether Cloudflare's own products charge on this zone. Only then their headers mean anything: a client can write them too. */
  cloudflareCharges: boolean
}

/** Where the content comes from once the gate lets a request through. */
export type Content = {
  /** A free page: streams both ways. */
  pass(request: Request, path: CanonicalPath): Promise<Response>
  /** A page being paid for. `body` was read by the gate, since the payment is bound to it. */
  buy(request: Request, path: CanonicalPath, body: Uint8Array<ArrayBuffer> | null): Promise<Response>
}

export type Gate = (request: Request, content: Content) => Promise<Response>

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const LARGEST_BODY = 1 << 20

/** Milliseconds. A signature that was timely must not wait behind a slow body until its use is forgotten (used.ts, C3). */
const LONGEST_READ = 120_000

/** After these, credit is offered no more: only what pays at once. */
const WITHOUT_CREDIT: ReadonlySet<Reason> = new Set(['credit_exhausted', 'credit_suspended', 'credit_unpaid'])

/** What is being asked for, once it must be paid. */
type Asked = {
  request: Request
  path: CanonicalPath
  /** Canonical: what the payment is bound to, and what the offer names. */
  url: string
  decision: Decision
  offers: Offers
}

/** Builds the gate of one site. It holds no state but the offers it has written. */
export function gate({ policy, schemes, now, newId, cloudflareCharges }: Site): Gate {
  const written = new Map<Decision, Offers>()

  function offersFor(decision: Decision): Offers {
    const known = written.get(decision)
    if (known) return known
    const made = offersOf(policy, decision, schemes)
    written.set(decision, made)
    return made
  }

  return async function handle(request, content) {
    const { method, headers } = request
    if (!METHODS.has(method)) return refused({ reason: 'method_not_allowed' })
    if (method === 'OPTIONS') return preflight()
    const paying = pays(headers)
    const naming = namesPrice(headers)
    const manner = { head: method === 'HEAD', crawls: naming && !paying }
    const path = canonicalize(request.url)
    if (!path.ok) return refused(path.refusal, manner)
    const site = siteOf(request.url)
    if (site === null) return refused({ reason: 'ambiguous_path' }, manner)
    const asker = classify({
      userAgent: headers.get('user-agent'),
      cf: request.cf as IncomingRequestCfProperties | undefined,
      signed: headers.has('signature-input'),
      paying: paying || naming,
    })
    const decision = decide(policy, { method, path: path.value, asker })
    if (decision.action === 'block') return refused({ reason: 'blocked' }, manner)
    const isFree = decision.action === 'allow' || (cloudflareCharges && chargedByCloudflare(headers))
    if (isFree) return content.pass(request, path.value).catch(unreachable)
    const url = `${site}${path.value.path}${path.value.search}`
    const asked: Asked = { request, path: path.value, url, decision, offers: offersFor(decision) }
    // HEAD is gated and never charges: a payment on it is not even read.
    const unpaid = manner.head || !(paying || naming)
    const sale = unpaid ? refuse('payment_required') : await sell(asked, content).catch(inDoubt)
    if (sale.ok) return sale.value
    log(sale.refusal)
    const browser = prefersHtml(headers)
    const crawls = asked.offers.made.has('credit') && !paying
    const { reason } = sale.refusal
    const offers = WITHOUT_CREDIT.has(reason) ? offersOf(policy, atOnce(decision), schemes) : asked.offers
    return refusedSale(sale.refusal, { offers, url, browser, head: manner.head, crawls })
  }

  async function sell(asked: Asked, content: Content): Promise<Result<Response>> {
    const { request, decision, offers } = asked
    const payment = readPayment(request.headers, offers)
    if (!payment.ok) return payment
    const scheme = schemes[payment.value.scheme] as Scheme<Payment, unknown> | undefined
    const offer = offers.made.get(payment.value.scheme)
    if (!scheme || !offer || !scheme.answers(payment.value, offer)) return refuse('no_matching_offer')
    const read = reader(request, now)
    const seconds = Math.floor(now() / 1000)
    const proof = await scheme.verify(payment.value, decision.price, seconds, { request, read })
    if (!proof.ok) return proof
    const bought = await bindTo(asked, read)
    if (!bought.ok) return bought
    const { purchase, body } = bought.value
    const buy = () => content.buy(request, asked.path, body)
    return deliver(payment.value, request.method, () => scheme.charge(proof.value, purchase), buy)
  }

  async function bindTo(
    { request, url, decision }: Asked,
    read: Read,
  ): Promise<Result<{ purchase: Purchase; body: Body }>> {
    const body = await read()
    if (!body.ok) return body
    const digest = body.value ? ` ${await digestOf(body.value)}` : ''
    const { price, rule } = decision
    const what = `${request.method} ${url}${digest}`
    const named = typeof rule === 'number' ? `RULES[${rule}]` : rule
    const purchase = { id: newId(), price, url, request: what, rule: named }
    return accept({ purchase, body: body.value })
  }
}

/**
 * Charges and delivers. A `GET` asks the origin at the same time, since it has no effect; nothing of the origin's answer leaves
 * before the charge is durable. What the origin does not deliver well is not charged.
 */
async function deliver(
  payment: Payment,
  method: string,
  begin: () => Promise<Result<Charge>>,
  buy: () => Promise<Response>,
): Promise<Result<Response>> {
  const { version } = payment
  const moves = payment.scheme === 'channel' ? payment.payload.type : 'voucher'
  // A deposit takes seconds, and a refund opens nothing.
  const early = method === 'GET' && moves === 'voucher' ? settled(buy()) : undefined
  const charge = await begin().catch((fault) => {
    discard(early)
    throw fault
  })
  if (!charge.ok) {
    discard(early)
    return charge
  }
  if (moves === 'refund') {
    const receipt = await charge.value.settle()
    return receipt.ok ? accept(receiptAlone(receipt.value, version)) : receipt
  }
  const answer = await (early ?? settled(buy()))
  if (answer instanceof Error) {
    await charge.value.release()
    return refuse('origin_unreachable', { detail: answer.message })
  }
  const unsent = async (fault: unknown) => {
    await answer.body?.cancel()
    throw fault
  }
  if (!isDelivery(answer)) {
    await charge.value.release().catch(unsent)
    return accept(answer)
  }
  const receipt = await charge.value.settle().catch(unsent)
  if (receipt.ok) return accept(paid(answer, receipt.value, version))
  await answer.body?.cancel()
  return receipt
}

function unreachable(fault: unknown): Response {
  console.error(JSON.stringify({ message: 'the origin cannot be reached', fault: String(fault) }))
  return refused({ reason: 'origin_unreachable' })
}

/** A fault on the way of a payment leaves its outcome unknown: 503, never a 402, and nothing of the origin's answer. */
function inDoubt(fault: unknown): Result<Response> {
  console.error(JSON.stringify({ message: 'a payment is in doubt', fault: String(fault) }))
  return refuse('ledger_unavailable')
}

/** Redirects, refusals and "not modified" deliver nothing. */
function isDelivery({ status }: Response): boolean {
  return status >= 200 && status < 300
}

/** The origin's answer, or why there is none: awaited later, so that it must not reject meanwhile. */
function settled(answer: Promise<Response>): Promise<Response | Error> {
  return answer.catch((fault) => (fault instanceof Error ? fault : new Error(String(fault))))
}

/** Nobody waits for what will not be sent. */
function discard(early: Promise<Response | Error> | undefined): void {
  early
    ?.then((answer) => (answer instanceof Response ? answer.body?.cancel() : undefined))
    .catch(() => undefined)
}

function readPayment(headers: Headers, { made }: Offers): Result<Payment> {
  const v2 = headers.get('payment-signature')
  if (v2 !== null) return parsePayment(v2)
  const v1 = headers.get('x-payment')
  if (v1 !== null) return parsePaymentV1(v1)
  const credit = made.get('credit')
  return credit && namesPrice(headers) ? parseCrawl(headers, credit.network) : refuse('payment_required')
}

function pays(headers: Headers): boolean {
  return headers.has('payment-signature') || headers.has('x-payment')
}

function chargedByCloudflare(headers: Headers): boolean {
  return CHARGED_BY_CLOUDFLARE.some((name) => headers.has(name))
}

/** The decision with wallet schemes only, where it has one. */
function atOnce(decision: Decision): Decision {
  const schemes = decision.schemes.filter((name) => name !== 'credit')
  return schemes.length > 0 ? { ...decision, schemes } : decision
}

function log({ reason, detail }: Refusal): void {
  if (detail === undefined) return
  console.info(JSON.stringify({ message: 'refused', reason, detail: detail.slice(0, 300) }))
}

/** Reads a request's body once, when it is first asked for; it must be there in time from now on. */
function reader(request: Request, now: () => number): Read {
  const until = now() + LONGEST_READ
  let read: Promise<Result<Body>> | undefined
  return () => {
    read ??= readBody(request, () => now() > until)
    return read
  }
}

async function readBody(request: Request, isLate: () => boolean): Promise<Result<Body>> {
  if (request.method === 'GET' || !request.body) return accept(null)
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of request.body) {
    size += part.byteLength
    if (size > LARGEST_BODY) return refuse('body_too_large')
    if (isLate()) return refuse('body_too_slow')
    parts.push(part)
  }
  if (isLate()) return refuse('body_too_slow')
  const body = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    body.set(part, at)
    at += part.byteLength
  }
  return accept(body)
}

async function digestOf(body: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body))
  return `sha-256=${btoa(String.fromCharCode(...digest))}`
}
