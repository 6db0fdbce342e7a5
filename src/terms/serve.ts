/** A site's terms: documents at their addresses, and headers on pages that state them or point to them. */
import type { DeliveredPage, Gate } from '../paywall/gate.ts'
import { canonicalize, siteOrigin } from '../paywall/path.ts'
import { decide } from '../paywall/policy.ts'
import type { Header } from '../paywall/response.ts'
import type { DocumentRequest } from './asked.ts'
import { ADDRESSES, type DocumentName, licenseOf, type TermsOfSite } from './names.ts'
import { usage } from './usage.ts'

const ADDRESS = new RegExp(`^https?://[^/?#]+/(${Object.keys(ADDRESSES).join('|').replaceAll('.', '\\.')})$`)

/**
 * Serves a site's documents free to everybody, whatever its rules say, and passes all else to the gate. The code of the
 * documents loads at the first request for one.
 */
export function withTerms(gate: Gate, terms: TermsOfSite): Gate {
  const { documents } = terms
  if (documents.size === 0) return gate
  return (request, content) => {
    const [, address] = ADDRESS.exec(request.url) ?? []
    const name = ADDRESSES[address as keyof typeof ADDRESSES]
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const origin = name && documents.has(name) && isRead ? siteOrigin(request.url) : null
    if (!name || origin === null) return gate(request, content)
    return serve(name, { request, content, origin, ...terms })
  }
}

async function serve(name: DocumentName, asked: DocumentRequest): Promise<Response> {
  const { DOCUMENTS } = await import('./documents.ts')
  return DOCUMENTS[name](asked)
}

/** The `Link` header that points to the terms of a site, where they have an address. `origin` has scheme and host. */
export function linkTo(terms: TermsOfSite, origin: string): string | undefined {
  const license = licenseOf(terms, origin)
  return license && `<${license}>; rel="license"; type="application/rsl+xml"`
}

/** The headers that state the terms of a page. Those that the origin has sent stay. */
export function termsOf(terms: TermsOfSite, page: DeliveredPage): Header[] {
  const { sent, site } = page
  const added: Header[] = reservations(page, terms).filter(([name]) => !sent.has(name))
  const link = linkTo(terms, site)
  if (link && !/rel="?license\b/i.test(sent.get('link') ?? '')) added.push(['link', link])
  return added
}

/** TDMRep and AIPREF for one page, by the decisions for crawlers that train and that search. */
function reservations({ method, url, site }: DeliveredPage, terms: TermsOfSite): Header[] {
  const { policy, documents } = terms
  if (!(documents.has('tdm') || documents.has('aipref'))) return []
  const path = canonicalize(url, policy.paths)
  if (!path.ok) return []
  const isFree = (purpose: 'search' | 'training') => {
    const asker = { kind: 'crawler', class: purpose, claim: 'unknown', reasons: [] } as const
    return decide(policy, { method, path: path.value, asker }).action === 'allow'
  }
  const trains = isFree('training')
  const license = licenseOf(terms, site)
  const headers: Header[] = []
  if (documents.has('tdm')) headers.push(['tdm-reservation', trains ? '0' : '1'])
  if (documents.has('tdm') && !trains && license) headers.push(['tdm-policy', license])
  if (documents.has('aipref')) headers.push(['content-usage', usage(trains, isFree('search'))])
  return headers
}
