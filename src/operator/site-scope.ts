/** The sites that a principal sees, and how far it may change one. */
import type { Context, MiddlewareHandler } from 'hono'
import { isFresh, may, type Principal } from '../people/principal.ts'
import { parseSite, type SiteDocument } from '../sites/document.ts'
import type { SiteRecord } from '../sites/record.ts'
import type { RequestError } from './problem.ts'
import { invalid, notFound, problem } from './response.ts'
import type { OperatorEnv } from './rights.ts'
import type { OperatorSettings, SitesPort } from './settings.ts'
import { errorOf } from './site-documents.ts'

/** The ids of the sites that a principal sees, or null for all of them. */
export async function visibleSites(
  { publisher }: Principal,
  { sites }: OperatorSettings,
): Promise<readonly string[] | null> {
  if (publisher === null) return null
  const ids: string[] = []
  for (let after: string | null = sites ? '' : null; after !== null && sites; ) {
    const { rows, next } = await sites.registry().list({ publisher }, { after, limit: PAGE })
    ids.push(...rows.map(({ id }) => id))
    after = next
  }
  return ids
}

const PAGE = 1_000

/**
 * Lets a request through to a site that its principal sees. Threat: a publisher that guesses ids. Another publisher's site is
 * read like any other, and answered like one that does not exist.
 */
export function ownSite({ registry }: SitesPort): MiddlewareHandler<OperatorEnv> {
  return async (c, next) => {
    const { publisher } = c.var.principal
    if (publisher === null) return next()
    const read = await registry().read(c.req.param('id') ?? '')
    return read.ok && read.value.publisher === publisher ? next() : notFound()
  }
}

/** The terms of a site that its publisher may not change: where its money goes, and which server is asked. */
const OPERATORS_TERMS = ['RECEIVER', 'ORIGIN', 'NETWORK'] as const

/**
 * Why a principal may not put this document in the place of the one before; null where it may. A publisher changes the terms
 * and the mode of a site that is there, and nothing else.
 */
export function changeRefusal(
  c: Context<OperatorEnv>,
  before: SiteDocument | undefined,
  document: Record<string, unknown>,
  now: number,
): Response | null {
  const { principal } = c.var
  if (principal.publisher !== null) {
    const read = parseSite(document)
    if (!read.ok) return invalid(read.problems.map(errorOf))
    const errors = foreignChanges(before, read.value)
    return errors.length > 0 ? invalid(errors) : null
  }
  if (!before && !may(principal, 'sites.write')) return problem('forbidden', { right: 'sites.write' })
  return receiverRefusal(c, receiverIn(before?.terms), receiverIn(document.terms), now)
}

/** Money goes to another address only with the right for it, and after a fresh proof of who asks. Null: it goes where it went. */
export function receiverRefusal(
  { var: { principal } }: Context<OperatorEnv>,
  before: unknown,
  after: unknown,
  now: number,
): Response | null {
  const [from, to] = [before, after].map((receiver) => JSON.stringify(receiver ?? null).toLowerCase())
  if (from === to) return null
  if (!may(principal, 'publishers.write')) return problem('forbidden', { right: 'publishers.write' })
  return isFresh(principal, now) ? null : problem('proof_required')
}

/** Changes of a document that only the operator may make. */
function foreignChanges(before: SiteDocument | undefined, after: SiteDocument): RequestError[] {
  const kept = (['id', 'publisher', 'via', 'hosts'] as const).filter(
    (name) => JSON.stringify(before?.[name]) !== JSON.stringify(after[name]),
  )
  const terms = OPERATORS_TERMS.filter(
    (name) => JSON.stringify(before?.terms[name]) !== JSON.stringify(after.terms[name]),
  )
  const mode = after.mode === 'suspended' ? ['mode'] : []
  return [...kept, ...terms.map((name) => `terms.${name}`), ...mode].map((path) => ({
    path,
    message: 'must stay as it is: only the operator changes it',
    expected: 'the value before',
  }))
}

function receiverIn(terms: unknown): unknown {
  return typeof terms === 'object' && terms !== null && 'RECEIVER' in terms ? terms.RECEIVER : undefined
}

/** Why a publisher may not publish now: the operator has suspended the site. Null where it may. */
export function suspendedRefusal(
  { var: { principal } }: Context<OperatorEnv>,
  { published }: SiteRecord,
): Response | null {
  if (principal.publisher === null || published?.document.mode !== 'suspended') return null
  const errors = [
    { path: 'mode', message: 'must not be suspended: the operator resumes it', expected: 'live' },
  ]
  return problem('conflict', { errors })
}
