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
type Offerer = Pick<Scheme<Payment, unknown>, 'network' | 'offer' | 'extensions' | 'headers' | 'isWithheld'>

/** The schemes of each name that make offers, one for each network. */
export type Offerers = { [Name in SchemeName]?: readonly Offerer[] }

/** One decision's offers, ready to be filled in with the URL. */
export type Offers = {
  /** In the order in which they are made: by network, then by scheme. */
  made: readonly Offer[]
  price: bigint
  /** Describes the site or the invoice being sold. */
  about: { serviceName?: string; description?: string }
  /** One 402: its headers, and its JSON body. `note` is one more sentence for people. */
  write(
    url: string,
    refusal: Refusal,
    note?: string,
  ): { headers: [name: string, value: string][]; body(): string }
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
  const own = offering.flatMap(({ offerer }) => Object.entries(offerer.headers?.(price) ?? {}))
  const accepts = made.map(({ terms }) => terms)
  const lastFirm = offering.findLastIndex(({ scheme, rank }) => rank === 0 || SCHEMES[scheme].after)
  const further = offering.length - 1 - lastFirm
  const challenges = DIALECTS.flatMap(
    (dialect) => dialect.challenge?.({ accepts, further, about, extensions }) ?? [],
  )
  const headersOf = challenges.flatMap(({ header }) => header ?? [])
  const [bodyOf] = challenges.flatMap(({ body }) => body ?? [])
  return {
    made,
    price,
    about,
    write(url, refusal, note) {
      const answered = { url, reason: refusal.reason, corrected: corrected(made, refusal), note }
      return {
        headers: [...own, ...headersOf.map((write) => write(answered))],
        body: () => bodyOf?.(answered) ?? JSON.stringify({ error: wire(refusal.reason).code }),
      }
    },
  }
}

/**
 * All that a site offers for the preferred network, in the order of the decision's schemes; then the same for the next
 * network. Credit belongs to no network. It stands with the first one that has channels: a client of channels takes the
 * first `batch-settlement` offer, and on credit it could not pay.
 */
function inOrder({ networks }: Policy, { schemes }: Decision, offerers: Offerers) {
  const rankIn = ({ network }: Offerer) => networks.findIndex(({ id }) => id === network)
  const rankOf = (scheme: SchemeName, offerer: Offerer) => {
    const own = rankIn(offerer)
    if (own >= 0) return own
    const before = schemes.find((name) => name === SCHEMES[scheme].after)
    const [first] = (before && offerers[before]) ?? []
    return first ? rankIn(first) : 0
  }
  return schemes
    .flatMap((scheme) =>
      (offerers[scheme] ?? []).map((offerer) => ({ scheme, offerer, rank: rankOf(scheme, offerer) })),
    )
    .toSorted((a, b) => a.rank - b.rank)
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

/**
 * The answer to a refusal: its offers are without schemes that would be refused again, and without those whose receiver a list
 * names. Where none is left, nothing can be paid now, and the refusal is another one.
 */
export function answerTo(
  refusal: Refusal,
  { decision, offers }: { decision: Decision; offers: Offers },
  policy: Policy,
  offerers: Offerers,
): { refusal: Refusal; offers: Offers } {
  const left = offeredAfter(decision, refusal)
  const isOpen = ({ isWithheld }: Offerer) => !isWithheld?.()
  if (left.schemes.every((name) => offerers[name]?.every(isOpen) ?? true))
    return { refusal, offers: left === decision ? offers : offersOf(policy, left, offerers) }
  const open = left.schemes.map((name) => [name, offerers[name]?.filter(isOpen) ?? []] as const)
  const rest = offersOf(policy, left, Object.fromEntries(open))
  const isRefused = rest.made.length === 0 && wire(refusal.reason).status === 402
  return { refusal: isRefused ? { reason: 'receiver_listed' } : refusal, offers: rest }
}

/** A decision with the schemes that are still offered after a refusal, where any is left. */
function offeredAfter(decision: Decision, { reason }: Refusal): Decision {
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
