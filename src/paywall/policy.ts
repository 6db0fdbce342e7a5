/** One site's terms, and the decision they give for a request. */
import type { Asker } from '../identity/classify.ts'
import type { Address } from '../protocol/evm/hex.ts'
import type { Network } from '../protocol/evm/network.ts'
import type { SchemeName } from '../schemes/index.ts'
import type { CanonicalPath } from './path.ts'
import type { Pattern } from './pattern.ts'

/** The three decisions: ask for payment, serve for free, or reject. */
export type Action = 'charge' | 'allow' | 'block'

/** Where the content is: a server, a service binding of the Worker, or the Worker's own handlers behind the middleware. */
export type Origin = { kind: 'url'; url: URL } | { kind: 'binding'; name: string } | { kind: 'self' }

/** One line of the policy, compiled. A selector that is `undefined` matches every request. */
export type Rule = {
  covers: Pattern | undefined
  methods: ReadonlySet<string> | undefined
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
 * The first rule that covers path, method and asker decides; without one, crawlers pay the default
 * price and readers read free. HEAD is decided as GET. Allocates nothing: every decision was built with the policy.
 */
export function decide(policy: Policy, { method, path, asker }: PolicyRequest): Decision {
  const asked = method.toUpperCase()
  const verb = asked === 'HEAD' ? 'GET' : asked
  if (verb === 'GET' && isFree(policy, path.match)) return FREE
  for (const { covers, methods, asks, decision } of policy.rules) {
    if ((!methods || methods.has(verb)) && asks(asker) && (!covers || covers(path.match))) return decision
  }
  return asker.kind === 'reader' ? READER : policy.fallback
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
