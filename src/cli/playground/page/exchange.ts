/** Requests and answers as text, and what is inside their headers. No part of it needs a browser. */
import type { SiteAnswer } from '../calls.ts'

/** A request of the crawler. `url`: whole. Header names are lower case. */
export type Sent = { method: string; url: string; headers: Record<string, string> }
/** A request with its answer. */
export type Exchange = { sent: Sent; answer: SiteAnswer }

/** Longer values are shortened, and shown whole below. */
const SHOWN_CHARACTERS = 72

const STATUS: Record<number, string> = {
  200: 'OK',
  400: 'Bad Request',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  503: 'Service Unavailable',
}

/** The request as it goes over the wire; `isWhole`: without shortening. */
export function requestText({ method, url, headers }: Sent, isWhole: boolean): string {
  const { host, pathname, search } = new URL(url)
  return [
    `${method} ${pathname}${search} HTTP/1.1`,
    `host: ${host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${isWhole ? value : shortened(value)}`),
  ].join('\n')
}

/** The head of an answer, without headers that every server sends. */
export function answerText({ status, headers }: SiteAnswer, isWhole: boolean): string {
  return [
    `HTTP/1.1 ${status} ${STATUS[status] ?? ''}`.trim(),
    ...headers
      .filter(([name]) => isWhole || TELLING.test(name))
      .map(([name, value]) => `${name.toLowerCase()}: ${isWhole ? value : shortened(value)}`),
  ].join('\n')
}

const TELLING = /^(?:payment-|crawler-|content-type$|retry-after$|accept-signature$)/i

function shortened(value: string): string {
  if (value.length <= SHOWN_CHARACTERS) return value
  return `${value.slice(0, SHOWN_CHARACTERS)}… (${value.length} characters)`
}

/** A header that holds JSON in base64, such as `payment-required`; undefined where there is none. */
export function headerJson(headers: Iterable<[string, string]>, name: string): unknown {
  for (const [key, value] of headers) if (key.toLowerCase() === name) return fromBase64(value)
  return undefined
}

/** JSON in base64 of UTF-8. */
export function fromBase64(text: string): unknown {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))
  return JSON.parse(new TextDecoder().decode(bytes))
}

/** The reverse of {@link fromBase64}. */
export function toBase64(value: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value))
  return btoa(String.fromCharCode(...bytes))
}

/** The code of a refusal: of the 402's header, or of the body. '' for an answer that is none. */
export function reasonOf({ status, headers, body }: SiteAnswer): string {
  if (status < 400) return ''
  const required = headerJson(headers, 'payment-required') as { error?: string } | undefined
  if (required?.error) return required.error
  try {
    return String((JSON.parse(body) as { error?: unknown }).error ?? '')
  } catch (cause) {
    if (cause instanceof SyntaxError) return ''
    throw cause
  }
}

/** The title of an HTML page, or its first words. */
export function titleOf({ body }: SiteAnswer): string {
  const [, title] = /<title>([^<]*)<\/title>/i.exec(body) ?? []
  return (title ?? body.slice(0, 60)).replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}
