/** One site's terms, and the decision they give for a request. */
import type { Asker } from '../identity/classify.ts'
import type { Address } from '../protocol/evm/hex.ts'
import type { Network } from '../protocol/evm/network.ts'
import type { SchemeName } from '../schemes/index.ts'
import type { CanonicalPath } from './path.ts'
import type { Pattern } from './pattern.ts'
import type { Queries } from './query.ts'

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

/** One line of the policy, compiled. A selector that is `undefined` matches every request. */
export type Rule = {
  covers: Pattern | undefined
  methods: ReadonlySet<string> | undefined
  queries: Queries | undefined
  asks: (asker: Asker) => boolean
  decision: Decision
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

/** The request as a policy sees it. */
export type PolicyRequest = { method: string; path: CanonicalPath; asker: Asker }

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
 * The first rule that covers path, query, method and asker decides; without one, crawlers pay the default price and readers
 * read free. HEAD is decided as GET. Some servers read an escaped `?` as the start of a query: of both readings the dearer
 * decision holds. Allocates nothing for other paths: every decision was built with the policy.
 */
export function decide(policy: Policy, { method, path, asker }: PolicyRequest): Decision {
  const asked = method.toUpperCase()
  const verb = asked === 'HEAD' ? 'GET' : asked
  const decision = decideReading(policy, verb, path, asker)
  const query = path.match.indexOf('%3f')
  if (query < 0) return decision
  const cut = { match: path.match.slice(0, query).replace(/(.)\/$/, '$1'), search: path.match.slice(query) }
  return dearer(decision, decideReading(policy, verb, cut, asker))
}

function decideReading(
  policy: Policy,
  verb: string,
  { match, search }: Pick<CanonicalPath, 'match' | 'search'>,
  asker: Asker,
): Decision {
  // Threat: many origins select content by query on any path, so what is free by its path is asked without a query.
  if (verb === 'GET' && search === '' && isFree(policy, match)) return FREE
  for (const { covers, methods, queries, asks, decision } of policy.rules) {
    if (methods && !methods.has(verb)) continue
    if (asks(asker) && (!covers || covers(match)) && (!queries || queries(search))) return decision
  }
  return asker.kind === 'reader' ? READER : policy.fallback
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
