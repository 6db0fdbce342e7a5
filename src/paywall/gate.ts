/** The gate: a request's life over HTTP, from its price to its receipt (the whole of it is in ARCHITECTURE.md). */

import type { Published } from '../identity/claim.ts'
import { type ClientEvidence, classify } from '../identity/classify.ts'
import { crawlerOfSigner } from '../identity/crawlers.ts'
import type { Body, Read } from '../identity/verify.ts'
import { log } from '../platform/log.ts'
import { CHARGED_BY_CLOUDFLARE } from '../protocol/pay-per-crawl.ts'
import { accept, type Refusal, type Result, refuse, wire } from '../protocol/refusal.ts'
import type { Dialect, Paid } from './dialects/dialect.ts'
import { dialectOf, speakerOf } from './dialects/index.ts'
import { type Edition, formerQuotes, type Quote } from './edition.ts'
import { type Counters, freeOf } from './free-pages.ts'
import { answerTo } from './offers.ts'
import { prefersHtml } from './page.ts'
import { siteOrigin, type Target, targetOf } from './path.ts'
import { RecentPayers } from './payers.ts'
import { type Decision, decideUrl, type Policy } from './policy.ts'
import {
  type Changes,
  type Header,
  paidResponse,
  preflight,
  receiptAlone,
  refused,
  refusedSale,
  storedHeaders,
  withChanges,
} from './response.ts'
import { type Goods, type Sold, sell, type Tools, type Wanted } from './sale.ts'
import { readAnswer, restore } from './stored-answer.ts'
import { hiddenHeaders, readFinalAmount } from './terms/origin-price.ts'
import { type Count, counting, type Ending } from './traffic.ts'

/** The settings of one site's gate. */
export type GateOptions = {
  /** The terms in force. */
  edition: Edition
  /** Former terms whose offers may be valid still, newest first. Asked for payments alone. */
  former?: (() => readonly Edition[] | Promise<readonly Edition[]>) | undefined
  /** Unix milliseconds. */
  now: () => number
  /** A fresh name for an operation. */
  newId: () => string
  /** Whether Cloudflare's own products charge on this zone. Only then their headers mean anything: a client can write them too. */
  cloudflareCharges: boolean
  /** The addresses that operators of crawlers publish, at this moment. Without it, addresses prove and refute nothing. */
  published?: () => Published
  /** The counters of free pages. Without them every page is charged. */
  counters?: Counters | undefined
  /** The sitemaps that the robots.txt of a site names, as far as known. */
  sitemaps?: (site: string) => ReadonlySet<string> | undefined
  /** Counts how requests end, except preflights and methods that are answered 405. Without it nothing is counted. */
  count?: Count | undefined
  /** The `Link` header that points to the terms of a site. */
  linkOf?: (site: string) => string | undefined
  /** The headers that state the terms of a page, as far as its answer lacks them. */
  termsOf?: (page: DeliveredPage) => readonly Header[]
}

/** A page on its way to a client. `site` has scheme and host; `sent` are the headers of its answer. */
export type DeliveredPage = { method: string; url: string; site: string; sent: Headers }

/** Where the content comes from once the gate lets a request through. It is asked for the path exactly as it was sent. */
export type Content = {
  /** A free page: streams both ways. */
  pass(request: Request, target: Target): Promise<Response>
  /** A `HEAD` of our own, for the price and date that the origin states. Absent where nothing can be asked. */
  ask?(request: Request, target: Target): Promise<Response>
  /** A page being paid for. `body` was read by the gate, since the payment is bound to it. */
  buy(request: Request, target: Target, body: Uint8Array<ArrayBuffer> | null): Promise<Response>
}

/** Answers one request: the page, an offer or a refusal. */
export type Gate = (request: Request, content: Content) => Promise<Response>

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const MAX_BODY_BYTES = 1 << 20

/** Trap: a slow body must not outlast the replay window, or a used signature would be charged again (faults: C3). */
const MAX_BODY_READ_MS = 120_000

