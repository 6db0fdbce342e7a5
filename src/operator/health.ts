/** Whether the deployment works, for load balancers and monitors: open to everybody, so it says no more than that. */
import { Hono } from 'hono/tiny'
import type { AlertSettings } from '../alerts/settings.ts'
import { readAlerts } from '../alerts/store.ts'
import { lastEnded } from '../ledger/book/runs.ts'
import { hasWatchedChannel, readWatch } from '../ledger/book/watch.ts'
import { HOUR_MS, MINUTE_MS } from '../platform/time.ts'
import { jsonResponse } from './response.ts'

/** The longest time since the last nightly run of each kind began, however it ended. */
export const MAX_RUN_AGE_MS = 26 * HOUR_MS
/** The longest time since the watch read the chain, while there are channels to watch. */
export const MAX_WATCH_AGE_MS = 15 * MINUTE_MS
/** Strangers may ask as often as they like: an isolate reads D1 once in this time. */
export const HEALTH_KEPT_MS = 10_000

/**
 * `config`: the settings are valid. `book`: D1 answers. `runs`, `watch`: neither is overdue. A deployment is young until the
 * first watch has looked for alerts, and nothing is overdue then.
 */
type Health = { status: 'ok' | 'failing'; checks: Record<'config' | 'book' | 'runs' | 'watch', boolean> }

/** The route `/healthz`: 200, or 503 where a check fails. `now` in Unix milliseconds. */
export function healthRoute(settings: AlertSettings, now: () => number): Hono {
  let kept: { until: number; health: Promise<Health> } | undefined
  const app = new Hono()
  app.get('/', async () => {
    if (!kept || now() >= kept.until)
      kept = { until: now() + HEALTH_KEPT_MS, health: readHealth(settings, now()) }
    const health = await kept.health
    return jsonResponse(health, health.status === 'ok' ? 200 : 503)
  })
  return app
}

async function readHealth(settings: AlertSettings, now: number): Promise<Health> {
  const config = settings.problems(now).every(({ level }) => level !== 'fault')
  const read = await readOverdue(settings, now).catch(() => null)
  const checks = { config, book: read !== null, runs: read?.runs ?? false, watch: read?.watch ?? false }
  return { status: Object.values(checks).every(Boolean) ? 'ok' : 'failing', checks }
}

async function readOverdue({ book, runKinds = [], channels }: AlertSettings, now: number) {
  const firstAt = (await readAlerts(book)).firstAt ?? now
  const ended = await Promise.all(runKinds.map((kind) => lastEnded(book, kind)))
  const runs = ended.every((run) => now - (run?.startedAt ?? firstAt) < MAX_RUN_AGE_MS)
  if (!channels) return { runs, watch: true }
  const late = await Promise.all(
    channels.chains.map(async ({ network }) => {
      const seenAt = (await readWatch(book, network))?.seenAt ?? firstAt
      const isOverdue = now - seenAt >= MAX_WATCH_AGE_MS
      return isOverdue && (await hasWatchedChannel(book, network, now - MAX_WATCH_AGE_MS))
    }),
  )
  return { runs, watch: !late.includes(true) }
}
