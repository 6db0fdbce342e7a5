/** Responses of the API: JSON with amounts as decimal strings, pages, files and errors. */

import type { Context } from 'hono'
import { writeJson } from '../platform/json.ts'
import { log } from '../platform/log.ts'
import { PAGE_POLICY } from '../platform/page.ts'
import { PROBLEM_TYPE, type ProblemCode, problemOf, type RequestError } from './problem.ts'

const MAX_PAGE_ITEMS = 500

/** A JSON response, with amounts as decimal strings of atomic units. */
export function jsonResponse(body: unknown, status = 200): Response {
  return new Response(writeJson(body), { status, headers: { 'content-type': 'application/json' } })
}

/** An error of the API (RFC 9457). `more` are further members, such as `errors`. */
export function problem(code: ProblemCode, more: Record<string, unknown> = {}): Response {
  const body = problemOf(code, more)
  return new Response(writeJson(body), { status: body.status, headers: { 'content-type': PROBLEM_TYPE } })
}

/** 404: the path or an id in it is unknown. */
export function notFound(): Response {
  return problem('not_found')
}

/** 503 for an exception: the outcome is unknown, and the caller may send the same request again. */
export function failed(fault: Error): Response {
  // Trap: messages may quote a value that was sent, or a key. Log the kind of the exception only.
  log('api_request_failed', { fault: fault.name })
  const answer = problem('unavailable')
  answer.headers.set('retry-after', '5')
  answer.headers.set('cache-control', 'no-store')
  return answer
}

/** 400 with every error of the request at once. */
export function invalid(errors: readonly RequestError[]): Response {
  return problem('invalid', { errors })
}

/** An HTML page that loads and runs nothing, and that other pages cannot frame. */
export function htmlPage(html: string): Response {
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_POLICY }
  return new Response(html, { headers })
}

/** A download. A stream is sent while it is made. */
export function download(body: string | ReadableStream<Uint8Array>, name: string, type: string): Response {
  const headers = {
    'content-type': `${type}; charset=utf-8`,
    'content-disposition': `attachment; filename="${name}"`,
  }
  return new Response(body, { headers })
}

/** A stream that is made while it is read. An exception aborts it, so a partial file never looks complete. */
export function streamOf(parts: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await parts.next()
        if (done) controller.close()
        else controller.enqueue(encoder.encode(value))
      } catch (fault) {
        const detail = fault instanceof Error ? fault.name : 'unknown'
        log('export_aborted', { detail })
        controller.error(fault)
      }
    },
    async cancel() {
      await parts.return(undefined)
    },
  })
}

/** Media types that a query can name. */
export type Format = 'json' | 'csv' | 'html'

/** The `format` of a query, or the 400 response. */
export function formatOf(c: Context, ...formats: Format[]): Format | Response {
  const asked = c.req.query('format') ?? 'json'
  const format = formats.find((known) => known === asked)
  const message = 'must be a format of this resource'
  return format ?? invalid([{ path: 'format', message, expected: formats.join(', ') }])
}

/** Items a page: `limit` of the query, from 1 to 500, by default 100. */
export function pageLimit(c: Context): number {
  const limit = numberOf(c.req.query('limit'), 100)
  return limit < 1 ? 1 : limit > MAX_PAGE_ITEMS ? MAX_PAGE_ITEMS : limit
}

/** A count of at most nine digits in a query. Other text means `otherwise`. */
export function numberOf(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? +text : otherwise
}

/** The cursor of the next page, or null after the last page. */
export function nextOf<Item, Cursor>(
  items: readonly Item[],
  limit: number,
  cursor: (item: Item) => Cursor,
): Cursor | null {
  const last = items.at(-1)
  return last === undefined || items.length < limit ? null : cursor(last)
}
