/** Our own answers: refusals in every form, the preflight, and the receipt on a paid one. */

import { type Refusal, wire } from '../protocol/refusal.ts'
import type { SettleResponse } from '../protocol/x402/types.ts'
import type { Dialect } from './dialects/dialect.ts'
import type { Offers } from './offers.ts'
import { page } from './page.ts'

/** Seconds after which a payer whose outcome is unknown should ask again. */
const RETRY_AFTER = '2'

const EXPOSED =
  'PAYMENT-REQUIRED, PAYMENT-RESPONSE, X-PAYMENT-RESPONSE, Retry-After, Crawler-Price, Crawler-Charged, Crawler-Error'

const CORS = { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED }

const PREFLIGHT = {
  ...CORS,
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers':
    'PAYMENT-SIGNATURE, X-PAYMENT, Content-Type, Accept, Range, If-None-Match, If-Modified-Since, Signature, Signature-Input, Signature-Agent, Content-Digest, Crawler-Exact-Price, Crawler-Max-Price, Access-Control-Expose-Headers',
  'access-control-max-age': '86400',
}

/**
 * The receiver of a refusal: the offers to repeat (402 only), the resource, whether a browser asked, and a sentence for the
 * body about the client itself.
 */
export type Audience = {
  offers: Offers
  url: string
  browser: boolean
  /** Addresses of passes that open the page. */
  passes?: readonly string[] | undefined
  note?: string | undefined
  /** Absent for a 402 that points to no terms. */
  fixed?: FixedHeaders
} & Manner

/** `dialect`: the one whose words a refusal is said in; null for plain HTTP. */
export type Manner = { head: boolean; dialect: Dialect | null }

/** `OPTIONS`, answered here so that a browser may pay. */
export function preflight(): Response {
  return new Response(null, { status: 204, headers: PREFLIGHT })
}

/** Refuses a sale. A 402 repeats the offers. */
export function refusedSale(refusal: Refusal, audience: Audience): Response {
  const isOffer = statusOf(refusal, audience).status === 402
  return isOffer ? paymentRequired(refusal, audience) : refused(refusal, audience)
}

/** A refusal that makes no offer. */
export function refused(
  refusal: Refusal,
  { head, dialect }: Manner = { head: false, dialect: null },
): Response {
  const { code, sentence } = wire(refusal.reason)
  const { status, error } = statusOf(refusal, { dialect })
  const headers = new Headers({
    ...CORS,
    ...error,
    'cache-control': 'no-store',
    'content-type': 'application/json',
  })
  if (status === 503) headers.set('retry-after', RETRY_AFTER)
  // Without a fraction, so that a client that comes back then is not early.
  const opens = refusal.opensAt && new Date(Math.ceil(refusal.opensAt / 1000) * 1000)
  if (opens) headers.set('retry-after', opens.toUTCString())
  if (status === 405) headers.set('allow', PREFLIGHT['access-control-allow-methods'])
  const body = { error: code, message: sentence, ...(opens && { opens: opens.toISOString() }) }
  return new Response(head ? null : JSON.stringify(body), { status, headers })
}

function statusOf(
  { reason }: Refusal,
  { dialect }: Pick<Manner, 'dialect'>,
): { status: number; error: Record<string, string> } {
  const known = dialect?.refusal?.(reason)
  return known ? { status: known.status, error: known.headers } : { status: wire(reason).status, error: {} }
}

/** 402 with fresh offers: the header for v2, the body for v1, or a page for a person that still carries the header. */
function paymentRequired(refusal: Refusal, audience: Audience): Response {
  const { offers, url, head, browser, passes, note, fixed = UNLINKED } = audience
  const written = offers.write(url, refusal, note)
  const write = () => (browser ? page(offers, wire(refusal.reason).sentence, note) : written.body())
  const made = { status: 402, headers: browser ? fixed.page : fixed.json }
  const response = new Response(head ? null : write(), made)
  const { headers } = response
  for (const [name, value] of written.headers) headers.append(name, value)
  const { error } = statusOf(refusal, audience)
  for (const name in error) headers.set(name, error[name] ?? '')
  for (const address of passes ?? []) headers.append('link', `<${address}>; rel="payment"`)
  return response
}