/** Builds the gate of one site. It holds no state but caches: the offers it has written, and its payers of late. */
export function gate(options: GateOptions): Gate {
  const { edition, former, now, newId, cloudflareCharges, published } = options
  const { policy, schemes, decisions, quoteOf } = edition
  const fixedOf = storedHeaders(options.linkOf)
  const hidden = hiddenHeaders(policy.asksOrigin === true && !cloudflareCharges)
  const shop = { tools: { now, newId, payers: new RecentPayers() }, decisions }
  const counted = counting(options.count, edition.site?.id)

  return async function handle(request, pages) {
    const { method, headers, url: sent } = request
    if (!METHODS.has(method)) return refused({ reason: 'method_not_allowed' })
    if (method === 'OPTIONS') {
      const free = freePreflight(policy, request, now(), published?.())
      return free ? pages.pass(request, free).catch(unreachable) : preflight()
    }
    const dialect = dialectOf(headers)
    const manner = { head: method === 'HEAD', dialect: dialect ?? null }
    const [site, target] = [siteOrigin(sent), targetOf(sent)]
    if (site === null || !target) return refused({ reason: 'ambiguous_path' }, manner)
    const page = `${site}${target.path}${target.search}`
    const means = { signed: headers.has('signature-input'), paying: dialect !== undefined }
    const evidence = evidenceOf(request, means, published?.())
    const asker = classify(evidence)
    const sitemaps = options.sitemaps?.(site)
    const country = countryOf(request)
    const dated = decisions.dated({ method, url: sent, asker, country, now: now(), sitemaps })
    const asked = dated instanceof Promise ? await dated : dated
    const found = decisions.of(asked, page, async () => pages.ask?.(request, target))
    const decided = found instanceof Promise ? await found : found
    const ended = counted({ origin: site, asker, decided, head: manner.head })
    if (!decided.ok) return ended('blocked', refused(decided.refusal, manner))
    const decision = decided.value
    const { pass } = decision
    const [url, content] = pass ? [site + pass.address, passContent(decision)] : [page, pages]
    const isPaying = dialect !== undefined && !manner.head
    const honoured = isPaying && former ? await formerQuotes(await former(), asked, url, decision) : []
    const quote = decision.action === 'block' ? honoured[0] : quoteOf(decision)
    const block = () => ended('blocked', refused(blocked(decision), manner))
    if (!quote) return block()
    const changes = changesBy(options.termsOf, hidden, { ...asked, site })
    const quiet = (answer: Response) => withChanges(answer, changes(answer))
    const isFree = decision.action === 'allow' || (cloudflareCharges && chargedByCloudflare(headers))
    const serve = () => content.pass(request, target).then(quiet).catch(unreachable)
    if (isFree) return ended('free', await serve())
    if (method === 'GET' && decision.freePages !== undefined) {
      const free = await freeOf(options.counters, { decision, asker, page: url }, serve)
      if (free) return ended('free', free)
    }
    const moments = isPaying ? decisions.earlier(asked, url).map(quoteOf) : []
    const wanted = { url, ...quote, earlier: [...moments, ...honoured], asker }
    const decideFor: DecideFor = (signer, { decisions }) =>
      decisions.known({ ...asked, signer, asker: classify({ ...evidence, signer }) }, url)
    // HEAD is gated and never charges: a payment on it is not even read.
    const sale = isPaying
      ? await sellFor({ ...shop, changes }, request, target, wanted, decideFor, dialect, content).catch(
          outcomeUnknown,
        )
      : refuse('payment_required')
    if (sale.ok) return ended(wanted.decision.action === 'allow' ? 'free' : 'paid', sale.value)
    logRefusal(sale.refusal)
    if (decision.action === 'block' && isOffer(sale.refusal)) return block()
    const { refusal, offers } = answerTo(sale.refusal, wanted, policy, schemes)
    const audience = {
      offers,
      url,
      browser: prefersHtml(headers),
      passes: decision.passes,
      note: asker.refutation && `This request ${asker.refutation}.`,
      fixed: fixedOf(site),
      head: manner.head,
      dialect: speakerOf(dialect, wanted.offers.made),
    }
    return ended(outcomeOf(refusal), refusedSale(refusal, audience))
  }
}

/** The headers of the terms are added to a delivered page alone. */
function changesBy(
  termsOf: GateOptions['termsOf'],
  hidden: Changes['hidden'],
  page: Omit<DeliveredPage, 'sent'>,
): Shop['changes'] {
  return ({ status, headers: sent }) => ({
    hidden,
    added: status === 200 || status === 206 ? (termsOf?.({ ...page, sent }) ?? []) : [],
  })
}

