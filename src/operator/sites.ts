/** Sites over HTTP: drafts, versions, and the proofs of their hosts. The registry judges every change. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import type { SiteDocument, SiteMode } from '../sites/document.ts'
import type { FoundProof } from '../sites/proof.ts'
import type { PublishedVersion, SiteAnswer, SiteRecord } from '../sites/record.ts'
import { formOf, noted, probe, reverted, vouched } from './requests.ts'
import { invalid, jsonResponse, notFound, numberOf, pageLimit } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import type { SitesPort } from './settings.ts'
import { checkSite, findProofs } from './site-check.ts'
import {
  answerOf,
  errorOf,
  merged,
  refusalOf,
  revisionOf,
  sentDocument,
  tagged,
  withId,
} from './site-documents.ts'
import { changeRefusal, ownSite, suspendedRefusal } from './site-scope.ts'

const MODES: readonly SiteMode[] = ['draft', 'shadow', 'live', 'suspended']

/** Routes below `/api/sites`. `now` in Unix milliseconds. */
export function siteRoutes(port: SitesPort, now: () => number): Hono<OperatorEnv> {
  const { registry } = port
  const own = ownSite(port)
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('sites.read'), (c) => list(c, port))
  app.post('/', needs('sites.write'), (c) => create(c, port, now()))
  app.post('/check', needs('policy.write'), (c) => check(c, port, now()))
  app.get('/:id', needs('sites.read'), own, async (c) =>
    answerOf(c, await registry().read(c.req.param('id'))),
  )
  app.put('/:id', needs('policy.write'), own, (c) => put(c, port, now()))
  app.patch('/:id', needs('policy.write'), own, (c) => patch(c, port, now()))
  app.delete('/:id', needs('sites.write'), own, async (c) => {
    return answerOf(c, await registry().remove(actorOf(c), c.req.param('id'), undefined, revisionOf(c)))
  })
  app.delete('/:id/draft', needs('policy.write'), own, async (c) => {
    const dropped = await registry().discard(actorOf(c), c.req.param('id'), revisionOf(c))
    return dropped.ok ? jsonResponse({ site: dropped.value }) : refusalOf(c, dropped)
  })
  app.get('/:id/versions', needs('sites.read'), own, (c) => versions(c, port))
  app.post('/:id/publish', needs('policy.write'), own, (c) => publish(c, port))
  app.post('/:id/revert', needs('policy.write'), own, (c) => revert(c, port, now()))
  const act = (call: Act) => async (c: Context<OperatorEnv>) => {
    const form = await formOf(c, noted)
    if (form instanceof Response) return form
    return answerOf(c, await call(actorOf(c), c.req.param('id') ?? '', form.note, revisionOf(c)))
  }
  app.post(
    '/:id/suspend',
    needs('sites.write'),
    own,
    act((who, id, note, revision) => registry().suspend(who, id, note, revision)),
  )
  app.post(
    '/:id/resume',
    needs('sites.write'),
    own,
    act((who, id, note, revision) => registry().resume(who, id, note, revision)),
  )
  app.post('/:id/proofs', needs('sites.write'), own, async (c) => {
    const form = await formOf(c, vouched)
    if (form instanceof Response) return form
    return answerOf(c, await registry().prove(actorOf(c), c.req.param('id'), form.host, 'operator'))
  })
  app.post('/:id/check', needs('policy.write'), own, async (c) => {
    const form = await formOf(c, probe)
    if (form instanceof Response) return form
    const read = await registry().read(c.req.param('id'))
    if (!read.ok) return refusalOf(c, read)
    const proofs = await proveHosts(port, actorOf(c), read.value)
    return jsonResponse(await checkSite(port, read.value, proofs, form.path))
  })
  return app
}

async function check(c: Context<OperatorEnv>, { registry }: SitesPort, now: number): Promise<Response> {
  const document = await sentDocument(c)
  if (document instanceof Response) return document
  const { principal } = c.var
  if (principal.publisher !== null) {
    const known = await registry().read(String(document.id))
    if (!known.ok || known.value.publisher !== principal.publisher) return notFound()
    const refusal = changeRefusal(c, lastOf(known.value), document, now)
    if (refusal) return refusal
  }
  const judged = await registry().check(document)
  if (!judged.ok) return refusalOf(c, judged)
  return jsonResponse({ document: judged.value, warnings: (judged.warnings ?? []).map(errorOf) })
}

async function put(c: Context<OperatorEnv>, { registry }: SitesPort, now: number): Promise<Response> {
  const document = await sentDocument(c)
  if (document instanceof Response) return document
  const id = c.req.param('id') ?? ''
  const site = withId(document, id)
  if (site instanceof Response) return site
  const known = await registry().read(id)
  const refusal = changeRefusal(c, known.ok ? lastOf(known.value) : undefined, site, now)
  return refusal ?? answerOf(c, await registry().put(actorOf(c), site, revisionOf(c)))
}

/** The versions of a site. A publisher sees its own alone: the site may have been another's. */
async function versions(c: Context<OperatorEnv>, { registry }: SitesPort): Promise<Response> {
  const before = numberOf(c.req.query('before'), 0) || undefined
  const limit = pageLimit(c)
  const listed = await registry().versions(c.req.param('id') ?? '', { ...(before && { before }), limit })
  if (!listed.ok) return refusalOf(c, listed)
  const { publisher } = c.var.principal
  const { rows, next } = listed.value
  const seen = rows.filter(({ document }) => publisher === null || document.publisher === publisher)
  return jsonResponse({ versions: seen, next })
}

