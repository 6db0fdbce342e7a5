/** The 402: what is offered, for the machines of x402 v2 (header) and v1 (body), written once and filled in per request. */
import { encodeHeader } from '../protocol/codec.ts'
import { type Refusal, wire } from '../protocol/refusal.ts'
import { type PaymentRequiredV1, paymentRequiredV1 } from '../protocol/v1.ts'
import type { Payment, PaymentRequirements, ResourceInfo } from '../protocol/x402.ts'
import type { Scheme } from '../schemes/scheme.ts'
import type { Decision, Policy, SchemeName } from './policy.ts'

/** What of a scheme a 402 is made of. */
export type Offerers = Partial<
  Record<SchemeName, Pick<Scheme<Payment, unknown>, 'offer' | 'extensions' | 'headers'>>
>

/** One decision's offers, ready to be filled in with the URL. */
export type Offers = {
  /** In the order in which they are made. */
  made: ReadonlyMap<SchemeName, PaymentRequirements>
  price: bigint
  /** What the schemes say in headers of their own. */
  headers: Record<string, string>
  /** The value of `PAYMENT-REQUIRED`. */
  header(url: string, refusal: Refusal): string
  /** The JSON body. */
  body(url: string, refusal: Refusal): string
}

/** A longer URL loses its query, then its path: the header must stay below the 2 KB that intermediaries let through. */
const LONGEST_URL = 400
/** Bytes of JSON that make 2 KB of base64, less the longest error that may stand in place of the plain one. */
const LONGEST_JSON = 1536 - 64

export function offersOf(policy: Policy, decision: Decision, offerers: Offerers): Offers {
  const { price, schemes } = decision
  const made = new Map<SchemeName, PaymentRequirements>()
  for (const name of schemes) {
    const offer = offerers[name]?.offer(price)
    if (offer) made.set(name, offer)
  }
  const accepts = [...made.values()]
  const about: Omit<ResourceInfo, 'url'> = {
    ...(policy.description !== undefined && { description: policy.description }),
    ...(policy.name !== undefined && { serviceName: policy.name }),
  }
  const extensions = Object.assign({}, ...schemes.map((name) => offerers[name]?.extensions))
  const rest = Object.keys(extensions).length > 0 ? { extensions } : {}
  const plain = {
    before: '{"x402Version":2,"error":"Payment required","resource":',
    after: `,${JSON.stringify({ accepts, ...rest }).slice(1)}`,
  }
  const taken = new TextEncoder().encode(plain.before + plain.after + JSON.stringify(about)).length
  const named = (url: string) => fitting(url, LONGEST_JSON - taken)
  return {
    made,
    price,
    headers: Object.assign({}, ...schemes.map((name) => offerers[name]?.headers?.(price))),
    header(url, refusal) {
      const resource = { url: named(url), ...about }
      // The unpaid answer is most of all traffic, so its constant parts are not written anew.
      if (refusal.reason === 'payment_required')
        return ascii(plain.before + JSON.stringify(resource) + plain.after)
      const { code } = wire(refusal.reason)
      return encodeHeader({
        x402Version: 2,
        error: code,
        resource,
        accepts: corrected(made, refusal),
        ...(!refusal.terms && rest),
      })
    },
    body(url, refusal) {
      const { code, sentence } = wire(refusal.reason)
      const v1: PaymentRequiredV1 = paymentRequiredV1(code, { url: named(url), ...about }, accepts)
      return JSON.stringify({ ...v1, message: sentence })
    },
  }
}

/**
 * A corrective 402 makes the channel offer alone: clients take the first `batch-settlement` entry and read the account's state
 * from its `extra` (x402 batch-settlement §Recovery After State Loss).
 */
function corrected(made: Offers['made'], { terms }: Refusal): PaymentRequirements[] {
  const channel = made.get('channel')
  if (!terms || !channel) return [...made.values()]
  return [{ ...channel, extra: { ...channel.extra, ...terms } }]
}

function fitting(url: string, room: number): string {
  const longest = room < LONGEST_URL ? room : LONGEST_URL
  if (url.length <= longest) return url
  const { origin, pathname } = new URL(url)
  return origin.length + pathname.length <= longest ? origin + pathname : `${origin}/`
}

/** Base64 of text that is ASCII, as canonical URLs are; other text takes the long way. */
function ascii(json: string): string {
  return /^[\0-\x7f]*$/.test(json) ? btoa(json) : encodeHeader(JSON.parse(json))
}
