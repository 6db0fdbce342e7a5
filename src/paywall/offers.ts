/** The offers of a 402: made from our own policy, written once for each decision, filled in for each request. */
import { type Refusal, wire } from '../protocol/refusal.ts'
import type { PaymentRequirements } from '../protocol/x402/types.ts'
import { SCHEMES, type SchemeName } from '../schemes/index.ts'
import type { Payment } from '../schemes/payment.ts'
import type { Scheme } from '../schemes/scheme.ts'
import type { Offer } from './dialects/dialect.ts'
import { DIALECTS } from './dialects/index.ts'
import type { Decision, Policy } from './policy.ts'

/** The part of a scheme that a 402 is made of. */
type Offerer = Pick<Scheme<Payment, unknown>, 'network' | 'offer' | 'extensions' | 'headers'>

/** The schemes of each name that make offers, one for each network. */
export type Offerers = { [Name in SchemeName]?: readonly Offerer[] }

/** One decision's offers, ready to be filled in with the URL. */
export type Offers = {
  /** In the order in which they are made: by network, then by scheme. */
  made: readonly Offer[]
  price: bigint
  /** Describes the site or the invoice being sold. */
  about: { serviceName?: string; description?: string }
  /** The headers of one 402. */
  headers(url: string, refusal: Refusal): Record<string, string>
  /** The JSON body of one 402. `note` is one more sentence for people. */
  body(url: string, refusal: Refusal, note?: string): string
}

/** Makes a decision's offers afresh from our own terms. */
export function offersOf(policy: Policy, decision: Decision, offerers: Offerers): Offers {
  const { price } = decision
  const offering = inOrder(policy, decision, offerers)
  const made = offering.map(({ scheme, offerer }) => ({ scheme, terms: offerer.offer(price) }))
  const about: Offers['about'] = {
    ...(policy.description !== undefined && { description: policy.description }),
    ...(policy.name !== undefined && { serviceName: policy.name }),
  }
  const extensions = Object.assign({}, ...offering.map(({ offerer }) => offerer.extensions))
  const own = Object.assign({}, ...offering.map(({ offerer }) => offerer.headers?.(price)))
  const accepts = made.map(({ terms }) => terms)
  const challenges = DIALECTS.flatMap((dialect) => dialect.challenge?.({ accepts, about, extensions }) ?? [])
  const answered = (url: string, refusal: Refusal, note?: string) => ({
    url,
    reason: refusal.reason,
    corrected: corrected(made, refusal),
    note,
  })
  return {
    made,
    price,
    about,
    headers(url, refusal) {
      const answer = answered(url, refusal)
      const headers = { ...own }
      for (const { header } of challenges) {
        const written = header?.(answer)
        if (written) headers[written[0]] = written[1]
      }
      return headers
    },
    body(url, refusal, note) {
      const answer = answered(url, refusal, note)
      for (const { body } of challenges) if (body) return body(answer)
      return JSON.stringify({ error: wire(refusal.reason).code })
    },
  }
}

/**
 * All that a site offers for the preferred network, in the order of the decision's schemes; then the same for the next
 * network. What belongs to no network of the site, such as credit, stands with the first: a client of channels takes the
 * first `batch-settlement` offer, and on credit it could not pay.
 */
function inOrder({ networks }: Policy, { schemes }: Decision, offerers: Offerers) {
  const rank = (network: string) =>
    Math.max(
      0,
      networks.findIndex(({ id }) => id === network),
    )
  return schemes
    .flatMap((scheme) => (offerers[scheme] ?? []).map((offerer) => ({ scheme, offerer })))
    .toSorted((a, b) => rank(a.offerer.network) - rank(b.offerer.network))
}

/** The most offers that are stored. Beyond it the first one is dropped: it is written again when it is asked for. */
export const MAX_OFFERS = 1_000

/** Makes the offers of each price and choice of schemes once. */
export function storedOffers(policy: Policy, offerers: Offerers): (decision: Decision) => Offers {
  const stored = new Map<string, Offers>()
  // The decisions of rules without factors are the same objects each time.
  const ofRules = new WeakMap<Decision, Offers>()
  return (decision) => {
    const made = ofRules.get(decision) ?? find(decision)
    ofRules.set(decision, made)
    return made
  }

  function find(decision: Decision): Offers {
    const key = `${decision.price} ${decision.schemes.join()}`
    const known = stored.get(key)
    if (known) return known
    const [first] = stored.keys()
    if (stored.size >= MAX_OFFERS && first !== undefined) stored.delete(first)
    const made = offersOf(policy, decision, offerers)
    stored.set(key, made)
    return made
  }
}

/** A decision with the schemes that are still offered after a refusal, where any is left. */
export function offeredAfter(decision: Decision, { reason }: Refusal): Decision {
  const schemes = decision.schemes.filter((name) => SCHEMES[name].offeredAfter(reason))
  return schemes.length === decision.schemes.length || schemes.length === 0
    ? decision
    : { ...decision, schemes }
}

/** A corrective 402 makes one offer alone, with the account's state in it; null where the refusal corrects nothing. */
function corrected(made: Offers['made'], { terms, network }: Refusal): PaymentRequirements[] | null {
  if (!terms) return null
  for (const { scheme, terms: offer } of made) {
    const { correct } = SCHEMES[scheme]
    if (correct && offer.network === network) return [correct(offer, terms)]
  }
  return null
}