/** The headers that each 402 of one site has. Made once: the runtime copies them in half the time that an object of them takes. */
export type FixedHeaders = { json: Headers; page: Headers }

/** `link`: the header that points to the terms of the site. */
function fixedHeaders(link: string | undefined): FixedHeaders {
  const headers = { ...CORS, ...(link !== undefined && { link }), 'cache-control': 'no-store' }
  return { json: new Headers({ ...headers, ...JSON_BODY }), page: new Headers({ ...headers, ...PAGE }) }
}

const JSON_BODY = { 'content-type': 'application/json' }
const PAGE = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
}
const UNLINKED = fixedHeaders(undefined)

/** The most sites of one gate whose headers are stored. Beyond it all are dropped, and made again. */
const MAX_SITES = 256

/** Makes the headers of each site once. `linkOf` returns the header that points to its terms. */
export function storedHeaders(
  linkOf: ((site: string) => string | undefined) | undefined,
): (site: string) => FixedHeaders {
  const stored = new Map<string, FixedHeaders>()
  return (site) => {
    const known = stored.get(site)
    if (known) return known
    const made = fixedHeaders(linkOf?.(site))
    if (stored.size >= MAX_SITES) stored.clear()
    stored.set(site, made)
    return made
  }
}

/** A header by its name. */
export type Header = readonly [name: string, value: string]

/** The headers of an answer that a client does not get, and those that it gets beside the others. */
export type Changes = { hidden: readonly string[]; added: readonly Header[] }

/** The origin's answer, paid for: kept out of every cache, with its receipt. */
export function paidResponse(
  answer: Response,
  receipt: SettleResponse,
  dialect: Dialect,
  changes: Changes,
): Response {
  const response = new Response(answer.body, answer)
  change(response.headers, changes)
  for (const name of CACHED) response.headers.delete(name)
  for (const name of [...response.headers.keys()]) if (TARGETED.test(name)) response.headers.delete(name)
  response.headers.set('cache-control', 'private, no-store')
  return receipted(response, receipt, dialect)
}

/** The answer to a payment that asked for nothing else: a refund. */
export function receiptAlone(receipt: SettleResponse, dialect: Dialect): Response {
  return receipted(Response.json(receipt, { headers: { 'cache-control': 'no-store' } }), receipt, dialect)
}

/** The answer with other headers. It is copied only if some differ. */
export function withChanges(answer: Response, changes: Changes): Response {
  const { hidden, added } = changes
  if (added.length === 0 && !hidden.some((name) => answer.headers.has(name))) return answer
  const copy = new Response(answer.body, answer)
  change(copy.headers, changes)
  return copy
}

function change(headers: Headers, { hidden, added }: Changes): void {
  for (const name of hidden) headers.delete(name)
  for (const [name, value] of added) headers.append(name, value)
}

/** Headers that could make a cache store the paid page, or report a payment of the origin's own to a crawler. */
const CACHED = [
  'age',
  'crawler-charged',
  'crawler-error',
  'crawler-price',
  'edge-control',
  'expires',
  'payment-required',
  'payment-response',
  'pragma',
  'surrogate-control',
  'x-accel-expires',
  'x-payment-response',
]
/** Threat: a cache follows the field that targets it, and not `Cache-Control` (RFC 9213 §2.2). Each network has one of its own. */
const TARGETED = /-cache-control$/

function receipted(response: Response, receipt: SettleResponse, dialect: Dialect): Response {
  const { headers } = response
  const [name, value] = dialect.receipt(receipt)
  headers.set(name, value)
  if (!headers.has('access-control-allow-origin')) headers.set('access-control-allow-origin', '*')
  headers.append('access-control-expose-headers', EXPOSED)
  return response
}
