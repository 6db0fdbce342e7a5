/** The shape of a wire dialect: how a request pays, and how the answer says it. */
import type { Reason, Result } from '../../protocol/refusal.ts'
import type { PaymentRequirements, ResourceInfo, SettleResponse } from '../../protocol/x402/types.ts'
import type { SchemeName } from '../../schemes/index.ts'
import type { Payment } from '../../schemes/payment.ts'

/** A payment with the name of the scheme that read it. */
export type Paid = { scheme: SchemeName; payment: Payment }

/** One offer, and the name of the scheme that makes it. */
export type Offer = { scheme: SchemeName; terms: PaymentRequirements }

/** One policy decision's offers, as every 402 for it makes them. */
export type Challenged = {
  /** In the order in which they are offered. */
  accepts: PaymentRequirements[]
  /** How many at the end are for further networks than the preferred one. A header has room for a few offers only. */
  further: number
  about: Omit<ResourceInfo, 'url'>
  extensions: Record<string, unknown>
}

/** One answer of 402: the resource, the reason, and the offers of this answer where they differ (a corrective 402). */
export type Answered = {
  url: string
  reason: Reason
  corrected: PaymentRequirements[] | null
  /** A sentence for the body beside the reason's own. Headers must stay below 2 KB and leave it out. */
  note: string | undefined
}

/** The parts of a 402 that one dialect writes. */
export type Challenge = {
  header?(answered: Answered): [name: string, value: string]
  body?(answered: Answered): string
}

/** One dialect. An ordered list of them is in `index.ts`. */
export type Dialect = {
  /** Whether a request pays in this dialect. */
  pays(headers: Headers): boolean
  /** Reads the payment: its shape only. `offers` are those of the decision. */
  read(headers: Headers, offers: readonly Offer[]): Result<Paid>
  /** Prepares the 402 of one decision: it is written once and filled in for each request. */
  challenge?(challenged: Challenged): Challenge
  /** The header that carries a receipt. */
  receipt(receipt: SettleResponse): [name: string, value: string]
  /**
   * Whether a 402 with these offers can be paid in words of this dialect alone, so that its refusals speak them too. Absent
   * where refusals are plain HTTP.
   */
  offered?(offers: readonly Offer[]): boolean
  /** Status and headers of a refusal, where the dialect has words of its own for it. */
  refusal?(reason: Reason): { status: number; headers: Record<string, string> } | undefined
}

/**
 * JSON with one text left open: it is written once, and filled in for each request. The unpaid answer is most of all traffic.
 */
export function form(value: (open: string) => unknown): (text: string) => string {
  const open = crypto.randomUUID()
  const parts = JSON.stringify(value(open)).split(JSON.stringify(open))
  return (text) => parts.join(JSON.stringify(text))
}

/** A longer URL loses its query, then its path: headers must stay below the 2 KB that intermediaries let through. */
const MAX_URL = 400

/** The URL, cut to at most `room` characters, and never above 400. */
export function fitting(url: string, room = MAX_URL): string {
  const longest = room < MAX_URL ? room : MAX_URL
  if (url.length <= longest) return url
  const { origin, pathname } = new URL(url)
  return origin.length + pathname.length <= longest ? origin + pathname : `${origin}/`
}
