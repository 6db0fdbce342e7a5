/** Trials of a site's policy over HTTP: one request, and the requests that were counted lately. Nothing is written. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as v from 'valibot'
import type { Charted, ChartRow } from '../ledger/book/chart.ts'
import { readShadowKinds } from '../ledger/book/shadow.ts'
import type { CountedRequests } from '../paywall/replay.ts'
import { log } from '../platform/log.ts'
import { DAY_MS, dayOf, HOUR_MS } from '../platform/time.ts'
import type { SiteDocument } from '../sites/document.ts'
import { isLocalHost } from '../sites/host.ts'
import type { SiteRecord, SiteVersion } from '../sites/record.ts'
import { explained } from './explain.ts'
import { probe } from './requests.ts'
import { invalid, jsonResponse, notFound } from './response.ts'
import type { OperatorSettings, SitesPort } from './settings.ts'
import { checkSite, findProofs } from './site-check.ts'
import { refusalOf } from './site-documents.ts'

/** The documents of a site that can be tried. */
export const TRIED = ['draft', 'live'] as const

/** The most figures that one replay reads of each source. Beyond it the rest is not replayed, and a note says so. */
export const MAX_REPLAYED = 5_000

/** Routes below `/api/sites`. */
export function trialRoutes(settings: OperatorSettings, sites: SitesPort, now: () => number): Hono {
  const app = new Hono()
  app.get('/:id/try', async (c) => {
    const { site } = settings
    const asked = c.req.query('of') ?? 'draft'
    const of = TRIED.find((known) => known === asked)
    if (!of) return invalid([{ path: 'of', message: 'must be a document', expected: TRIED.join(', ') }])
    const read = await sites.registry().read(c.req.param('id'))
    if (!read.ok) return refusalOf(c, read)
    const { draft, published } = read.value
    const document = (of === 'draft' ? (draft ?? published) : published)?.document
    const opened = document && (await sites.open(document))
    if (!site || !document || !opened) return notFound()
    return explained(c, opened.explained, { site, origin: originOf(document), now: now() })
  })
  app.get('/:id/check', async (c) => {
    const form = v.safeParse(probe, c.req.query())
    if (!form.success)
      return invalid([
        { path: 'path', message: 'must be a path that begins with "/"', expected: '/articles/1' },
      ])
    const read = await sites.registry().read(c.req.param('id'))
    if (!read.ok) return refusalOf(c, read)
    const proofs = await findProofs(sites, read.value)
    return jsonResponse(await checkSite(sites, read.value, proofs, form.output.path))
  })
  app.get('/:id/replay', (c) => replayed(c, settings, sites, now()))
  return app
}

function originOf({ hosts: [host = ''] }: SiteDocument): string {
  return `${isLocalHost(host) ? 'http' : 'https'}://${host}`
}

/** The figures of a replay, and where they are from. */
type Figures = {
  source: 'traffic' | 'shadow'
  from: number
  to: number
  counted: CountedRequests[]
  notes: string[]
}

async function replayed(
  c: Context,
  settings: OperatorSettings,
  sites: SitesPort,
  now: number,
): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const read = await sites.registry().read(id)
  if (!read.ok) return refusalOf(c, read)
  const site = read.value
  const live = await inForce(sites, id, now)
  const drafted = (site.draft ?? site.published)?.document
  const [before, after] = await Promise.all([
    live && sites.open(live.document),
    drafted && sites.open(drafted),
  ])
  if (!drafted || !after) return notFound()
  const figures =
    live && before
      ? await figuresOf(settings, site, live, now)
      : ({ source: 'traffic', from: now, to: now, counted: [], notes: [NEVER] } satisfies Figures)
  const { replay } = await import('../paywall/replay.ts')
  const { source, from, to, counted } = figures
  const policies = {
    live: (before ?? after).explained.policy,
    draft: after.explained.policy,
    host: drafted.hosts[0] ?? '',
  }
  const { notes, ...result } = replay(policies, counted)
  const version = live?.version ?? null
  const isDraft = site.draft !== null
  return jsonResponse({
    id,
    version,
    isDraft,
    source,
    from,
    to,
    ...result,
    notes: [...figures.notes, ...notes],
  })
}

const NEVER = 'The site was never published, so no request of it was counted.'