function outcomeOf({ reason }: Refusal): Ending {
  if (reason === 'payment_required') return 'unpaid'
  return reason === 'blocked' || reason === 'embargoed' ? 'blocked' : 'refused'
}

/** The answer to a pass that was paid for. */
function passContent({ pass, recrawlMs = 0 }: Decision): Content {
  const answer = async () => Response.json({ opens: pass?.path, seconds: recrawlMs / 1000 })
  return { pass: answer, buy: answer }
}

/** The parts of a gate that sell. */
type Shop = Pick<Edition, 'decisions'> & {
  tools: Tools
  /** The headers that a client gets otherwise than the origin sent them. */
  changes: (answer: Response) => Changes
}

/** The decision for a signer by the terms of an edition. */
type DecideFor = (signer: string, edition: Edition) => Result<Decision>

/**
 * Sells by the decision of what the client claims to be, until a valid signature shows who it is. Then the decision for
 * the signer replaces it in `wanted`.
 */
async function sellFor(
  shop: Shop,
  request: Request,
  target: Target,
  wanted: Omit<Wanted, 'sent' | 'method' | 'priceFor'>,
  decideFor: DecideFor,
  dialect: Dialect,
  content: Content,
): Promise<Result<Response>> {
  const { tools, decisions, changes } = shop
  const paid = readPaid(request.headers, dialect, [wanted, ...wanted.earlier])
  if (!paid.ok) return paid
  const read = reader(request, tools.now)
  const priceFor = pricing(wanted, decideFor, shop)
  const goods: Goods<Response> = {
    ...GOODS,
    async buy(body) {
      const answer = await content.buy(request, target, body)
      decisions.learn(wanted.url, answer.headers)
      return answer
    },
    asks: ({ headers }, { isCeiling }) => (isCeiling ? readFinalAmount(headers) : undefined),
  }
  const order = Object.assign(wanted, { method: request.method, sent: { request, read }, priceFor })
  const sold = await sell(order, paid.value, goods, tools)
  if (wanted.decision.action === 'allow') {
    const free = await freeFor(request, target, read, content)
    return free.ok ? accept(withChanges(free.value, changes(free.value))) : free
  }
  if (!sold.ok) return sold
  return accept(answerOf(sold.value, dialect, changes))
}

/** Reads a payment by the offers in force, or by earlier ones where those lack its scheme. */
function readPaid(headers: Headers, dialect: Dialect, [quote, ...earlier]: readonly Quote[]): Result<Paid> {
  const paid = quote ? dialect.read(headers, quote.offers.made) : refuse('no_matching_offer')
  if (paid.ok) return paid
  return earlier.map(({ offers }) => dialect.read(headers, offers.made)).find(({ ok }) => ok) ?? paid
}

/**
 * The price for a signer that a scheme has verified. The decision for it replaces the one in `wanted`; undefined where the
 * signer changes nothing.
 */
function pricing(wanted: Quote, decideFor: DecideFor, shop: Shop): Required<Wanted>['priceFor'] {
  return (signer, { edition }, scheme) => {
    if (!crawlerOfSigner(signer) && !edition.policy.contracts?.has(signer)) return undefined
    const decided = decideFor(signer, edition)
    if (!decided.ok) return decided
    const decision = decided.value
    // A former version holds for its offers alone: a signer that was free by it pays by the present one.
    if (edition.decisions !== shop.decisions && decision.action !== 'charge')
      return refuse('no_matching_offer')
    Object.assign(wanted, edition.quoteOf(decision))
    if (decision.action !== 'charge') return refuse('blocked')
    return decision.schemes.includes(scheme) ? accept(decision.price) : refuse('no_matching_offer')
  }
}

/** A page that is free for the signer of a payment. The body was read, since the signature may cover it. */
async function freeFor(
  request: Request,
  target: Target,
  read: Read,
  content: Content,
): Promise<Result<Response>> {
  const body = await read()
  if (!body.ok) return body
  return accept(await content.buy(request, target, body.value).catch(unreachable))
}

