/** Trials of a site's policy over HTTP: one request, and the requests that were counted lately. Nothing is written. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as v from 'valibot'
import type { Charted, ChartRow } from '../ledger/book/chart.ts'
import { readShadowKinds } from '../ledger/book/shadow.ts'
import type { CountedRequests, CountedUnder } from '../paywall/replay.ts'
import { log } from '../platform/log.ts'
import { DAY_MS, dayOf, HOUR_MS } from '../platform/time.ts'
import type { SiteDocument } from '../sites/document.ts'
import { isLocalHost } from '../sites/host.ts'
import type { SiteVersion } from '../sites/record.ts'
import { explained } from './explain.ts'
import { probe } from './requests.ts'
import { invalid, jsonResponse, notFound } from './response.ts'
import { needs, type OperatorEnv } from './rights.ts'
import type { OperatorSettings, SitesPort } from './settings.ts'
import { checkSite, findProofs } from './site-check.ts'
import { refusalOf } from './site-documents.ts'
import { ownSite } from './site-scope.ts'

/** The documents of a site that can be tried. */
export const TRIED = ['draft', 'live'] as const

/** The most figures that one replay reads of each source. Beyond it the rest is not replayed, and a note says so. */
export const MAX_REPLAYED = 5_000
/** The most versions of the last 24 hours whose requests are replayed. Those of earlier ones are left out, and a note says so. */
const MAX_VERSIONS = 4
const MAX_LISTED = 100

