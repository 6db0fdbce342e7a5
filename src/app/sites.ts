/** Many sites on one deployment: the site of the host that is asked, from the isolate's memory. */

import { type ConfigProblem, readConfig } from '../config/config.ts'
import { siteVars } from '../config/site.ts'
import type { Edition } from '../paywall/edition.ts'
import { refused } from '../paywall/response.ts'
import { hmacHex } from '../platform/digest.ts'
import { log } from '../platform/log.ts'
import { WeightedCache } from '../platform/weighted-cache.ts'
import type { SiteDocument } from '../sites/document.ts'
import { type HostVersion, LONGEST_OFFER_MS, versionAt } from '../sites/entry.ts'
import { requestedHost } from '../sites/host.ts'
import { HostMemory } from '../sites/memory.ts'
import type { Bindings } from './bindings.ts'
import { background, buildSite, misconfigured, type Site, siteOf } from './site.ts'

type Served = Site | Response

/**
 * The site that serves a request, or the response to send instead. Without a registry, the vars are the only site. A promise
 * only where KV must be asked or the site was not built yet.
 */
export function siteFor(request: Request, env: Bindings): Served | Promise<Served> {
  const { SITES: sites, HOSTS: hosts } = env
  if (!sites && !hosts) return siteOf(env)
  if (!sites || !hosts) return misconfigured(HALF_BOUND)
  const host = requestedHost(request.url)
  if (host === undefined) return refused({ reason: 'unknown_host' })
  const newest = memoryOf(hosts).get(host)
  return newest instanceof Promise ? newest.then((read) => serve(env, read), unavailable) : serve(env, newest)
}

const HALF_BOUND = [
  { place: 'SITES', message: 'must be bound together with HOSTS', example: 'both tables of wrangler.toml' },
]

const memories = new WeakMap<KVNamespace, HostMemory>()

function memoryOf(hosts: KVNamespace): HostMemory {
  const memory = memories.get(hosts) ?? new HostMemory(hosts, background)
  memories.set(hosts, memory)
  return memory
}

function serve(env: Bindings, newest: HostVersion | undefined): Served | Promise<Served> {
  const version = newest && versionAt(newest, Date.now())
  if (!version?.document) return refused({ reason: 'unknown_host' })
  if (version.document.mode === 'suspended') return refused({ reason: 'site_suspended' })
  return builtSite(env, version, version.document)
}

function unavailable(fault: unknown): Response {
  log('host_entry_missing', { fault })
  return refused({ reason: 'sites_unavailable' })
}

/**
 * The rules of all sites that stay built: 100 rules take some 56 kB with their document, and an isolate has 128 MB. Beyond it the
 * site that was asked for longest ago is built again at its next request.
 */
const MAX_RULES_BUILT = 110_000
/** A site without rules weighs as much as so many. */
const RULES_OF_ANY_SITE = 5

const built = new WeightedCache<HostVersion, Site>(MAX_RULES_BUILT)

function builtSite(env: Bindings, version: HostVersion, document: SiteDocument): Served | Promise<Served> {
  const known = built.get(version)
  if (known) return known
  const problems = faulty.get(document)
  if (problems) return misconfigured(problems)
  // Fresh vars: the config keeps what it has read as long as they are there, and a site that is dropped must go.
  const read = readConfig(env, siteVars(document))
  if (!read.ok) {
    faulty.set(document, read.problems)
    return misconfigured(read.problems)
  }
  const { config } = read
  const build = (originSecret: string | undefined) => {
    const registered = { site: { id: version.id, version: version.version }, former: formerOf(env, version) }
    const site = built.get(version) ?? buildSite(env, { ...config, originSecret }, registered)
    built.set(version, site, RULES_OF_ANY_SITE + config.policy.rules.length)
    return site
  }
  return config.originSecret === undefined
    ? build(undefined)
    : secretOf(config.originSecret, version.id).then(build)
}

/** Sites that the deployment cannot serve: each is read and logged once. */
const faulty = new WeakMap<SiteDocument, readonly ConfigProblem[]>()

/** The secret that the origin of a site receives: HMAC-SHA-256 of its id under ORIGIN_SECRET, in hex. */
export function secretOf(secret: string, id: string): Promise<string> {
  return hmacHex(secret, id)
}

/** The editions before a version whose offers may be valid still, newest first. */
function formerOf(env: Bindings, version: HostVersion): () => readonly Edition[] | Promise<Edition[]> {
  return () => {
    const ended = endedBefore(version, Date.now())
    return ended.length === 0 ? [] : editionsOf(env, ended)
  }
}

type Ended = { version: HostVersion; document: SiteDocument; endedAt: number }

/** The versions of the same site that were in force less than the longest offer ago. */
function endedBefore({ id, effectiveAt, previous }: HostVersion, now: number): Ended[] {
  const ended: Ended[] = []
  let endedAt = effectiveAt
  for (let version = previous; version && endedAt + LONGEST_OFFER_MS > now; version = version.previous) {
    const { document } = version
    const wasInForce = version.effectiveAt < endedAt
    if (wasInForce && version.id === id && document && document.mode === 'live')
      ended.push({ version, document, endedAt })
    endedAt = Math.min(endedAt, version.effectiveAt)
  }
  return ended
}

async function editionsOf(env: Bindings, ended: readonly Ended[]): Promise<Edition[]> {
  const sites = await Promise.all(
    ended.map(async ({ version, document, endedAt }) => ({
      site: await builtSite(env, version, document),
      endedAt,
    })),
  )
  return sites.flatMap(({ site, endedAt }) => {
    if (site instanceof Response || !site.edition) return []
    return endedAt + site.config.maxTimeoutSeconds * 1000 > Date.now() ? [site.edition] : []
  })
}
