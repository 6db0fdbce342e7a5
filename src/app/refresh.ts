/** Fetches what isolates copy from KV: the published lists of addresses, and the dates of pages. */
import { readConfig } from '../config/config.ts'
import { WATCH } from '../settlement/schedule.ts'
import type { Bindings } from './bindings.ts'
import { fetchOf } from './origin.ts'

/** The watch fires every five minutes. Every third one reads the sitemaps, so an origin sends them four times an hour. */
const WATCH_MS = 5 * 60_000
const SITEMAPS_EVERY_MS = 15 * 60_000

/** Fetches what is due. Never rejects: a run must not fail because a list did. */
export async function refresh(
  { cron, scheduledTime }: Pick<ScheduledController, 'cron' | 'scheduledTime'>,
  env: Bindings,
): Promise<void> {
  const isDue = cron === WATCH && scheduledTime % SITEMAPS_EVERY_MS < WATCH_MS
  await Promise.all([refreshLists(env), isDue && refreshDates(env)])
}

async function refreshLists({ LISTS: lists }: Bindings): Promise<void> {
  if (!lists) return
  try {
    const { refreshLists } = await import('../identity/published/refresh.ts')
    await refreshLists(lists, { fetch: (url, init) => fetch(url, init), now: Date.now })
  } catch (fault) {
    console.error(JSON.stringify({ message: 'published lists could not be refreshed', fault: String(fault) }))
  }
}

async function refreshDates(env: Bindings): Promise<void> {
  const read = readConfig(env)
  const { dates, origin } = read.ok ? read.config.policy : {}
  if (!env.LISTS || !origin || !dates?.sitemaps.length) return
  try {
    const { refreshDates } = await import('../paywall/terms/sitemap-dates.ts')
    await refreshDates(env.LISTS, dates.sitemaps, fetchOf(env, origin))
  } catch (fault) {
    console.error(JSON.stringify({ message: 'sitemaps could not be read', fault: String(fault) }))
  }
}
