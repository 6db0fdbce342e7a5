/** The gate with the site's terms: documents at their addresses, and headers on pages that point to them. */
import type { Gate } from '../paywall/gate.ts'
import { canonicalize, siteOrigin } from '../paywall/path.ts'
import { decide } from '../paywall/policy.ts'
import { ADDRESSES, licenseOf, type TermsOfSite } from './names.ts'
import { usage } from './usage.ts'

const ADDRESS = new RegExp(`^https?://[^/?#]+/(${Object.keys(ADDRESSES).join('|').replaceAll('.', '\\.')})$`)

/**
 * Serves a site's documents free to everybody, whatever its rules say, and passes all else to the gate. The code of the
 * documents loads at the first request for one.
 */
export function withTerms(gate: Gate, terms: TermsOfSite): Gate {
  const { documents } = terms
  if (documents.size === 0) return gate
  return async (request, content) => {
    const [, address] = ADDRESS.exec(request.url) ?? []
    const name = ADDRESSES[address as keyof typeof ADDRESSES]
    if (name && documents.has(name) && (request.method === 'GET' || request.method === 'HEAD')) {
      const origin = siteOrigin(request.url)
      const { DOCUMENTS } = await import('./documents.ts')
      if (origin !== null) return DOCUMENTS[name]({ request, content, origin, ...terms })
    }
    const answer = await gate(request, content)
    const isPage = answer.status === 200 || answer.status === 206
    const origin = isPage ? siteOrigin(request.url) : null
    return origin === null ? answer : announced(answer, request, terms, origin)
  }
}

/** The headers of a 402 that point to the terms of a site. `origin` has scheme and host. */
export function linksTo(terms: TermsOfSite, origin: string): Record<string, string> {
  const license = licenseOf(terms, origin)
  return license ? { link: `<${license}>; rel="license"; type="application/rsl+xml"` } : {}
}

/** A page with the headers of the terms. Those of the origin stay. */
function announced(answer: Response, request: Request, terms: TermsOfSite, origin: string): Response {
  const { headers } = answer
  const { link } = linksTo(terms, origin)
  const added = reservations(request, terms, origin).filter(([name]) => !headers.has(name))
  if (link && !/rel="?license\b/i.test(headers.get('link') ?? '')) added.push(['link', link])
  if (added.length === 0) return answer
  const response = new Response(answer.body, answer)
  for (const [name, value] of added) response.headers.append(name, value)
  return response
}

/** TDMRep and AIPREF for one page, by the decisions for crawlers that train and that search. */
function reservations(request: Request, terms: TermsOfSite, origin: string): [string, string][] {
  const { policy, documents } = terms
  const path = canonicalize(request.url, policy.paths)
  if (!path.ok || !(documents.has('tdm') || documents.has('aipref'))) return []
  const isFree = (purpose: 'search' | 'training') => {
    const asker = { kind: 'crawler', class: purpose, claim: 'unknown', reasons: [] } as const
    return decide(policy, { method: request.method, path: path.value, asker }).action === 'allow'
  }
  const trains = isFree('training')
  const license = licenseOf(terms, origin)
  const headers: [string, string][] = []
  if (documents.has('tdm')) headers.push(['tdm-reservation', trains ? '0' : '1'])
  if (documents.has('tdm') && !trains && license) headers.push(['tdm-policy', license])
  if (documents.has('aipref')) headers.push(['content-usage', usage(trains, isFree('search'))])
  return headers
}
