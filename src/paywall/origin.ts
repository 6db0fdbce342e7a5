/** Requests to the protected server: what it receives, and what of its answer is passed on. */
import { type Addresses, askOrigin, showSite } from './addresses.ts'
import { deadlineOf, timedBody } from './deadline.ts'
import { originUrl, siteOrigin, type Target } from './path.ts'

/** How to reach the protected server. */
export type OriginSettings = {
  /** The server's own address; undefined where it is asked under the host of the site. */
  url: URL | undefined
  /** Global `fetch`, or a service binding's. */
  fetch: (request: Request) => Promise<Response>
  /** Sent as `tab402-origin-secret`, so that the origin can reject requests that bypass the paywall. */
  secret: string | undefined
  timeoutMs: number
  /** Headers of our own requests. */
  ownHeaders?: Readonly<Record<string, string>>
}

/** RFC 9110 §7.6.1: about one connection, so they are not passed on either way. */
const HOP_BY_HOP = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
]
/** Threat: a client could pay, name another address, host, path or method, or speak for us. */
const SPOOFABLE = new Set([
  'client-ip',
  'crawler-exact-price',
  'crawler-max-price',
  'crawler-price',
  'fastly-client-ip',
  'forwarded',
  'front-end-https',
  'payment-signature',
  'proxy',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwarded',
  'x-host',
  'x-http-host-override',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-forwarded-for',
  'x-original-host',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-override-url',
  'x-payment',
  'x-real-ip',
  'x-rewrite-url',
  'x-url-scheme',
])
const SPOOFABLE_FAMILIES = /^(?:cf-|x-forwarded-|(?:x-)?tab402-)/
/** Cloudflare writes these itself on every request. */
const OF_CLOUDFLARE = new Set(['cf-connecting-ip', 'cf-ray', 'cf-visitor'])
/** The answer's hop-by-hop headers, and `alt-svc`: it names another way to the origin, around the paywall. */
const UNSHOWN = new Set([...HOP_BY_HOP, 'alt-svc'])

/**
 * Asks the origin for a page that is free for this client. Streams both ways; a WebSocket may be opened.
 * @throws when it cannot be reached or sends no headers within the timeout
 */
export async function pass(origin: OriginSettings, request: Request, target: Target): Promise<Response> {
  // A GET may come with a body, which means nothing (RFC 9110 §9.3.1) and which `Request` refuses to carry.
  const body = request.method === 'GET' || request.method === 'HEAD' ? null : request.body
  const upgrades = request.headers.get('upgrade')?.toLowerCase() === 'websocket'
  return ask(origin, request, target, body, upgrades)
}

/**
 * Asks the origin for a page that is being paid for.
 * @throws when it cannot be reached or sends no headers within the timeout
 */
export async function buy(
  origin: OriginSettings,
  request: Request,
  target: Target,
  body: Uint8Array<ArrayBuffer> | null,
): Promise<Response> {
  return ask(origin, request, target, body, false)
}

/** How long the origin may take to state a price. */
const MAX_STATEMENT_MS = 2_000

/**
 * Asks the origin by HEAD for its statement about a page. Threat: it holds for all clients, so nothing of one is passed on.
 * @throws when it cannot be reached or sends no headers within two seconds
 */
export async function askForPrice(
  origin: OriginSettings,
  request: Request,
  target: Target,
): Promise<Response> {
  // Trap: without it, a Worker on a custom domain would ask itself again and again.
  const forwarded = request.headers.get('forwarded')
  const headers = { accept: '*/*', 'user-agent': 'tab402', ...(forwarded !== null && { forwarded }) }
  const own = new Request(request.url, { method: 'HEAD', headers })
  const timeoutMs = Math.min(origin.timeoutMs, MAX_STATEMENT_MS)
  return ask({ ...origin, timeoutMs, ownHeaders: IN_BAND }, own, target, null, false)
}

/** Cloudflare's in-band pricing: such origins state `crawler-price` only when they are asked so. */
const IN_BAND = { 'cache-control': 'no-cache', 'cf-pay-per-crawl': 'protocol=cloudflare, pricing=in-band' }

async function ask(
  origin: OriginSettings,
  request: Request,
  target: Target,
  body: ReadableStream | Uint8Array<ArrayBuffer> | null,
  upgrades: boolean,
): Promise<Response> {
  const site = new URL(siteOrigin(request.url) ?? request.url)
  if (!origin.url && request.headers.get('forwarded')?.includes(passedBy(site)))
    throw new Error(
      'ORIGIN = "zone" must lead to a server: on a custom domain or without a route the Worker asks itself',
    )
  const addresses = origin.url && { site: originUrl(site, target), origin: origin.url }
  const limit = deadlineOf(origin.timeoutMs)
  const length = request.headers.get('content-length')
  try {
    const sent = new Request(originUrl(origin.url ?? site, target), {
      method: request.method,
      headers: requestHeaders(origin, request, site, addresses, upgrades),
      body:
        body instanceof ReadableStream
          ? timedBody(body, length === null ? undefined : Number(length), limit)
          : body,
      redirect: 'manual',
      signal: limit.signal,
    })
    if (!(body instanceof ReadableStream)) limit.start()
    return answerOf(await origin.fetch(sent), addresses)
  } finally {
    limit.end()
  }
}

