/** One site in front of its content: the config, made into a gate and an origin. */
import { waitUntil } from 'cloudflare:workers'
import { type Config, type ConfigProblem, describeProblems, readConfig } from '../config/config.ts'
import { contractWarnings } from '../config/contracts.ts'
import { cachedLists } from '../identity/published/store.ts'
import { addFigures } from '../ledger/book/shadow.ts'
import type { Counters } from '../paywall/free-pages.ts'
import { type Content, type DeliveredPage, type Gate, type GateOptions, gate } from '../paywall/gate.ts'
import { askForPrice, buy, type OriginSettings, pass } from '../paywall/origin.ts'
import { refused } from '../paywall/response.ts'
import { shadowGate } from '../paywall/shadow.ts'
import { NamedSitemaps } from '../paywall/sitemaps.ts'
import { Tally } from '../paywall/tally.ts'
import { cachedDates } from '../paywall/terms/sitemap-dates.ts'
import { dayOf } from '../platform/time.ts'
import type { TermsOfSite } from '../terms/names.ts'
import { linkTo, termsOf, withTerms } from '../terms/serve.ts'
import type { Bindings } from './bindings.ts'
import { schemesOf } from './schemes.ts'

/** A configured site: its gate, and the origin that the gate protects. */
export type Site = { config: Config; gate: Gate; origin: Content; terms: TermsOfSite }

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
  const site = build(env, read.config)
  sites.set(read.config, site)
  return site
}

const reported = new WeakSet<readonly ConfigProblem[]>()

/** Logs the problems once per isolate. The response names none of them: clients must not learn the config. */
function misconfigured(problems: readonly ConfigProblem[]): Response {
  if (!reported.has(problems))
    console.error(`tab402 is misconfigured and serves nothing:\n${describeProblems(problems)}`)
  reported.add(problems)
  return refused({ reason: 'paywall_misconfigured' })
}

function build(env: Bindings, config: Config): Site {
  const { policy, documents, cloudflareCharges, mode } = config
  const terms: TermsOfSite = { policy, schemes: schemesOf(env, config), documents }
  const now = () => Date.now()
  const cache = { now, later: waitUntil }
  const named = new NamedSitemaps({ store: env.LISTS, ...cache })
  const facts = {
    published: cachedLists(env.LISTS, cache),
    dated: env.LISTS && cachedDates(env.LISTS, cache),
    sitemaps: (site: string) => named.of(site),
  }
  const judge = { policy, cloudflareCharges, ...facts, now }
  const gate = mode === 'shadow' ? openShadow(env, judge) : openGate(env, config, judge, terms)
  return { config, terms, gate: named.watch(gate), origin: contentOf(env, config) }
}

/** All that a request is decided by. */
type Judge = Pick<GateOptions, 'policy' | 'cloudflareCharges' | 'published' | 'dated' | 'sitemaps' | 'now'>

function openGate(env: Bindings, { maxTimeoutSeconds }: Config, judge: Judge, terms: TermsOfSite): Gate {
  const { schemes } = terms
  const counters = countersOf(env)
  const newId = () => crypto.randomUUID()
  const headers = {
    linkOf: (site: string) => linkTo(terms, site),
    ...(terms.documents.size > 0 && { termsOf: (page: DeliveredPage) => termsOf(terms, page) }),
  }
  return withTerms(gate({ ...judge, ...headers, schemes, counters, maxTimeoutSeconds, newId }), terms)
}

function openShadow({ BOOK }: Bindings, judge: Judge): Gate {
  const tally = new Tally({
    store: (figures, at) => addFigures(BOOK, dayOf(at), figures),
    defer: waitUntil,
    wait: (ms) => scheduler.wait(ms),
    now: judge.now,
  })
  return shadowGate({ ...judge, tally })
}

function countersOf({ QUOTA: quota }: Bindings): Counters | undefined {
  return quota && ((crawler) => quota.getByName(crawler))
}

/** The host that a service binding is asked under. */
const BOUND = new URL('https://origin.internal')

function contentOf(env: Bindings, { policy, originSecret, originTimeoutMs }: Config): Content {
  const { origin } = policy
  if (origin.kind === 'self') return nowhere
  const settings: OriginSettings = {
    url: origin.kind === 'zone' ? undefined : origin.kind === 'url' ? origin.url : BOUND,
    fetch:
      origin.kind !== 'binding'
        ? (request) => fetch(request)
        : (request) => (env as unknown as Record<string, Fetcher>)[origin.name]?.fetch(request) ?? unbound(),
    secret: originSecret,
    timeoutMs: originTimeoutMs,
  }
  return {
    pass: (request, path) => pass(settings, request, path),
    ask: (request, path) => askForPrice(settings, request, path),
    buy: (request, path, body) => buy(settings, request, path, body),
  }
}

const nowhere: Content = { pass: unbound, buy: unbound }

async function unbound(): Promise<never> {
  throw new Error('ORIGIN must be set, or the paywall mounted as middleware')
}
