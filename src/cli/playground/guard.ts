/** The door of the playground's server: the page that it has served itself may call it, and no other site. */

/** Random path segments are as long as this, so that no other site can name an address of the server. */
export const TOKEN_BYTES = 24

/** The parts of a request that decide. Header names are lower case. */
export type Asked = {
  method: string
  url: string
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/** The rest of the path behind the token and its query, or the status of a refusal. */
export type Admission = { ok: true; path: string; search: string } | { ok: false; status: number }

const refused = (status: number): Admission => ({ ok: false, status })

/**
 * Admits a request. Threat: a page of another site whose name resolves to 127.0.0.1 (DNS rebinding) has a host of its own (421)
 * and no token (404). A form or a script of another site has another origin (403), and no form can send JSON (415).
 */
export function admit({ method, url, headers }: Asked, own: { host: string; token: string }): Admission {
  if (headers.host !== own.host) return refused(421)
  const { origin } = headers
  if (origin !== undefined && origin !== `http://${own.host}`) return refused(403)
  const begin = `/${own.token}/`
  if (!url.startsWith(begin)) return refused(404)
  if (method !== 'GET' && method !== 'POST') return refused(405)
  if (method === 'POST' && headers['content-type'] !== 'application/json') return refused(415)
  const [path = ''] = url.slice(begin.length).split('?')
  return { ok: true, path, search: url.slice(begin.length + path.length) }
}

/** Headers of every answer: nothing is loaded from elsewhere, framed, stored, or sent on as a referrer. */
export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}
