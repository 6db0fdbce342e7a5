/** `/.well-known/x402` (draft-hawkins-x402-dns-discovery): what the site sells, with the offers of its 402. */
import { offersOf } from '../paywall/offers.ts'
import { canonicalize } from '../paywall/path.ts'
import { type Decision, decide, type Policy } from '../paywall/policy.ts'
import type { PaymentRequirements } from '../protocol/x402/types.ts'
import type { TermsOfSite } from './names.ts'
import { pruned, strictest } from './order.ts'
import { ofClass, sectionsOf } from './sections.ts'

/** Makes the `accepts` of a 402. */
export type Accepts = (decision: Decision) => PaymentRequirements[]

/** The offers of a site's 402 for a decision: made by the same code. */
export function acceptsOf({ policy, schemes }: Pick<TermsOfSite, 'policy' | 'schemes'>): Accepts {
  return (decision) => offersOf(policy, decision, schemes).made.map(({ terms }) => terms)
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
  const sections = sectionsOf(policy, method, [ofClass('other')])
  const decisions = strictest(sections, 0)
  // An address without a `*` needs no order: it is asked for below.
  const stated = sections.map(({ pattern, glob, said: [said] }, at) => ({
    path: pattern.replace(/\$$/, ''),
    glob,
    decision: pattern.endsWith('*') ? decisions[at] : said,
  }))
  const listed = pruned(stated, (one, other) => one.decision === other.decision)
    .filter(({ path, decision }) => decision && !/\?\*$|.\/$/.test(path))
    .map(({ path }) => path)
  // A `*` is not defined in these URLs, so the first page stands beside the section of all pages.
  return ['/', ...listed.filter((path) => path !== '/')].flatMap((path) => {
    const decision = asked(policy, method, path)
    if (decision?.action !== 'charge' || (method !== 'GET' && !isNamed(policy, method, decision))) return []
    return [{ url: `${origin}${path}`, method, accepts: accepts(decision) }]
  })
}

/** Whether the rule of a decision names the method: others than GET are listed only then. */
function isNamed({ rules }: Policy, method: string, decision: Decision): boolean {
  return rules.some((rule) => rule.decision === decision && rule.written.method?.includes(method))
}

/** The decision for a path as it is written: the address must be payable as it stands in the document. */
function asked(policy: Policy, method: string, text: string): Decision | undefined {
  const path = canonicalize(text)
  const asker = { kind: 'crawler', class: 'other', claim: 'unknown', reasons: [] } as const
  return path.ok ? decide(policy, { method, path: path.value, asker }) : undefined
}