async function revert(c: Context<OperatorEnv>, { registry }: SitesPort, now: number): Promise<Response> {
  const form = await formOf(c, reverted)
  if (form instanceof Response) return form
  const { version, note } = form
  const id = c.req.param('id') ?? ''
  const [known, earlier] = await Promise.all([
    registry().read(id),
    registry().versions(id, { before: version + 1, limit: 1 }),
  ])
  if (!known.ok) return refusalOf(c, known)
  const document = earlier.ok
    ? earlier.value.rows.find((row) => row.version === version)?.document
    : undefined
  const refusal =
    suspendedRefusal(c, known.value) ??
    (document && changeRefusal(c, known.value.published?.document, document, now))
  return refusal ?? answerOf(c, await registry().revert(actorOf(c), id, version, note, revisionOf(c)))
}

/** The document that the next change of a site is compared with: its draft, or the published one. */
function lastOf({ draft, published }: SiteRecord): SiteDocument | undefined {
  return (draft ?? published)?.document
}

type Act = (
  who: string,
  id: string,
  note: string | undefined,
  revision: number | undefined,
) => Promise<SiteAnswer<PublishedVersion>>

async function list(c: Context<OperatorEnv>, { registry }: SitesPort): Promise<Response> {
  const { publisher, mode: asked, after } = c.req.query()
  const mode = MODES.find((known) => known === asked)
  if (asked !== undefined && !mode)
    return invalid([{ path: 'mode', message: 'must be a mode', expected: MODES.join(', ') }])
  const own = c.var.principal.publisher ?? publisher
  // A filter for another publisher's sites finds none of them, and not one's own either.
  if (publisher !== undefined && publisher !== own) return jsonResponse({ sites: [], next: null })
  const filter = { ...(own !== undefined && { publisher: own }), ...(mode && { mode }) }
  const { rows, next } = await registry().list(filter, { after: after ?? '', limit: pageLimit(c) })
  return jsonResponse({ sites: rows, next })
}

/** Idempotent for an equal document. A site with another one must be changed, not created. */
async function create(c: Context<OperatorEnv>, { registry }: SitesPort, now: number): Promise<Response> {
  const document = await sentDocument(c)
  if (document instanceof Response) return document
  const judged = await registry().check(document)
  if (!judged.ok) return refusalOf(c, judged)
  const refusal = changeRefusal(c, undefined, document, now)
  if (refusal) return refusal
  const { id } = judged.value
  const known = await registry().read(id)
  // A site that a crossing request creates has revision 1: this one is then refused, unless it is equal.
  if (!known.ok) return answerOf(c, await registry().put(actorOf(c), document, 0), 201)
  const last = lastOf(known.value)
  if (last && isEqual(last, judged.value)) return tagged(known.value, 201)
  return refusalOf(c, { ok: false, reason: 'conflict', problems: [TAKEN] })
}

const TAKEN = {
  place: 'id',
  message: 'must be new: this site has another document',
  example: 'PUT, or PATCH',
}

async function patch(c: Context<OperatorEnv>, { registry }: SitesPort, now: number): Promise<Response> {
  const change = await sentDocument(c)
  if (change instanceof Response) return change
  const id = c.req.param('id') ?? ''
  const known = await registry().read(id)
  if (!known.ok) return refusalOf(c, known)
  const last = lastOf(known.value)
  const site = withId(merged(last, change) as Record<string, unknown>, id)
  if (site instanceof Response) return site
  const refusal = changeRefusal(c, last, site, now)
  if (refusal) return refusal
  const { revision } = known.value
  return answerOf(c, await registry().put(actorOf(c), site, revisionOf(c) ?? revision))
}

async function publish(c: Context<OperatorEnv>, port: SitesPort): Promise<Response> {
  const form = await formOf(c, noted)
  if (form instanceof Response) return form
  const { registry } = port
  const known = await registry().read(c.req.param('id') ?? '')
  if (!known.ok) return refusalOf(c, known)
  const refused = suspendedRefusal(c, known.value)
  if (refused) return refused
  const proofs = await proveHosts(port, actorOf(c), known.value)
  const { id, revision } = known.value
  const published = await registry().publish(actorOf(c), id, form.note, revisionOf(c) ?? revision)
  if (published.ok || published.reason !== 'unproven') return answerOf(c, published)
  // Unknown is not no: a resolver that gave no answer refuses nothing for good.
  const open = [...proofs].flatMap(([host, proof]) =>
    proof.outcome === 'unknown' ? [{ host, why: proof.why }] : [],
  )
  const refusal = refusalOf(c, published, { unknown: open })
  if (open.length > 0) refusal.headers.set('retry-after', '30')
  return refusal
}

/** Looks for the proofs of hosts that have none yet, and stores those that are found. By host. */
async function proveHosts(port: SitesPort, who: string, site: SiteRecord): Promise<Map<string, FoundProof>> {
  const found = await findProofs(port, site)
  for (const [host, proof] of found)
    if (proof.outcome === 'proven') await port.registry().prove(who, site.id, host, proof.how)
  return found
}

function isEqual(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
