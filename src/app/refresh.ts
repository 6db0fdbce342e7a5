/** Fetches what isolates copy from KV: lists of addresses, published or screened, and the dates of pages. */
import { readConfig } from '../config/config.ts'
import { type EventName, log } from '../platform/log.ts'
import { WATCH } from '../settlement/schedule.ts'
import type { Bindings } from './bindings.ts'
import { fetchOf } from './origin.ts'

/** The watch fires every five minutes. Every third one reads the sitemaps, so an origin sends them four times an hour. */
const WATCH_MS = 5 * 60_000
const SITEMAPS_EVERY_MS = 15 * 60_000

const WEB = { fetch: (url: string, init?: RequestInit) => fetch(url, init), now: () => Date.now() }

/** Fetches what is due. Never rejects: a run must not fail because a list did. */
export async function refresh(
  { cron, scheduledTime }: Pick<ScheduledController, 'cron' | 'scheduledTime'>,
  env: Bindings,
): Promise<void> {
  const { LISTS: lists } = env
  if (!lists) return
  const isDue = cron === WATCH && scheduledTime % SITEMAPS_EVERY_MS < WATCH_MS
  await Promise.all([
    attempt('published_lists_not_refreshed', () => refreshPublished(lists)),
    attempt('screening_lists_not_refreshed', () => refreshScreened(env, lists)),
    isDue && attempt('sitemaps_not_read', () => refreshDates(env, lists)),
  ])
}

async function attempt(event: EventName, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (fault) {
    log(event, { fault })
  }
}

async function refreshPublished(lists: KVNamespace): Promise<void> {
  const { refreshLists } = await import('../identity/published/refresh.ts')
  await refreshLists(lists, WEB)
}

async function refreshScreened(env: Bindings, lists: KVNamespace): Promise<void> {
  const read = readConfig(env)
  const { lists: listed = [] } = (read.ok && read.config.screening) || {}
  if (listed.length === 0) return
  const { refreshAddresses } = await import('../screening/lists.ts')
  await refreshAddresses(lists, listed, WEB)
}

async function refreshDates(env: Bindings, lists: KVNamespace): Promise<void> {
  const read = readConfig(env)
  const { dates, origin } = read.ok ? read.config.policy : {}
  if (!origin || !dates?.sitemaps.length) return
  const { refreshDates } = await import('../paywall/terms/sitemap-dates.ts')
  await refreshDates(lists, dates.sitemaps, fetchOf(env, origin))
}
