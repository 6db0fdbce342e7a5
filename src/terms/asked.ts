/** A request for a document of terms, and the answer with it. */
import { type Content, unreachable } from '../paywall/gate.ts'
import { targetOf } from '../paywall/path.ts'
import type { TermsOfSite } from './names.ts'

/** The site, the request, and the scheme and host that it was sent to. */
export type DocumentRequest = TermsOfSite & { request: Request; content: Content; origin: string }

/** Seconds for which a cache may keep a document. The 402 has the price meanwhile. */
const MAX_AGE_SECONDS = 300

/** A cache must not take the answer for the origin's own, and a part of a file cannot be merged. */
const CONDITIONAL = /^(?:if-(?:match|modified-since|none-match|range|unmodified-since)|range)$/

/** Answers with a document of our own. */
export function written({ request }: Pick<DocumentRequest, 'request'>, body: string, type: string): Response {
  const headers = {
    'access-control-allow-origin': '*',
    'cache-control': `public, max-age=${MAX_AGE_SECONDS}`,
    'content-type': type,
    'x-content-type-options': 'nosniff',
  }
  return new Response(request.method === 'HEAD' ? null : body, { headers })
}

/** Answers with a document of our own in JSON. */
export function json(asked: Pick<DocumentRequest, 'request'>, value: unknown): Response {
  return written(asked, JSON.stringify(value), 'application/json')
}

/** Asks the origin for its file at the same address, for the whole of it. An origin out of reach is a 502. */
export async function originFile({ request, content }: DocumentRequest): Promise<Response> {
  const target = targetOf(request.url)
  if (!target) throw new Error('the address of a document must be a path')
  const headers = new Headers(request.headers)
  for (const name of request.headers.keys()) if (CONDITIONAL.test(name)) headers.delete(name)
  return content.pass(new Request(request, { headers }), target).catch(unreachable)
}

/** Whether the origin lacks the file. Any other failure may be over soon, and is passed on. */
export function isMissing({ status }: Response): boolean {
  return status === 404 || status === 410
}
