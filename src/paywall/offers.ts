/** The 402: what is offered, for the machines of x402 v2 (header) and v1 (body), written once and filled in per request. */

import { type Reason, type Refusal, wire } from '../protocol/refusal.ts'
import { encodeHeader, encodeText } from '../protocol/x402/header.ts'
import type { PaymentRequirements, ResourceInfo } from '../protocol/x402/types.ts'
import { paymentRequiredV1 } from '../protocol/x402/v1.ts'
import type { Payment } from '../protocol/x402/v2.ts'
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
  /** What is sold: the site, or one invoice. */
  about: { serviceName?: string; description?: string }
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
  const about: Offers['about'] = {
    ...(policy.description !== undefined && { description: policy.description }),
    ...(policy.name !== undefined && { serviceName: policy.name }),
  }
  const extensions = Object.assign({}, ...schemes.map((name) => offerers[name]?.extensions))
  const rest = Object.keys(extensions).length > 0 ? { extensions } : {}
  // The unpaid answer is most of all traffic, so what is the same in every one of them is written once.
  const plain = wire('payment_required')
  const header = form((url) => ({
    x402Version: 2,
    error: plain.code,
    resource: { url, ...about },
    accepts,
    ...rest,
  }))
  const body = form((url) => bodyOf('payment_required', { url, ...about }, accepts))
  const room = LONGEST_JSON - new TextEncoder().encode(header('')).length
  const named = (url: string) => fitting(url, room)
  return {
    made,
    price,
    about,
    headers: Object.assign({}, ...schemes.map((name) => offerers[name]?.headers?.(price))),
    header(url, refusal) {
      if (refusal.reason === 'payment_required') return encodeText(header(named(url)))
      const { code } = wire(refusal.reason)
      return encodeHeader({
        x402Version: 2,
        error: code,
        resource: { url: named(url), ...about },
        accepts: corrected(made, refusal),
        ...(!refusal.terms && rest),
      })
    },
    body(url, { reason }) {
      if (reason === 'payment_required') return body(named(url))
      return JSON.stringify(bodyOf(reason, { url: named(url), ...about }, accepts))
    },
  }
}

function bodyOf(reason: Reason, resource: ResourceInfo, accepts: PaymentRequirements[]) {
  const { code, sentence } = wire(reason)
  return { ...paymentRequiredV1(code, resource, accepts), message: sentence }
}

/** JSON with one text left open: written once, and filled in for each request. */
function form(value: (open: string) => unknown): (text: string) => string {
  const open = crypto.randomUUID()
  const parts = JSON.stringify(value(open)).split(JSON.stringify(open))
  return (text) => parts.join(JSON.stringify(text))
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
