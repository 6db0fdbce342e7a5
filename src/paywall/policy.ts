/** One site's terms, and the decision they give for a request. */
import type { Address } from '../protocol/evm/hex.ts'
import type { Network } from '../protocol/evm/network.ts'
import { accept, type Result } from '../protocol/refusal.ts'
import type { SchemeName } from '../schemes/index.ts'
import { isFree } from './free.ts'
import { type CanonicalPath, canonicalize, everyReading, type PathStyle } from './path.ts'
import type { Pattern } from './pattern.ts'
import { type Covering, compileSearch, type Facts, type Search } from './rules.ts'
import { type Adjustable, adjusted } from './terms/adjust.ts'
import type { Dates } from './terms/age.ts'
import { type Contracts, contracted } from './terms/contracts.ts'
import { type Pass, passAt, withPasses } from './terms/passes.ts'

/** The three decisions: ask for payment, serve for free, or reject. */
export type Action = 'charge' | 'allow' | 'block'

/**
 * Where the content is: behind the route of this zone, under the host that was asked; a server with a host of its own; a
 * service binding of the Worker; or the Worker's own handlers behind the middleware.
 */
export type Origin =
  | { kind: 'zone' }
  | { kind: 'url'; url: URL }
  | { kind: 'binding'; name: string }
  | { kind: 'self' }

/** The request as a policy sees it. `now` is in Unix milliseconds. */
export type PolicyRequest = Omit<Facts, 'path' | 'lacks' | 'dates'> & { path: CanonicalPath }

/** One line of the policy, compiled. */
export type Rule = Covering & {
  decision: Decision
  /** The terms as they were written, for documents that are made from the rules. An absent term covers everything. */
  written: WrittenRule
}

/** The terms of a rule as data. A term without a line here has a name of its own all the same. */
export type WrittenRule = {
  path?: string | undefined
  query?: 'none' | 'any' | readonly string[] | undefined
  method?: readonly string[] | undefined
  who: readonly string[]
  [term: string]: unknown
}

/** One site's terms, compiled. Amounts in atomic units of USDC. */
export type Policy = {
  origin: Origin
  receiver: Address
  /** Where payments are accepted, the preferred network first. */
  networks: readonly [Network, ...Network[]]
  rules: readonly Rule[]
  /** For crawlers that no rule names: the default price and schemes. */
  fallback: Decision
  sitemaps: readonly Pattern[]
  /** Where the terms `age` find the dates of pages; absent where no rule has one. */
  dates?: Dates
  /** The prices agreed with single crawlers. */
  contracts?: Contracts
  /** The passes that are sold. */
  passes?: readonly Pass<Decision>[]
  /** Whether a decision may need the origin's statement about a page. */
  asksOrigin?: boolean
  paths: PathStyle
  /** For the `resource` of an offer; short enough for the header. */
  name: string | undefined
  description: string | undefined
}

/** The decision for a request. `price` and `schemes` matter for `charge` only. */
export type Decision = Adjustable & {
  action: Action
  price: bigint
  /** In the order in which they are offered: clients take the first they can pay. */
  schemes: readonly SchemeName[]
  /** Index of the rule, `free` (robots.txt, .well-known, sitemap), `preset`, or `default` (no rule named it). */
  rule: number | 'free' | 'preset' | 'default'
  /** For a log or a page. */
  why: string
  /** The decision may be another once the origin was asked for this page. */
  asks?: true
}

/** The rule and its factors as a charge's entry has them, such as `RULES[2] origin`. */
export function entryName({ rule, factors = [] }: Decision): string {
  return [typeof rule === 'number' ? `RULES[${rule}]` : rule, ...factors].join(' ')
}

const FREE: Decision = {
  action: 'allow',
  price: 0n,
  schemes: [],
  rule: 'free',
  why: 'files in which machines read terms, and sitemaps, are always free',
}
const READER: Decision = {
  action: 'allow',
  price: 0n,
  schemes: [],
  rule: 'default',
  why: 'no rule names it, and readers read free',
}

