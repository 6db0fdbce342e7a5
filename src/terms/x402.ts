/** `/.well-known/x402` (draft-hawkins-x402-dns-discovery): what the site sells, with the offers of its 402. */
import { offersOf } from '../paywall/offers.ts'
import { canonicalize } from '../paywall/path.ts'
import { type Decision, decide, type Policy } from '../paywall/policy.ts'
import type { PaymentRequirements } from '../protocol/x402/types.ts'
import type { TermsOfSite } from './names.ts'
import { pruned, strictest } from './order.ts'
import { ofClass, sectionsOf } from './statement.ts'

/** Makes the `accepts` of a 402. */
export type Accepts = (decision: Decision) => PaymentRequirements[]

/** The offers of a site's 402 for a decision: made by the same code. */
export function acceptsOf({ policy, schemes }: Pick<TermsOfSite, 'policy' | 'schemes'>): Accepts {
  return (decision) => [...offersOf(policy, decision, schemes).made.values()]
}

/** A page, or with a `*` the pages of a section, and what a crawler without a purpose of its own pays. */
type Resource = { url: string; method: string; accepts: PaymentRequirements[] }

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Writes the document. `origin` has scheme and host; `docs` is a URL for people or machines who want more. */
export function x402Site(policy: Policy, origin: string, accepts: Accepts, docs: string | undefined) {
  const { name, description } = policy
  return {
    x402Version: 2,
    kind: 'resource-server',
    name: name ?? new URL(origin).host,
    ...(description !== undefined && { description }),
    resources: METHODS.flatMap((method) => resourcesOf(policy, method, origin, accepts)),
    attestation: { type: 'none' },
    ...(docs !== undefined && { docs }),
  }
}

function resourcesOf(policy: Policy, method: string, origin: string, accepts: Accepts): Resource[] {
  // Other methods than GET are sold where a rule names them.
  if (method !== 'GET' && !policy.rules.some(({ written }) => written.method?.includes(method))) return []
  const sections = sectionsOf(policy, method, [ofClass('other')])
  const decisions = strictest(sections, 0)
  const stated = sections.map(({ pattern, glob }, at) => ({ pattern, glob, decision: decisions[at] }))
  const paths = new Map<string, Decision>()
  for (const { pattern, decision } of pruned(stated, (one, other) => one.decision === other.decision)) {
    const path = pattern.replace(/\$$/, '')
    if (decision?.action !== 'charge' || pattern.endsWith('?*')) continue
    if (method !== 'GET' && decision === policy.fallback) continue
    // A `*` is not defined in these URLs, so the site's first page stands for the pages that no rule names.
    for (const one of path === '/*' ? ['/', path] : [path]) {
      if (!paths.has(one) && asked(policy, method, one) === decision) paths.set(one, decision)
    }
  }
  return [...paths].map(([path, decision]) => ({
    url: `${origin}${path}`,
    method,
    accepts: accepts(decision),
  }))
}

/** The decision for a path as it is written: the address must be payable as it stands in the document. */
function asked(policy: Policy, method: string, text: string): Decision | undefined {
  const path = canonicalize(text)
  const asker = { kind: 'crawler', class: 'other', reasons: [] } as const
  return path.ok ? decide(policy, { method, path: path.value, asker }) : undefined
}