/**
 * The path of a preflight for a request that will pass free: the site's own rules for other origins hold there. Undefined for
 * all else, such as the preflight of a request that will pay.
 */
function freePreflight(
  policy: Policy,
  request: Request,
  now: number,
  published: Published | undefined,
): Target | undefined {
  const { headers, url } = request
  const method = headers.get('access-control-request-method')
  const target = targetOf(url)
  if (method === null || !METHODS.has(method) || !target || siteOrigin(url) === null) return undefined
  const names = headers.get('access-control-request-headers')?.match(/[\w-]+/g) ?? []
  const announced = new Headers(names.map((name) => [name, '']))
  const asker = classify(evidenceOf(request, meansOf(announced), published))
  const isFree = (asked: string) => {
    const decided = decideUrl(policy, { method: asked, url, asker, country: countryOf(request), now })
    return decided.ok && decided.value.action === 'allow'
  }
  // Threat: an origin that looks at no method answers OPTIONS with the page.
  return isFree(method) && isFree('GET') ? target : undefined
}

const GOODS: Omit<Goods<Response>, 'buy'> = {
  delivers: isDelivery,
  discard: async (answer) => answer.body?.cancel(),
  read: readAnswer,
  restore,
}

/** Whether a client signs and pays, by the headers that it sends or announces. */
export function meansOf(headers: Headers): Pick<ClientEvidence, 'signed' | 'paying'> {
  return { signed: headers.has('signature-input'), paying: dialectOf(headers) !== undefined }
}

/** The evidence about a client. */
export function evidenceOf(
  { headers, cf }: Request,
  means: Pick<ClientEvidence, 'signed' | 'paying'>,
  published: Published | undefined,
): ClientEvidence {
  return {
    userAgent: headers.get('user-agent'),
    cf: cf as IncomingRequestCfProperties | undefined,
    ...means,
    address: headers.get('cf-connecting-ip'),
    published,
  }
}

/** The country of a request by the platform's word; undefined for none. A client cannot state it. */
export function countryOf({ cf }: Request): string | undefined {
  const country = cf?.country
  // XX: an address without a country.
  return typeof country === 'string' && country !== 'XX' ? country : undefined
}

/** The end of a sale as HTTP. */
function answerOf({ answer, receipt }: Sold<Response>, dialect: Dialect, changes: Shop['changes']): Response {
  if (!answer) return receiptAlone(receipt, dialect)
  return receipt
    ? paidResponse(answer, receipt, dialect, changes(answer))
    : withChanges(answer, changes(answer))
}

/** The refusal of a blocked page: an embargo says when it opens. */
export function blocked({ opensAt }: Decision): Refusal {
  return opensAt === undefined ? { reason: 'blocked' } : { reason: 'embargoed', opensAt }
}

/** The answer after the origin has failed: 502. */
export function unreachable(fault: unknown): Response {
  log('origin_failed', { fault })
  return refused({ reason: 'origin_unreachable' })
}

/** Trap: after a fault the outcome is unknown, and a 402 would make the payer pay twice. Answer 503, without the page. */
function outcomeUnknown(fault: unknown): Result<Response> {
  log('payment_outcome_unknown', { fault })
  return refuse('ledger_unavailable')
}

/** Redirects, refusals and "not modified" deliver nothing. */
export function isDelivery({ status }: Response): boolean {
  return status >= 200 && status < 300
}

/** Whether Cloudflare's own products charge for the request. Any client can write these headers where they do not. */
export function chargedByCloudflare(headers: Headers): boolean {
  return CHARGED_BY_CLOUDFLARE.some((name) => headers.has(name))
}

/** Whether the answer to a refusal makes an offer. */
function isOffer({ reason }: Refusal): boolean {
  return wire(reason).status === 402
}

function logRefusal({ reason, detail }: Refusal): void {
  if (detail === undefined) return
  log('payment_refused', { reason, detail: detail.slice(0, 300) })
}

/** Reads the body once, at the first call. It must arrive within `MAX_BODY_READ_MS` from now. */
function reader(request: Request, now: () => number): Read {
  const until = now() + MAX_BODY_READ_MS
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
    if (size > MAX_BODY_BYTES) return refuse('body_too_large')
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