/** The request before its URL is read. */
export type UrlRequest = Omit<PolicyRequest, 'path'> & { url: string }

/**
 * Decides for a URL as sent. Crawlers are refused what {@link canonicalize} refuses. Readers are not, as long as no reading of
 * it leads to a rule that holds against them.
 */
export function decideUrl(policy: Policy, { url, ...request }: UrlRequest): Result<Decision> {
  const path = canonicalize(url, policy.paths)
  if (path.ok) return accept(decide(policy, { ...request, path: path.value }))
  return request.asker.kind === 'reader' && isOpen(policy, url, request) ? accept(READER) : path
}

/** Whether a reader may have a URL that is refused to crawlers. */
function isOpen(policy: Policy, url: string, request: Omit<UrlRequest, 'url'>): boolean {
  if (!shutsReaders(policy.rules)) return true
  const [first, ...readings] = everyReading(url) ?? []
  return (
    first !== undefined &&
    decide(policy, { ...request, path: { ...first, path: url, readings } }).action === 'allow'
  )
}

/**
 * The first rule that covers the request decides; without one, crawlers pay the default price and readers read free. HEAD is
 * decided as GET. Where servers read the path in several ways, the dearest decision holds. Allocates nothing for GET of a
 * path with one reading: every decision was built with the policy.
 */
export function decide(policy: Policy, request: PolicyRequest): Decision {
  const asked = request.method.toUpperCase()
  const method = asked === 'HEAD' ? 'GET' : asked
  const { dates, asksOrigin } = policy
  const lacks = asksOrigin && !request.origin ? { origin: false } : undefined
  const isPlain = !dates && !asksOrigin && method === request.method
  const facts: Facts = isPlain ? request : { ...request, method, dates, ...(lacks && { lacks }) }
  const decision = decideReadings(policy, facts, request.path.readings)
  return lacks?.origin ? { ...decision, asks: true } : decision
}

function decideReadings(policy: Policy, facts: Facts, readings: CanonicalPath['readings']): Decision {
  const decision = decideReading(policy, facts)
  return readings
    ? readings.reduce((made, path) => dearer(made, decideReading(policy, { ...facts, path })), decision)
    : decision
}

function decideReading(policy: Policy, facts: Facts): Decision {
  const { method, path, asker } = facts
  const bought = passAt(policy.passes, facts)
  if (bought) return bought
  if (method === 'GET' && isFree(path, policy.sitemaps, facts.sitemaps)) return FREE
  const rule = searchOf(policy.rules)(facts)
  if (!rule && asker.kind === 'reader') return READER
  const decision = rule ? adjusted(rule.decision, facts) : policy.fallback
  return withPasses(policy.passes, contracted(policy.contracts, decision, facts), facts)
}

const searchOf = onceForEach<Search<Rule>>(compileSearch)

const shutsReaders = onceForEach((rules) =>
  rules.some(
    ({ scope, decision }) => decision.action !== 'allow' && (scope.askers ?? ['readers']).includes('readers'),
  ),
)

/** Makes a value of a policy's rules when it is asked for first. */
function onceForEach<Value>(make: (rules: readonly Rule[]) => Value): (rules: readonly Rule[]) => Value {
  const made = new WeakMap<readonly Rule[], { value: Value }>()
  return (rules) => {
    const known = made.get(rules)
    if (known) return known.value
    const value = make(rules)
    made.set(rules, { value })
    return value
  }
}

const ORDER: Readonly<Record<Action, number>> = { allow: 0, charge: 1, block: 2 }

/** The decision that lets through less; the higher of two charges. */
function dearer(one: Decision, other: Decision): Decision {
  if (one.action !== other.action) return ORDER[one.action] > ORDER[other.action] ? one : other
  return one.price >= other.price ? one : other
}

/** Every scheme that some request may be offered. */
export function policySchemes({ fallback, rules }: Policy): ReadonlySet<SchemeName> {
  return new Set([fallback, ...rules.map((rule) => rule.decision)].flatMap(({ schemes }) => schemes))
}
