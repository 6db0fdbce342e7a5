/** One site in front of its content: the config, made into a gate and an origin. */
import { waitUntil } from 'cloudflare:workers'
import { type Config, type ConfigProblem, describeProblems, readConfig } from '../config/config.ts'
import { contractWarnings } from '../config/contracts.ts'
import { cachedLists } from '../identity/published/store.ts'
import { addShadowFigures, type ShadowFigure } from '../ledger/book/shadow.ts'
import { MAX_FIGURES_WRITTEN, trafficIn } from '../ledger/book/traffic.ts'
import { trafficInDataset } from '../ledger/book/traffic-dataset.ts'
import { type Edition, editionOf, type PolicyVersion } from '../paywall/edition.ts'
import type { Counters } from '../paywall/free-pages.ts'
import { type Content, type DeliveredPage, type Gate, type GateOptions, gate } from '../paywall/gate.ts'
import { refused } from '../paywall/response.ts'
import { SHADOW_COUNTS, type ShadowOptions, shadowGate } from '../paywall/shadow.ts'
import { NamedSitemaps } from '../paywall/sitemaps.ts'
import { Tally } from '../paywall/tally.ts'
import { cachedDates } from '../paywall/terms/sitemap-dates.ts'
import { trafficCount, trafficCounts } from '../paywall/traffic.ts'
import type { Background } from '../platform/isolate-cache.ts'
import { dayOf } from '../platform/time.ts'
import type { TermsOfSite } from '../terms/names.ts'
import { linkTo, termsOf, withTerms } from '../terms/serve.ts'
import type { Bindings } from './bindings.ts'
import { contentOf } from './origin.ts'
import { schemesOf } from './schemes.ts'

/** A configured site: its gate, and the origin that the gate protects. `edition`: its offers; null in shadow mode. */
export type Site = {
  config: Config
  gate: Gate
  origin: Content
  terms: TermsOfSite
  edition: Edition | null
}

/** A site of the registry: its version, and the former versions of it whose offers may be valid. */
export type RegistrySite = { site: PolicyVersion } & Pick<GateOptions, 'former'>

const sites = new WeakMap<Config, Site>()

/**
 * The site of these bindings. `terms` take the place of vars of the same name, for a Worker that states its policy in code.
 * With an invalid config the Worker serves no page: returns the response to send instead.
 */
export function siteOf(env: Bindings, terms?: Record<string, unknown>): Site | Response {
  const read = readConfig(env, terms)
  if (!read.ok) return misconfigured(read.problems)
  const known = sites.get(read.config)
  if (known) return known
  const warnings = [...read.warnings, ...contractWarnings(read.config.policy.contracts, Date.now())]
  if (warnings.length > 0)
    console.warn(`tab402 serves, but check these settings:\n${describeProblems(warnings)}`)
  const site = buildSite(env, read.config)
  sites.set(read.config, site)
  return site
}

const reported = new WeakSet<readonly ConfigProblem[]>()

/** Answers 503. Logs the problems once per isolate. The response names none of them: clients must not learn the config. */
export function misconfigured(problems: readonly ConfigProblem[]): Response {
  if (!reported.has(problems))
    console.error(`tab402 is misconfigured and serves nothing:\n${describeProblems(problems)}`)
  reported.add(problems)
  return refused({ reason: 'paywall_misconfigured' })
}

/** Builds a site from its config: the only one, or one of the registry. */
export function buildSite(env: Bindings, config: Config, registered?: RegistrySite): Site {
  const { policy, documents, cloudflareCharges, maxTimeoutSeconds, mode } = config
  const terms: TermsOfSite = { policy, schemes: schemesOf(env, config), documents }
  const { now, ...facts } = factsOf(env)
  const named = new NamedSitemaps({ store: env.LISTS, ...background })
  const sitemaps = (site: string) => named.of(site)
  const judge: Judge = { cloudflareCharges, ...facts, sitemaps, now }
  const origin = contentOf(env, config)
  const { site, former } = registered ?? {}
  const dated = env.LISTS && cachedDates(env.LISTS, background, site?.id)
  if (mode === 'shadow')
    return {
      config,
      terms,
      gate: named.watch(openShadow(env, { ...judge, policy, dated, site: site?.id })),
      origin,
      edition: null,
    }
  const edition = editionOf({ ...terms, site, maxTimeoutSeconds, dated, now })
  const newId = () => crypto.randomUUID()
  const headers = {
    linkOf: (site: string) => linkTo(terms, site),
    ...(documents.size > 0 && { termsOf: (page: DeliveredPage) => termsOf(terms, page) }),
  }
  const open = gate({ ...judge, ...headers, edition, former, counters: countersOf(env, site), newId })
  return { config, terms, gate: named.watch(withTerms(open, terms)), origin, edition }
}

/** All that a request is decided by, beside the policy. */
type Judge = Pick<GateOptions, 'cloudflareCharges' | 'published' | 'sitemaps' | 'now' | 'count'>

/** The clock of an isolate, and its way to let a read outlast a request. */
export const background: Background = { now: () => Date.now(), later: waitUntil }

const known = new WeakMap<Bindings, ReturnType<typeof readFacts>>()

/** The facts that all sites of an isolate share. */
function factsOf(env: Bindings): ReturnType<typeof readFacts> {
  const facts = known.get(env) ?? readFacts(env)
  known.set(env, facts)
  return facts
}

function readFacts({ LISTS: lists, TRAFFIC: dataset, BOOK: book }: Bindings) {
  const store = dataset ? trafficInDataset(dataset) : trafficIn(book)
  const { now } = background
  const counts = trafficCounts(dataset ? undefined : MAX_FIGURES_WRITTEN)
  return {
    now,
    published: cachedLists(lists, background),
    count: trafficCount(new Tally(counts, { ...COUNTING, store }), now),
  }
}

/** Counts wait in the background: they are lost with their isolate. */
const COUNTING = { defer: waitUntil, wait: (ms: number) => scheduler.wait(ms), now: () => Date.now() }

function openShadow({ BOOK: book }: Bindings, options: Omit<ShadowOptions, 'tally'>): Gate {
  const store = (figures: ShadowFigure[], at: number) => addShadowFigures(book, dayOf(at), figures)
  return shadowGate({ ...options, tally: new Tally(SHADOW_COUNTS, { ...COUNTING, store }) })
}

/** The free pages of a crawler are counted for each site of a registry alone. */
function countersOf({ QUOTA: quota }: Bindings, site: PolicyVersion | undefined): Counters | undefined {
  return quota && ((crawler) => quota.getByName(site ? `${site.id}/${crawler}` : crawler))
}
