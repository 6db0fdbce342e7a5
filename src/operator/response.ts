/** How the API answers: JSON with amounts as decimal strings, papers, and every "no" as a word. */
import type { Context } from 'hono'
import { PAPER_POLICY } from '../billing/pages.ts'
import { type Fault, faultsOf } from '../config/problem.ts'

export { type Fault, faultsOf }

const MOST = 500

export function write(body: unknown, status = 200): Response {
  return new Response(json(body), { status, headers: { 'content-type': 'application/json' } })
}

/** JSON, whose amounts are decimal strings of atomic units. */
export function json(body: unknown): string {
  return JSON.stringify(body, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
}

/** A refusal: one word for programs, and what else they may want to know. */
export function no(status: number, error: string, more: Record<string, unknown> = {}): Response {
  return write({ error, ...more }, status)
}

export function notFound(): Response {
  return no(404, 'not_found')
}

/** A broken world: what was asked for may have happened or not, and may be asked for again. */
export function failed(fault: Error): Response {
  // Messages may quote what was sent, or a key: only the kind is told.
  console.error(JSON.stringify({ message: 'a call below /_tab402 failed', fault: fault.name }))
  const answer = no(503, 'unavailable')
  answer.headers.set('retry-after', '5')
  answer.headers.set('cache-control', 'no-store')
  return answer
}

/** Everything that is wrong with what was sent, at once. No part of it repeats a value. */
export function faulty(faults: readonly Fault[]): Response {
  return no(400, 'invalid', { faults })
}

/** Never loads, runs or is framed by anything. */
export function paper(html: string): Response {
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAPER_POLICY }
  return new Response(html, { headers })
}

/** A file to be saved, whole or as it comes. */
export function file(body: string | ReadableStream<Uint8Array>, name: string, type: string): Response {
  const headers = {
    'content-type': `${type}; charset=utf-8`,
    'content-disposition': `attachment; filename="${name}"`,
  }
  return new Response(body, { headers })
}

export type Format = 'json' | 'csv' | 'html'

/** The `format` of a query, or its fault. */
export function formatOf(c: Context, ...formats: Format[]): Format | Response {
  const asked = c.req.query('format') ?? 'json'
  const format = formats.find((known) => known === asked)
  return format ?? faulty([{ place: 'format', fault: 'is no format of this', want: formats.join(', ') }])
}

/** How many items a page has. */
export function limitOf(c: Context): number {
  const limit = numberOf(c.req.query('limit'), 100)
  return limit < 1 ? 1 : limit > MOST ? MOST : limit
}

/** A count in a query; anything else is the default. */
export function numberOf(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? +text : otherwise
}

/** Where the next page begins; null when this one was the last. */
export function nextOf<Item, Cursor>(
  items: readonly Item[],
  limit: number,
  cursor: (item: Item) => Cursor,
): Cursor | null {
  const last = items.at(-1)
  return last === undefined || items.length < limit ? null : cursor(last)
}
