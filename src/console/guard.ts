/** The guard of every page: the session in its cookie, forms that only our pages can send, and the security headers. */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { encodeBase64url } from '../protocol/encoding/base64url.ts'
import { isLocalHost } from '../sites/host.ts'

/** Nothing is loaded but our own script and stylesheet, and forms go to the console alone. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'private, no-store',
}

/** The cookie of a session. Browsers take the prefix `__Host-` over https alone, so a console on this machine has another. */
function cookieOf(c: Context): { name: string; secure: boolean } {
  const secure = new URL(c.req.url).protocol === 'https:'
  return { name: secure ? '__Host-tab402' : 'tab402', secure }
}

/** The largest form: a policy of 10,000 rules with room to spare. A larger one is answered 413. */
export const MAX_FORM_BYTES = 2_000_000

/** Adds the security headers to an answer. */
export function secured(answer: Response): Response {
  const headers = new Headers(answer.headers)
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value)
  return new Response(answer.body, { status: answer.status, headers })
}

/** The secret id of the session in the cookie. */
export function sessionOf(c: Context): string | undefined {
  return getCookie(c, cookieOf(c).name)
}

/** Sets the cookie of a session. It lasts as long as the browser; the session in the object ends by itself. */
export function keepSession(c: Context, session: string): void {
  const { name, secure } = cookieOf(c)
  setCookie(c, name, session, { path: '/', secure, httpOnly: true, sameSite: 'Strict' })
}

/** Removes the cookie. */
export function dropSession(c: Context): void {
  const { name, secure } = cookieOf(c)
  deleteCookie(c, name, { path: '/', secure, httpOnly: true, sameSite: 'Strict' })
}

/** The token that each form of a session carries: another site cannot read the cookie that it is made from. */
export async function formTokenOf(session: string): Promise<string> {
  const bytes = new TextEncoder().encode(`form ${session}`)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return encodeBase64url(digest)
}

/** Whether a form was sent by one of our own pages: its origin is ours, and so says the browser where it says anything. */
export function isOurForm(request: Request): boolean {
  const { headers, url } = request
  const origin = headers.get('origin')
  const fetchSite = headers.get('sec-fetch-site')
  return origin === new URL(url).origin && (fetchSite === null || fetchSite === 'same-origin')
}

/** Where to go after signing in: a path of the console, never another host. */
export function returnPath(text: string | undefined, base: string): string {
  const url = text?.startsWith('/') ? URL.parse(text, base) : null
  // Threat: the path of "/.//host" is "//host", which names a host where it stands alone.
  const isOurs = url?.origin === new URL(base).origin && !url.pathname.startsWith('//')
  return url && isOurs ? `${url.pathname}${url.search}` : '/'
}

/**
 * The same address over https, for a request over http that came from another machine. Null for all else.
 *
 * Threat: over http a token, and a cookie that is not `Secure`, can be read on the way.
 */
export function encryptedUrl(text: string): string | null {
  const url = new URL(text)
  if (url.protocol === 'https:' || isLocalHost(url.host)) return null
  url.protocol = 'https:'
  return url.href
}
