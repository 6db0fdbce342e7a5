/** Sites over HTTP: drafts, versions, and the proofs of their hosts. The registry judges every change. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import type { SiteMode } from '../sites/document.ts'
import type { FoundProof } from '../sites/proof.ts'
import type { PublishedVersion, SiteAnswer, SiteRecord } from '../sites/record.ts'
import { formOf, noted, probe, reverted, vouched } from './requests.ts'
import { invalid, jsonResponse, numberOf, pageLimit } from './response.ts'
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

const MODES: readonly SiteMode[] = ['draft', 'shadow', 'live', 'suspended']

/** Routes below `/api/sites`. `who` names the operator in the audit log. */
export function siteRoutes(port: SitesPort, who: string): Hono {
  const { registry } = port
  const app = new Hono()
  app.get('/', (c) => list(c, port))
  app.post('/', (c) => create(c, port, who))
  app.post('/check', async (c) => {
    const document = await sentDocument(c)
    if (document instanceof Response) return document
    const judged = await registry().check(document)
    if (!judged.ok) return refusalOf(c, judged)
    return jsonResponse({ document: judged.value, warnings: (judged.warnings ?? []).map(errorOf) })
  })
  app.get('/:id', async (c) => answerOf(c, await registry().read(c.req.param('id'))))
  app.put('/:id', async (c) => {
    const document = await sentDocument(c)
    if (document instanceof Response) return document
    const site = withId(document, c.req.param('id'))
    return site instanceof Response ? site : answerOf(c, await registry().put(who, site, revisionOf(c)))
  })
  app.patch('/:id', (c) => patch(c, port, who))
  app.delete('/:id', async (c) => {
    return answerOf(c, await registry().remove(who, c.req.param('id'), undefined, revisionOf(c)))
  })
  app.delete('/:id/draft', async (c) => {
    const dropped = await registry().discard(who, c.req.param('id'), revisionOf(c))
    return dropped.ok ? jsonResponse({ site: dropped.value }) : refusalOf(c, dropped)
  })
  app.get('/:id/versions', async (c) => {
    const before = numberOf(c.req.query('before'), 0) || undefined
    const limit = pageLimit(c)
    const listed = await registry().versions(c.req.param('id'), { ...(before && { before }), limit })
    if (!listed.ok) return refusalOf(c, listed)
    return jsonResponse({ versions: listed.value.rows, next: listed.value.next })
  })
  app.post('/:id/publish', (c) => publish(c, port, who))
  app.post('/:id/revert', async (c) => {
    const form = await formOf(c, reverted)
    if (form instanceof Response) return form
    const { version, note } = form
    return answerOf(c, await registry().revert(who, c.req.param('id'), version, note, revisionOf(c)))
  })
  const act = (call: Act) => async (c: Context) => {
    const form = await formOf(c, noted)
    if (form instanceof Response) return form
    return answerOf(c, await call(c.req.param('id') ?? '', form.note, revisionOf(c)))
  }
  app.post(
    '/:id/suspend',
    act((id, note, revision) => registry().suspend(who, id, note, revision)),
  )
  app.post(
    '/:id/resume',
    act((id, note, revision) => registry().resume(who, id, note, revision)),
  )
  app.post('/:id/proofs', async (c) => {
    const form = await formOf(c, vouched)
    if (form instanceof Response) return form
    return answerOf(c, await registry().prove(who, c.req.param('id'), form.host, 'operator'))
  })
  app.post('/:id/check', async (c) => {
    const form = await formOf(c, probe)
    if (form instanceof Response) return form
    const read = await registry().read(c.req.param('id'))
    if (!read.ok) return refusalOf(c, read)
    const proofs = await proveHosts(port, who, read.value)
    return jsonResponse(await checkSite(port, read.value, proofs, form.path))
  })
  return app
}

type Act = (
  id: string,
  note: string | undefined,
  revision: number | undefined,
) => Promise<SiteAnswer<PublishedVersion>>

async function list(c: Context, { registry }: SitesPort): Promise<Response> {
  const { publisher, mode: asked, after } = c.req.query()
  const mode = MODES.find((known) => known === asked)
  if (asked !== undefined && !mode)
    return invalid([{ path: 'mode', message: 'must be a mode', expected: MODES.join(', ') }])
  const filter = { ...(publisher !== undefined && { publisher }), ...(mode && { mode }) }
  const { rows, next } = await registry().list(filter, { after: after ?? '', limit: pageLimit(c) })
  return jsonResponse({ sites: rows, next })
}

/** Idempotent for an equal document. A site with another one must be changed, not created. */
async function create(c: Context, { registry }: SitesPort, who: string): Promise<Response> {
  const document = await sentDocument(c)
  if (document instanceof Response) return document
  const judged = await registry().check(document)
  if (!judged.ok) return refusalOf(c, judged)
  const { id } = judged.value
  const known = await registry().read(id)
  // A site that a crossing request creates has revision 1: this one is then refused, unless it is equal.
  if (!known.ok) return answerOf(c, await registry().put(who, document, 0), 201)
  const last = known.value.draft ?? known.value.published
  if (last && isEqual(last.document, judged.value)) return tagged(known.value, 201)
  return refusalOf(c, { ok: false, reason: 'conflict', problems: [TAKEN] })
}

const TAKEN = {
  place: 'id',
  message: 'must be new: this site has another document',
  example: 'PUT, or PATCH',
}

async function patch(c: Context, { registry }: SitesPort, who: string): Promise<Response> {
  const change = await sentDocument(c)
  if (change instanceof Response) return change
  const id = c.req.param('id') ?? ''
  const known = await registry().read(id)
  if (!known.ok) return refusalOf(c, known)
  const { draft, published, revision } = known.value
  const site = withId(merged((draft ?? published)?.document, change) as Record<string, unknown>, id)
  if (site instanceof Response) return site
  return answerOf(c, await registry().put(who, site, revisionOf(c) ?? revision))
}

async function publish(c: Context, port: SitesPort, who: string): Promise<Response> {
  const form = await formOf(c, noted)
  if (form instanceof Response) return form
  const { registry } = port
  const known = await registry().read(c.req.param('id') ?? '')
  if (!known.ok) return refusalOf(c, known)
  const proofs = await proveHosts(port, who, known.value)
  const { id, revision } = known.value
  const published = await registry().publish(who, id, form.note, revisionOf(c) ?? revision)
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
