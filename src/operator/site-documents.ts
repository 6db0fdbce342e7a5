/** Shared by the routes of sites and publishers: documents in, answers of the registry out, and ETags. */
import type { Context } from 'hono'
import { isDeeperThan } from '../platform/json.ts'
import type { ConfigProblem } from '../platform/problem.ts'
import type { SiteAnswer, SiteRefusal } from '../sites/record.ts'
import type { RequestError } from './problem.ts'
import { invalid, jsonResponse, notFound, problem } from './response.ts'

type Table = Record<string, unknown>

/** The JSON object of a request, or the 400 response. */
export async function sentDocument(c: Context): Promise<Table | Response> {
  const document = parse(await c.req.text())
  if (!isTable(document)) return problem('not_a_json_object')
  if (!isDeeperThan(MAX_LEVELS, document)) return document
  const message = `must be nested at most ${MAX_LEVELS} levels deep`
  return invalid([{ path: '', message, expected: 'a document of docs/sites.md' }])
}

/**
 * Levels of a document; no term of docs/policy.md needs more than six. Threat: some thousand levels overflow the stack of what
 * compares, merges or writes the document, and the caller would get 503: outcome unknown.
 */
const MAX_LEVELS = 32

/** A document whose `id` is that of the path, where it names none. Another one is an error. */
export function withId(document: Table, id: string): Table | Response {
  if (document.id === undefined || document.id === id) return { ...document, id }
  return invalid([{ path: 'id', message: 'must be the id in the path', expected: 'no id, or the same one' }])
}

/** A merge patch (RFC 7396 §2): null removes a member, a table changes the members that it names. */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isTable(patch)) return patch
  const members = new Map(isTable(target) ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name)
    else members.set(name, merged(members.get(name), value))
  }
  return Object.fromEntries(members)
}

/** The error of the API for a problem of a document. */
export function errorOf({ place, message, example = '' }: ConfigProblem): RequestError {
  return { path: place, message, expected: example }
}

/** The response to a refusal of the registry. With If-Match a change by somebody else is 412, else 409. */
export function refusalOf(c: Context, { reason, problems }: SiteRefusal, more: Table = {}): Response {
  const errors = problems.map(errorOf)
  switch (reason) {
    case 'invalid':
      return invalid(errors)
    case 'not_found':
      return problems.some(({ place }) => place === 'id') ? notFound() : invalid(errors)
    case 'conflict': {
      const isStale = problems.some(({ place }) => place === 'revision')
      if (!isStale) return problem('conflict', { errors, ...more })
      return problem(c.req.header('if-match') === undefined ? 'conflict' : 'stale', { errors, ...more })
    }
    default:
      return problem(reason, { errors, ...more })
  }
}

/** The response to a call of the registry: its value with its warnings, or its refusal. */
export function answerOf(c: Context, answer: SiteAnswer<object>, status = 200): Response {
  if (!answer.ok) return refusalOf(c, answer)
  const { value, warnings } = answer
  return tagged({ ...value, ...(warnings && { warnings: warnings.map(errorOf) }) }, status)
}

/** JSON with the ETag of its revision, where it has one. */
export function tagged(body: object, status = 200): Response {
  const response = jsonResponse(body, status)
  if ('revision' in body) response.headers.set('etag', etagOf(Number(body.revision)))
  return response
}

/** The ETag of a revision. */
export function etagOf(revision: number): string {
  return `"${revision}"`
}

/** The revision that If-Match names; undefined without the header. A tag of another shape matches no revision. */
export function revisionOf(c: Context): number | undefined {
  const tag = c.req.header('if-match')
  if (tag === undefined || tag === '*') return undefined
  const [, digits] = /^"(\d{1,15})"$/.exec(tag) ?? []
  return digits === undefined ? -1 : Number(digits)
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}
