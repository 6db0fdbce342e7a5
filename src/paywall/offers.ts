/** The offers of a 402: made from our own policy, written once for each decision, filled in for each request. */
import { type Refusal, wire } from '../protocol/refusal.ts'
import type { PaymentRequirements } from '../protocol/x402/types.ts'
import { SCHEMES, type SchemeName, type Schemes } from '../schemes/index.ts'
import { DIALECTS } from './dialects/index.ts'
import type { Decision, Policy } from './policy.ts'

/** The part of a scheme that a 402 is made of. */
export type Offerers = {
  [Name in SchemeName]?: Pick<NonNullable<Schemes[Name]>, 'offer' | 'extensions' | 'headers'>
}

/** One decision's offers, ready to be filled in with the URL. */
export type Offers = {
  /** In the order in which they are made. */
  made: ReadonlyMap<SchemeName, PaymentRequirements>
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
  const { price, schemes } = decision
  const made = new Map<SchemeName, PaymentRequirements>()
  for (const name of schemes) {
    const offer = offerers[name]?.offer(price)
    if (offer) made.set(name, offer)
  }
  const about: Offers['about'] = {
    ...(policy.description !== undefined && { description: policy.description }),
    ...(policy.name !== undefined && { serviceName: policy.name }),
  }
  const extensions = Object.assign({}, ...schemes.map((name) => offerers[name]?.extensions))
  const own = schemes.flatMap((name) => Object.entries(offerers[name]?.headers?.(price) ?? {}))
  const accepts = [...made.values()]
  const challenges = DIALECTS.flatMap((dialect) => dialect.challenge?.({ accepts, about, extensions }) ?? [])
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
function corrected(made: Offers['made'], { terms }: Refusal): PaymentRequirements[] | null {
  if (!terms) return null
  for (const [name, offer] of made) {
    const correct = SCHEMES[name].correct
    if (correct) return [correct(offer, terms)]
  }
  return null
}
