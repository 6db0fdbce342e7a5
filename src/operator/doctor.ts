/** The doctor over HTTP: the checks that the edge Worker makes of itself. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { readFacts } from '../alerts/read.ts'
import type { AlertSettings } from '../alerts/settings.ts'
import { readAlerts } from '../alerts/store.ts'
import { type Check, examine, worst } from '../doctor/check.ts'
import type { SiteFact, SiteFacts, WorkerPorts } from '../doctor/ports.ts'
import { WORKER_CHECKS } from '../doctor/worker.ts'
import { dayChart } from '../ledger/book/chart.ts'
import { mapConcurrently } from '../platform/pool.ts'
import { VERSION } from '../platform/version.ts'
import { invalid, jsonResponse } from './response.ts'
import { needs, type OperatorEnv } from './rights.ts'
import { CONSOLE_HOST, type DoctorSettings, type OperatorSettings, type SitesPort } from './settings.ts'
import { type CheckedSite, checkSite, originAnswers, originRefuses } from './site-check.ts'

/** The answer of `GET /_tab402/api/doctor`. `at` in Unix milliseconds; `outcome` is the worst of all. */
export type DoctorReport = { version: string; at: number; outcome: Check['outcome']; checks: Check[] }

/** The most sites that are checked at once: each of them asks its origin. Others are counted. */
export const MAX_CHECKED_SITES = 10
/** The most sites that are counted. */
const MAX_COUNTED_SITES = 1_000

const wait = (ms: number) => scheduler.wait(ms)

/** The route `/doctor`. `now` in Unix milliseconds. */
export function doctorRoutes(
  settings: OperatorSettings,
  alerts: AlertSettings,
  now: () => number,
): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('runs.read'), async (c) => {
    const path = c.req.query('page') ?? '/'
    if (!path.startsWith('/'))
      return invalid([{ path: 'page', message: 'must begin with "/"', expected: '/articles/1' }])
    const checks = await examine(
      WORKER_CHECKS,
      await portsOf(c, settings, alerts, { now: now(), path }),
      wait,
    )
    const report: DoctorReport = { version: VERSION, at: now(), outcome: worst(checks), checks }
    return jsonResponse(report)
  })
  return app
}

async function portsOf(
  c: Context,
  settings: OperatorSettings,
  alerts: AlertSettings,
  { now, path }: { now: number; path: string },
): Promise<WorkerPorts> {
  const { book, doctor, sites, charts } = settings
  const state = await readAlerts(book)
  const host = new URL(c.req.url).host
  return {
    now,
    host: host === CONSOLE_HOST ? null : host,
    bindings: new Set(doctor?.bindings),
    facts: await readFacts(alerts, state, now),
    alerts: state,
    migrations: async () => {
      const { results } = await book.prepare('SELECT name FROM d1_migrations').all<{ name: string }>()
      return results.map(({ name }) => name)
    },
    contracts: async () => (await doctor?.contracts()) ?? [],
    access: async () => (await doctor?.access()) ?? null,
    receivers: async () => (await doctor?.receivers()) ?? [],
    origin: async () => (doctor?.origin && !sites ? ofOrigin(doctor.origin, path) : null),
    sites: once(async () => (sites ? siteFacts(sites, path) : null)),
    paidAt: async () => (await charts.book(dayChart(now))).asOf,
  }
}

/** Reads once, for all checks that ask. */
function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => {
    value ??= read()
    return value
  }
}

async function ofOrigin(origin: NonNullable<DoctorSettings['origin']>, path: string) {
  const asked = { ...origin, path }
  const [answers, sideDoor] = await Promise.all([originAnswers(asked), originRefuses(asked)])
  return { answers, sideDoor }
}

async function siteFacts(port: SitesPort, path: string): Promise<SiteFacts> {
  const listed = await port.registry().list({}, { limit: MAX_COUNTED_SITES })
  const live = listed.rows.filter(({ mode, version }) => mode === 'live' && version > 0)
  const ids = live.slice(0, MAX_CHECKED_SITES).map(({ id }) => id)
  const checked = await mapConcurrently(
    ids,
    (id) => siteFact(port, id, path),
    (id): SiteFact => ({ id, isLive: true, isFree: false, faults: ['it could not be checked'], pending: [] }),
  )
  return { checked, path, count: listed.rows.length, live: live.length }
}

async function siteFact(port: SitesPort, id: string, path: string): Promise<SiteFact> {
  const read = await port.registry().read(id)
  if (!read.ok) return { id, isLive: false, isFree: false, faults: [], pending: [] }
  const found = await checkSite(port, { ...read.value, draft: null }, new Map(), path)
  const isFree = found.hosts.some(({ crawler }) => crawler.status === 200)
  return { id, isLive: true, isFree, faults: faultsOf(found), pending: read.value.pending }
}

function faultsOf({ errors, hosts, origin, sideDoor }: CheckedSite): string[] {
  const parts = [
    origin,
    sideDoor,
    ...hosts.flatMap(({ proof, crawler, reader }) => [proof, ...paid(crawler), reader]),
  ]
  const failed = parts.filter(({ outcome }) => outcome === 'failed' || outcome === 'unknown')
  return [
    ...errors.map(({ path, message }) => `${path} ${message}`),
    ...new Set(failed.map(({ why }) => why)),
  ]
}

/** A page that crawlers read free may be meant so. */
function paid<Found extends { status: number | null }>(crawler: Found): Found[] {
  return crawler.status === 200 ? [] : [crawler]
}
