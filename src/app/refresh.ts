/** Fetches what isolates copy from KV: published addresses, dates of pages, and lists of screened payers. */

import { type Config, readConfig } from '../config/config.ts'
import { siteVars } from '../config/site.ts'
import type { Policy } from '../paywall/policy.ts'
import { type EventName, log } from '../platform/log.ts'
import { WATCH } from '../settlement/schedule.ts'
import { siteRegistry } from '../sites/call.ts'
import type { Bindings } from './bindings.ts'
import { fetchOf } from './origin.ts'

/** The watch fires every five minutes. Every third one reads the sitemaps, so an origin sends them four times an hour. */
const WATCH_MS = 5 * 60_000
const SITEMAPS_EVERY_MS = 15 * 60_000

/** Documents of sites that are read in one call: at most 25 MB. */
const SITES_AT_ONCE = 100

const WORLD = { fetch: (url: string, init?: RequestInit) => fetch(url, init), now: () => Date.now() }

/** Fetches what is due. Never rejects: a run must not fail because a list did. */
export async function refresh(
  { cron, scheduledTime }: Pick<ScheduledController, 'cron' | 'scheduledTime'>,
  env: Bindings,
): Promise<void> {
  const { LISTS: store } = env
  if (!store) return
  const read = readConfig(env)
  const config = read.ok ? read.config : undefined
  const areSitemapsDue = cron === WATCH && scheduledTime % SITEMAPS_EVERY_MS < WATCH_MS
  await Promise.all([
    attempt('published_lists_not_refreshed', () => refreshLists(store)),
    config && attempt('screening_lists_not_refreshed', () => refreshAddresses(store, config)),
    config && areSitemapsDue && attempt('sitemaps_not_read', () => refreshDates(store, env, config)),
  ])
}

async function attempt(event: EventName, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (fault) {
    log(event, { fault })
  }
}

async function refreshLists(store: KVNamespace): Promise<void> {
  const { refreshLists } = await import('../identity/published/refresh.ts')
  await refreshLists(store, WORLD)
}

async function refreshAddresses(store: KVNamespace, { screening }: Config): Promise<void> {
  const { lists = [] } = screening ?? {}
  if (lists.length === 0) return
  const { refreshAddresses } = await import('../screening/lists.ts')
  await refreshAddresses(store, lists, WORLD)
}

async function refreshDates(store: KVNamespace, env: Bindings, { policy }: Config): Promise<void> {
  if (!env.SITES) return refreshDatesOf(store, env, policy)
  const registry = siteRegistry(env.SITES)
  for (let after: string | null = ''; after !== null; ) {
    const { rows, next } = await registry.served({ after, limit: SITES_AT_ONCE })
    for (const { id, terms, mode } of rows) {
      const read = terms.DATES === undefined ? undefined : readConfig(env, siteVars({ terms, mode }))
      if (read?.ok)
        await attempt('sitemaps_not_read', () => refreshDatesOf(store, env, read.config.policy, id))
    }
    after = next
  }
}

async function refreshDatesOf(
  store: KVNamespace,
  env: Bindings,
  { dates, origin }: Policy,
  site?: string,
): Promise<void> {
  if (!dates?.sitemaps.length) return
  const { refreshDates } = await import('../paywall/terms/sitemap-dates.ts')
  await refreshDates(store, dates.sitemaps, fetchOf(env, origin), site)
}
