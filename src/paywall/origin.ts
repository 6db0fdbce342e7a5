/** Requests to the protected server: which headers it receives, and the timeout. */
import type { CanonicalPath } from './path.ts'
import { originUrl } from './path.ts'

/** How to reach the protected server. */
export type OriginSettings = {
  url: URL
  /** Global `fetch`, or a service binding's. */
  fetch: (request: Request) => Promise<Response>
  /** Sent as `tab402-origin-secret`, so that the origin can reject requests that bypass the paywall. */
  secret: string | undefined
  timeoutMs: number
}

/** Headers that a client may not send through: payments, other names for the method or path, and hop-by-hop ones. */
const STRIPPED = [
  'connection',
  'crawler-exact-price',
  'crawler-max-price',
  'forwarded',
  'keep-alive',
  'payment-signature',
  'proxy-authorization',
  'proxy-connection',
  'tab402-origin-secret',
  'te',
  'trailer',
  'transfer-encoding',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-url',
  'x-payment',
  'x-rewrite-url',
]
const STRIPPED_FAMILIES = /^(?:cf-|x-forwarded-|x-tab402-)/

/** Asks the origin for a page that is free for this reader. Streams both ways; a WebSocket may be opened. */
export async function pass(origin: OriginSettings, request: Request, path: CanonicalPath): Promise<Response> {
  // A GET may come with a body, which means nothing (RFC 9110 §9.3.1) and which `Request` refuses to carry.
  const body = request.method === 'GET' || request.method === 'HEAD' ? null : request.body
  return origin.fetch(forwarded(origin, request, path, body, true))
}

/**
 * Asks the origin for a page that is being paid for.
 * @throws when it cannot be reached or sends no headers within the timeout
 */
export async function buy(
  origin: OriginSettings,
  request: Request,
  path: CanonicalPath,
  body: Uint8Array<ArrayBuffer> | null,
): Promise<Response> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new Error('origin timeout')), origin.timeoutMs)
  try {
    const sent = forwarded(origin, request, path, body, false)
    return await origin.fetch(new Request(sent, { signal: late.signal }))
  } finally {
    clearTimeout(timer)
  }
}

function forwarded(
  origin: OriginSettings,
  request: Request,
  path: CanonicalPath,
  body: ReadableStream | Uint8Array<ArrayBuffer> | null,
  upgrades: boolean,
): Request {
  const headers = new Headers(request.headers)
  const listed = headers.get('connection')?.split(',') ?? []
  const ip = headers.get('cf-connecting-ip')
  for (const name of [...STRIPPED, ...listed]) remove(headers, name.trim(), upgrades)
  for (const name of [...headers.keys()]) if (STRIPPED_FAMILIES.test(name)) headers.delete(name)
  if (!upgrades) headers.delete('upgrade')
  const { host, protocol } = new URL(request.url)
  headers.set('x-forwarded-host', host)
  headers.set('x-forwarded-proto', protocol.slice(0, -1))
  if (ip) headers.set('x-forwarded-for', ip)
  if (origin.secret !== undefined) headers.set('tab402-origin-secret', origin.secret)
  return new Request(originUrl(origin.url, path), {
    method: request.method,
    headers,
    body,
    redirect: 'manual',
  })
}

function remove(headers: Headers, name: string, upgrades: boolean): void {
  if (name === '' || (upgrades && name.toLowerCase() === 'upgrade')) return
  // `Connection` may list invalid header names, for which `delete` throws.
  if (/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) headers.delete(name)
}
