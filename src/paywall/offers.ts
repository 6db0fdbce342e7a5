/** The 402: what is offered, for the machines of x402 v2 (header) and v1 (body), written once and filled in per request. */
import { encodeHeader } from '../protocol/codec.ts'
import { type Refusal, wire } from '../protocol/refusal.ts'
import { type PaymentRequiredV1, paymentRequiredV1 } from '../protocol/v1.ts'
import { CHANNEL, type PaymentRequirements, type ResourceInfo } from '../protocol/x402.ts'
import type { Decision, Policy, SchemeName } from './policy.ts'

/** Makes an offer of one scheme at a price. */
export type Offerers = Partial<Record<SchemeName, (price: bigint) => PaymentRequirements>>

/** One decision's offers, ready to be filled in with the URL. */
export type Offers = {
  accepts: PaymentRequirements[]
  /** The value of `PAYMENT-REQUIRED`. */
  header(url: string, refusal: Refusal): string
  /** The JSON body. */
  body(url: string, refusal: Refusal): string
}

/** A longer URL loses its query, then its path: the header must stay below the 2 KB that intermediaries let through. */
const LONGEST_URL = 400

export function offersOf(policy: Policy, decision: Decision, offerers: Offerers): Offers {
  const accepts = decision.schemes.flatMap((name) => offerers[name]?.(decision.price) ?? [])
  const about: Omit<ResourceInfo, 'url'> = {
    ...(policy.description !== undefined && { description: policy.description }),
    ...(policy.name !== undefined && { serviceName: policy.name }),
  }
  const plain = { before: '{"x402Version":2,"error":"Payment required","resource":', after: '' }
  plain.after = `,"accepts":${JSON.stringify(accepts)}}`
  return {
    accepts,
    header(url, refusal) {
      const resource = { url: fitting(url), ...about }
      // The unpaid answer is most of all traffic, so its constant parts are not written anew.
      if (refusal.reason === 'payment_required')
        return ascii(plain.before + JSON.stringify(resource) + plain.after)
      const { code } = wire(refusal.reason)
      return encodeHeader({ x402Version: 2, error: code, resource, accepts: corrected(accepts, refusal) })
    },
    body(url, refusal) {
      const { code, sentence } = wire(refusal.reason)
      const v1: PaymentRequiredV1 = paymentRequiredV1(code, { url: fitting(url), ...about }, accepts)
      return JSON.stringify({ ...v1, message: sentence })
    },
  }
}

/**
 * A corrective 402 makes the channel offer alone: clients take the first `batch-settlement` entry and read the account's state
 * from its `extra` (x402 batch-settlement §Recovery After State Loss).
 */
function corrected(accepts: PaymentRequirements[], { terms }: Refusal): PaymentRequirements[] {
  if (!terms) return accepts
  return accepts
    .filter((offer) => offer.scheme === CHANNEL)
    .map((offer) => ({ ...offer, extra: { ...offer.extra, ...terms } }))
}

function fitting(url: string): string {
  if (url.length <= LONGEST_URL) return url
  const { origin, pathname } = new URL(url)
  return pathname.length <= LONGEST_URL ? origin + pathname : `${origin}/`
}

/** Base64 of text that is ASCII, as canonical URLs are; other text takes the long way. */
function ascii(json: string): string {
  return /^[\0-\x7f]*$/.test(json) ? btoa(json) : encodeHeader(JSON.parse(json))
}