function requestHeaders(
  { secret, ownHeaders = {} }: OriginSettings,
  request: Request,
  site: URL,
  addresses: Addresses | undefined,
  upgrades: boolean,
): Headers {
  const headers = new Headers(request.headers)
  const listed = headers.get('connection')?.split(',') ?? []
  const cf = request.cf as IncomingRequestCfProperties | undefined
  const ip = headers.get('cf-connecting-ip')
  for (const name of [...HOP_BY_HOP, ...listed]) remove(headers, name.trim())
  for (const name of [...headers.keys()]) {
    if (isSpoofable(name) && !(cf && OF_CLOUDFLARE.has(name))) headers.delete(name)
  }
  headers.delete('upgrade')
  if (upgrades) headers.set('upgrade', 'websocket')
  if (cf?.country) headers.set('cf-ipcountry', cf.country)
  // Cloudflare takes it for the client's address when a Worker asks its own zone.
  if (ip && !addresses) headers.set('x-real-ip', ip)
  // Some frameworks compare `Origin` with the forwarded host, others with `Host`: for such a request both are the origin's.
  const host = addresses && askOrigin(headers, addresses) ? addresses.origin.host : site.host
  setForwarded(headers, ip, host, site)
  if (!addresses) headers.set('forwarded', `${headers.get('forwarded')};${passedBy(site)}`)
  if (secret !== undefined) headers.set('tab402-origin-secret', secret)
  for (const [name, value] of Object.entries(ownHeaders)) headers.set(name, value)
  return headers
}

/** Threat: an origin behind CGI, FastCGI or WSGI reads `X_Original_URL` and `X-Original-URL` as one (RFC 3875 §4.1.18). */
function isSpoofable(name: string): boolean {
  const plain = name.replace(/[^a-z0-9]/g, '-')
  return SPOOFABLE.has(plain) || SPOOFABLE_FAMILIES.test(plain)
}

/** RFC 7239, and the older headers that say the same. */
function setForwarded(headers: Headers, ip: string | null, host: string, { protocol }: URL): void {
  const proto = protocol.slice(0, -1)
  headers.set('x-forwarded-host', host)
  headers.set('x-forwarded-proto', proto)
  const rest = `host="${host}";proto=${proto}`
  const isAddress = ip !== null && /^[0-9a-f.:]{2,45}$/i.test(ip)
  if (isAddress) headers.set('x-forwarded-for', ip)
  headers.set('forwarded', isAddress ? `for=${ip.includes(':') ? `"[${ip}]"` : ip};${rest}` : rest)
}

/** A pair of `Forwarded` by which the Worker of a zone recognizes its own request for this host. */
function passedBy({ host }: URL): string {
  return `by=_tab402-${host.replace(/[^\w.-]/g, '-')}`
}

function remove(headers: Headers, name: string): void {
  // `Connection` may list invalid header names, for which `delete` throws.
  if (/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) headers.delete(name)
}

/** The answer as clients see it. It is copied only if a header changes. */
function answerOf(answer: Response, addresses: Addresses | undefined): Response {
  const listed = answer.headers.get('connection')?.toLowerCase().split(',') ?? []
  const unshown = new Set([...listed.map((name) => name.trim()), ...UNSHOWN])
  const given = [...answer.headers]
  const removed = given.map(([name]) => name).filter((name) => unshown.has(name))
  const mapped = given.map(
    ([name, value]) => [name, addresses ? showSite(name, value, addresses) : value] as const,
  )
  const changed = mapped.filter(([, value], at) => value !== given[at]?.[1]).map(([name]) => name)
  if (removed.length === 0 && changed.length === 0) return answer
  const { status, statusText, headers, webSocket } = answer
  // Trap: other headers keep their bytes, which need not be UTF-8, only if they are copied unread.
  const shown = new Response(answer.body, { status, statusText, headers, webSocket })
  for (const name of [...changed, ...removed]) shown.headers.delete(name)
  // A name may have several values, each a cookie.
  for (const [name, value] of mapped) {
    if (changed.includes(name) && !removed.includes(name)) shown.headers.append(name, value)
  }
  return shown
}