/** The version in force: the newest one that has taken effect. */
async function inForce(sites: SitesPort, id: string, now: number): Promise<SiteVersion | undefined> {
  const listed = await sites.registry().versions(id, { limit: 40 })
  return listed.ok ? listed.value.rows.find(({ effectiveAt }) => effectiveAt <= now) : undefined
}

/** What was counted under the version in force: its rules have other places than those of the version before. */
async function figuresOf(
  { charts, book }: OperatorSettings,
  { id }: SiteRecord,
  { effectiveAt, document, version }: SiteVersion,
  now: number,
): Promise<Figures> {
  if (document.mode === 'shadow') {
    const days = [dayOf(now - DAY_MS), dayOf(now)]
    const kinds = await Promise.all(days.map((day) => readShadowKinds(book, day, id, MAX_REPLAYED)))
    const from = Math.floor(now / DAY_MS - 1) * DAY_MS
    const counted = kinds.flat().map(({ crawler, path, requests }) => ({
      ...{ who: nameOf(crawler), path: path === '*' ? null : path, requests },
      // Days of shadow mode may be older than the version, whose rules have other places.
      ...{ rule: null, charges: 0, charged: 0n },
    }))
    return { source: 'shadow', from, to: now, counted, notes: cutNote(kinds.some(isCut)) }
  }
  const day = (Math.floor(now / HOUR_MS) - 23) * HOUR_MS
  const from = Math.max(day, Math.ceil(effectiveAt / HOUR_MS) * HOUR_MS)
  if (from > now) {
    const note = `Version ${version} is in effect for less than a whole hour. Its figures begin with the next one.`
    return { source: 'traffic', from: effectiveAt, to: now, counted: [], notes: [note] }
  }
  const range = {
    interval: 'day',
    from,
    to: now,
    only: { site: id },
    after: null,
    limit: MAX_REPLAYED,
  } as const
  const [traffic, money] = await Promise.all([
    readRows(charts.traffic?.({ ...range, by: ['who', 'rule'] })),
    readRows(charts.book({ ...range, by: ['who', 'rule', 'path'] })),
  ])
  const notes = [
    ...(from > day
      ? [`Version ${version} took effect within these hours: only those since then count.`]
      : []),
    ...(traffic && money ? [] : [UNREAD]),
    ...cutNote([traffic ?? [], money ?? []].some(isCut)),
  ]
  const counted = [...(traffic ?? []).map(unsold), ...(money ?? []).map(sold)]
  return { source: 'traffic', from, to: now, counted, notes }
}

const UNREAD = 'One source of figures did not answer: its requests are missing.'

function isCut(rows: readonly unknown[]): boolean {
  return rows.length >= MAX_REPLAYED
}

function cutNote(isCut: boolean): string[] {
  return isCut ? [`Only the first ${MAX_REPLAYED} figures were read.`] : []
}

/** Null where the source cannot be read: the other one must not wait for it. */
async function readRows<Sum extends string>(
  reading: ReturnType<Charted<Sum>> | undefined,
): Promise<ChartRow<Sum>[] | null> {
  try {
    return reading ? (await reading).figures : null
  } catch (fault) {
    log('figures_not_read', { fault })
    return null
  }
}

type TrafficRow = ChartRow<'unpaid' | 'refused' | 'free' | 'blocked'>

function unsold({ names: [who = '', rule = ''], sums }: TrafficRow): CountedRequests {
  const requests = sums.unpaid + sums.refused + sums.free + sums.blocked
  return { who, rule, path: null, requests, charges: 0, charged: 0n }
}

function sold({ names: [who = '', rule, path], sums }: ChartRow<'charges' | 'charged'>): CountedRequests {
  const { charges, charged } = sums
  // Charges of early versions have no rule, and paths beyond a limit are one.
  const known = path === undefined || path === 'other' ? null : path
  return { who, rule: rule || null, path: known, requests: charges, charges, charged: BigInt(charged) }
}

/** The client of shadow mode as figures name it. Nothing there says whether a name is confirmed. */
function nameOf(crawler: string): string {
  const names: Record<string, string> = { readers: 'readers', nameless: '', others: 'other' }
  return names[crawler] ?? `~${crawler}`
}
