/** Explains over HTTP what the paywall answers to a request. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import type { ExplainedRequest } from '../paywall/explain.ts'
import type { RequestError } from './problem.ts'
import { invalid, jsonResponse, notFound } from './response.ts'
import { needs, type OperatorEnv } from './rights.ts'
import type { ExplainedPolicy, OperatorSettings, SitesPort } from './settings.ts'

const ADDRESS = /^[0-9a-f.:]{2,45}$/i
const HOST = /^[a-z0-9.-]{1,253}$/i
const COUNTRY = /^(?:[A-Z]{2}|T1|none)$/
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** The route `/api/explain`. It reads nothing but the policy. */
export function explainRoutes({ site, sites }: OperatorSettings, now: () => number): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('sites.read'), async (c) => {
    const id = c.req.query('site')
    const { publisher } = c.var.principal
    const policy = id === undefined && publisher === null ? site : await policyOf(sites, id ?? '', publisher)
    if (!site || !policy) return notFound()
    return explained(c, policy, { site, origin: new URL(c.req.url).origin, now: now() })
  })
  return app
}

type About = {
  site: NonNullable<OperatorSettings['site']>
  /** Where a path without a host is. */
  origin: string
  now: number
}

/** Explains the request of a query under a policy, or answers 400. */
export async function explained(
  c: Context,
  policy: ExplainedPolicy,
  { site, origin, now }: About,
): Promise<Response> {
  const request = requestOf(c, origin, now)
  if (Array.isArray(request)) return invalid(request)
  // Page requests never load it.
  const { explain } = await import('../paywall/explain.ts')
  return jsonResponse(explain({ ...policy, published: await site.published() }, request))
}

/** The policy of a site as it is published, or as it is drafted where it never was; undefined for an unknown one and one that `publisher` does not have. */
async function policyOf(
  sites: SitesPort | undefined,
  id: string,
  publisher: string | null,
): Promise<ExplainedPolicy | undefined> {
  const read = await sites?.registry().read(id)
  if (!sites || !read?.ok || (publisher !== null && read.value.publisher !== publisher)) return undefined
  const { published, draft } = read.value
  const document = (published ?? draft)?.document
  return document && (await sites.open(document))?.explained
}

/** The request of a query, or all of its errors. A path is one of this site. */
function requestOf(c: Context, origin: string, now: number): ExplainedRequest | RequestError[] {
  const { url = '', as = '', method = 'GET', ip, signed: signedBy, country, verified } = c.req.query()
  const absolute = url.startsWith('/') ? `${origin}${url}` : url
  const isUrl = /^https?:\/\//i.test(absolute) && URL.canParse(absolute)
  const errors: [boolean, RequestError][] = [
    [isUrl, { path: 'url', message: 'must be a URL or a path of this site', expected: '/articles/1' }],
    [as !== '', { path: 'as', message: 'must be a crawler or a User-Agent', expected: 'GPTBot' }],
    [METHODS.includes(method), { path: 'method', message: 'must be a method', expected: METHODS.join(', ') }],
    [
      ip === undefined || ADDRESS.test(ip),
      { path: 'ip', message: 'must be an address', expected: '192.0.2.1' },
    ],
    [
      signedBy === undefined || HOST.test(signedBy),
      { path: 'signed', message: 'must be the host of a Signature-Agent', expected: 'chatgpt.com' },
    ],
    [
      country === undefined || COUNTRY.test(country),
      { path: 'country', message: 'must be an ISO 3166 code, T1 or none', expected: 'DE' },
    ],
    [
      verified === undefined || verified === 'true' || verified === 'false',
      { path: 'verified', message: 'must be true or false', expected: 'true' },
    ],
  ]
  const found = errors.filter(([holds]) => !holds).map(([, error]) => error)
  if (found.length > 0) return found
  return { url: absolute, as, method, ip, signedBy, country, isVerified: verified === 'true', now }
}
