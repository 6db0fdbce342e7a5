/** One site's terms, and the decision they give for a request. */
import type { Asker } from '../identity/classify.ts'
import type { Address } from '../protocol/evm/hex.ts'
import type { Network } from '../protocol/evm/network.ts'
import type { SchemeName } from '../schemes/index.ts'
import type { CanonicalPath } from './path.ts'
import type { Pattern } from './pattern.ts'

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
export type PolicyRequest = { method: string; path: CanonicalPath; asker: Asker; now?: number }

/** One reading of a request, with its method in upper case and GET in the place of HEAD. */
export type Facts = Omit<PolicyRequest, 'path'> & { path: Pick<CanonicalPath, 'match' | 'search'> }

/** Whether one term of a rule covers a request. */
export type Condition = (facts: Facts) => boolean

/** One line of the policy, compiled. It covers the requests that fulfil all of its conditions. */
export type Rule = {
  conditions: readonly Condition[]
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
  network: Network
  rules: readonly Rule[]
  /** For crawlers that no rule names: the default price and schemes. */
  fallback: Decision
  sitemaps: readonly Pattern[]
  /** For the `resource` of an offer; short enough for the header. */
  name: string | undefined
  description: string | undefined
}

/** The decision for a request. `price` and `schemes` matter for `charge` only. */
export type Decision = {
  action: Action
  price: bigint
  /** In the order in which they are offered: clients take the first they can pay. */
  schemes: readonly SchemeName[]
  /** Index of the rule, `free` (robots.txt, .well-known, sitemap) or `default` (no rule named it). */
  rule: number | 'free' | 'default'
  /** For a log or a page. */
  why: string
}

const FREE: Decision = {
  action: 'allow',
  price: 0n,
  schemes: [],
  rule: 'free',
  why: 'robots.txt, /.well-known and the sitemap are always free',
}
const READER: Decision = {
  action: 'allow',
  price: 0n,
  schemes: [],
  rule: 'default',
  why: 'no rule names it, and readers read free',
}

/**
 * The first rule that covers the request decides; without one, crawlers pay the default price and readers read free. HEAD is
 * decided as GET. Some servers read an escaped `?` as the start of a query: of both readings the dearer decision holds.
 * Allocates nothing for GET of other paths: every decision was built with the policy.
 */
export function decide(policy: Policy, request: PolicyRequest): Decision {
  const { path } = request
  const asked = request.method.toUpperCase()
  const method = asked === 'HEAD' ? 'GET' : asked
  const facts = method === request.method ? request : { ...request, method }
  const decision = decideReading(policy, facts)
  const query = path.match.indexOf('%3f')
  if (query < 0) return decision
  const cut = { match: path.match.slice(0, query).replace(/(.)\/$/, '$1'), search: path.match.slice(query) }
  return dearer(decision, decideReading(policy, { ...facts, path: cut }))
}

function decideReading(policy: Policy, facts: Facts): Decision {
  const { method, path, asker } = facts
  // Threat: many origins select content by query on any path, so what is free by its path is asked without a query.
  if (method === 'GET' && path.search === '' && isFree(policy, path.match)) return FREE
  for (const { conditions, decision } of policy.rules) {
    if (fulfils(facts, conditions)) return decision
  }
  return asker.kind === 'reader' ? READER : policy.fallback
}

function fulfils(facts: Facts, conditions: readonly Condition[]): boolean {
  for (const holds of conditions) if (!holds(facts)) return false
  return true
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

function isFree({ sitemaps }: Policy, match: string): boolean {
  return (
    match === '/robots.txt' || match.startsWith('/.well-known/') || sitemaps.some((covers) => covers(match))
  )
}
