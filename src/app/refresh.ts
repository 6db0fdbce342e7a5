/** Fetches what isolates copy from KV: lists of addresses, published or screened, and the dates of pages. */
import { readConfig } from '../config/config.ts'
import { siteVars } from '../config/site.ts'
import { WATCH } from '../settlement/schedule.ts'
import { siteRegistry } from '../sites/call.ts'
import type { Bindings } from './bindings.ts'
import { fetchOf } from './origin.ts'

/** The watch fires every five minutes. Every third one reads the sitemaps, so an origin sends them four times an hour. */
const WATCH_MS = 5 * 60_000
const SITEMAPS_EVERY_MS = 15 * 60_000

/** Documents of sites that are read in one call: at most 25 MB. */
const SITES_AT_ONCE = 100

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
    attempt('published lists could not be refreshed', () => refreshPublished(lists)),
    attempt('screening lists could not be refreshed', () => refreshScreened(env, lists)),
    isDue && attempt('sitemaps could not be read', () => refreshDates(env, lists)),
  ])
}

async function attempt(message: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (fault) {
    console.error(JSON.stringify({ message, fault: String(fault) }))
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
  if (!env.SITES) return refreshDatesOf(env, lists)
  const registry = siteRegistry(env.SITES)
  for (let after: string | null = ''; after !== null; ) {
    const { rows, next } = await registry.served({ after, limit: SITES_AT_ONCE })
    for (const { id, terms, mode } of rows)
      if (terms.DATES !== undefined)
        await attempt(`sitemaps of ${id} could not be read`, () =>
          refreshDatesOf(env, lists, { id, vars: siteVars({ terms, mode }) }),
        )
    after = next
  }
}

async function refreshDatesOf(
  env: Bindings,
  lists: KVNamespace,
  site?: { id: string; vars: Record<string, unknown> },
): Promise<void> {
  const read = readConfig(env, site?.vars)
  const { dates, origin } = read.ok ? read.config.policy : {}
  if (!origin || !dates?.sitemaps.length) return
  const { refreshDates } = await import('../paywall/terms/sitemap-dates.ts')
  await refreshDates(lists, dates.sitemaps, fetchOf(env, origin), site?.id)
}