/** Routes below `/api/sites`. */
export function trialRoutes(
  settings: OperatorSettings,
  sites: SitesPort,
  now: () => number,
): Hono<OperatorEnv> {
  const own = ownSite(sites)
  const app = new Hono<OperatorEnv>()
  app.get('/:id/try', needs('sites.read'), own, async (c) => {
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
  app.get('/:id/check', needs('sites.read'), own, async (c) => {
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
  app.get('/:id/replay', needs('figures.read'), own, (c) => replayed(c, settings, sites, now()))
  return app
}

function originOf({ hosts: [host = ''] }: SiteDocument): string {
  return `${isLocalHost(host) ? 'http' : 'https'}://${host}`
}

async function replayed(
  c: Context<OperatorEnv>,
  settings: OperatorSettings,
  sites: SitesPort,
  now: number,
): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const read = await sites.registry().read(id)
  if (!read.ok) return refusalOf(c, read)
  const { draft, published } = read.value
  const drafted = (draft ?? published)?.document
  const after = drafted && (await sites.open(drafted))
  if (!drafted || !after) return notFound()
  const { publisher } = c.var.principal
  // Threat: the site may have been another publisher's, whose prices and figures are not this one's.
  const past = (await versionsSince(sites, id, now)).filter(
    ({ document }) => publisher === null || document.publisher === publisher,
  )
  const [last] = past
  const live = (last && (await sites.open(last.document))) ?? after
  const figures = last ? await figuresOf(settings, sites, past, now) : NONE
  const { replay } = await import('../paywall/replay.ts')
  const policies = {
    live: live.explained.policy,
    draft: after.explained.policy,
    host: drafted.hosts[0] ?? '',
  }
  const { notes, ...result } = replay(policies, figures.counted)
  return jsonResponse({
    id,
    version: last?.version ?? null,
    isDraft: draft !== null,
    source: figures.source,
    from: figures.source === 'shadow' ? Math.floor(now / DAY_MS - 1) * DAY_MS : dayBefore(now),
    to: now,
    ...result,
    notes: [...figures.notes, ...notes],
  })
}

/** The figures of a replay, and where they are from. */
type Figures = { source: 'traffic' | 'shadow'; counted: CountedUnder[]; notes: string[] }

const NONE: Figures = {
  source: 'traffic',
  counted: [],
  notes: ['The site was never published, so no request of it was counted.'],
}

/** The first hour of the last 24. */
function dayBefore(now: number): number {
  return (Math.floor(now / HOUR_MS) - 23) * HOUR_MS
}

/** The versions that were in force in the last 24 hours, the one in force now first. */
async function versionsSince(sites: SitesPort, id: string, now: number): Promise<SiteVersion[]> {
  const listed = await sites.registry().versions(id, { limit: MAX_LISTED })
  const begun = listed.ok ? listed.value.rows.filter(({ effectiveAt }) => effectiveAt <= now) : []
  const first = begun.findIndex(({ effectiveAt }) => effectiveAt <= dayBefore(now))
  return first < 0 ? begun : begun.slice(0, first + 1)
}

async function figuresOf(
  settings: OperatorSettings,
  sites: SitesPort,
  past: readonly SiteVersion[],
  now: number,
): Promise<Figures> {
  const [last] = past
  if (last?.document.mode === 'shadow') return shadowFigures(settings, sites, last.document, now)
  const spans = past.slice(0, MAX_VERSIONS).map((version, at) => ({ version, ...hoursOf(past, at, now) }))
  const read = await Promise.all(
    spans
      .filter(({ from, to }) => from < to)
      .map(async ({ version: { document }, ...span }) => {
        const [opened, figures] = await Promise.all([
          sites.open(document),
          countedIn(settings.charts, { ...span, site: document.id }),
        ])
        return { ...figures, policy: opened?.explained.policy }
      }),
  )
  return {
    source: 'traffic',
    counted: read.flatMap(({ policy, requests }) => (policy ? [{ policy, requests }] : [])),
    notes: [
      ...(past.length > 1
        ? ['Hours in which a version took effect are left out: two versions decided them.']
        : []),
      ...(past.length > MAX_VERSIONS ? [`Only the last ${MAX_VERSIONS} versions are replayed.`] : []),
      ...(read.every(({ isWhole }) => isWhole) ? [] : [UNREAD]),
      ...cutNote(read.some(({ isCut }) => isCut)),
    ],
  }
}

/** The whole hours of the last 24 in which a version alone was in force. */
function hoursOf(past: readonly SiteVersion[], at: number, now: number): { from: number; to: number } {
  const [begun, ended] = [past[at]?.effectiveAt ?? now, past[at - 1]?.effectiveAt]
  const from = Math.max(dayBefore(now), Math.ceil(begun / HOUR_MS) * HOUR_MS)
  return { from, to: ended === undefined ? now : Math.floor(ended / HOUR_MS) * HOUR_MS }
}

async function countedIn(
  charts: OperatorSettings['charts'],
  { from, to, site }: { from: number; to: number; site: string },
): Promise<{ requests: CountedRequests[]; isWhole: boolean; isCut: boolean }> {
  const range = {
    interval: 'day',
    from,
    to,
    only: { site },
    sites: null,
    after: null,
    limit: MAX_REPLAYED,
  } as const
  const [traffic, money] = await Promise.all([
    readRows(charts.traffic?.({ ...range, by: ['who', 'rule'] })),
    readRows(charts.book({ ...range, by: ['who', 'rule', 'path'] })),
  ])
  return {
    requests: [...(traffic ?? []).map(unsold), ...(money ?? []).map(sold)],
    isWhole: traffic !== null && money !== null,
    isCut: [traffic ?? [], money ?? []].some((rows) => rows.length >= MAX_REPLAYED),
  }
}

/** The requests that shadow mode has counted, with their pages: of this UTC day and the one before. */
async function shadowFigures(
  { book }: OperatorSettings,
  sites: SitesPort,
  document: SiteDocument,
  now: number,
): Promise<Figures> {
  const [opened, ...kinds] = await Promise.all([
    sites.open(document),
    ...[now - DAY_MS, now].map((at) => readShadowKinds(book, dayOf(at), document.id, MAX_REPLAYED)),
  ])
  const requests = kinds.flat().map(({ crawler, path, requests }) => ({
    ...{ who: nameOf(crawler), path: path === '*' ? null : path, isPage: true, requests },
    // A day may be older than the version, whose rules have other places.
    ...{ rule: null, charges: 0, charged: 0n },
  }))
  const policy = opened?.explained.policy
  const notes = ['Shadow mode counts whole days: these are the requests of this UTC day and the one before.']
  const isCut = kinds.some((rows) => rows.length >= MAX_REPLAYED)
  return {
    source: 'shadow',
    counted: policy ? [{ policy, requests }] : [],
    notes: [...notes, ...cutNote(isCut)],
  }
}

const UNREAD = 'One source of figures did not answer: its requests are missing.'

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
  // Charges of early versions lack a rule, and paths beyond a limit share one name.
  const known = path === undefined || path === 'other' ? null : path
  return { who, rule: rule || null, path: known, requests: charges, charges, charged: BigInt(charged) }
}

/** The client of shadow mode as figures name it. Nothing there says whether a name is confirmed. */
function nameOf(crawler: string): string {
  const names: Record<string, string> = { readers: 'readers', nameless: '', others: 'other' }
  return names[crawler] ?? `~${crawler}`
}
