/** The shape that every way to promise payment has: offer it, verify it, charge it. */

import type { Read } from '../identity/verify.ts'
import type { StoredAnswer } from '../ledger/stored-answers.ts'
import { log } from '../platform/log.ts'
import { retryOnce } from '../platform/retry.ts'
import type { Result } from '../protocol/refusal.ts'
import type { PaymentRequirements, SettleResponse } from '../protocol/x402/types.ts'
import type { Payment } from './payment.ts'

/** One purchase: the request and its price. */
export type Purchase = {
  /** Names the request; repeats of one call carry it again. */
  id: string
  /** Atomic units. */
  price: bigint
  /** Method, URL and digest of the body: what the payment is bound to. */
  request: string
  url: string
  /** The line of the policy that set the price. */
  rule: string
  /** The site that sells: its id, or the host without a registry of sites. Null where no site sells: an invoice is paid. */
  site: string | null
  /** The version of the site's policy; 0 without a registry. */
  policy: number
  /** The asker, as `whoOf` in `identity/who.ts` writes it. */
  who: string | null
  /**
   * Whether the origin may change something for this request (any method but `GET` and `HEAD`). One payment carries it out
   * once: {@link Scheme.charge} makes the payment certain first, and its replays get the stored answer.
   */
  hasEffects?: boolean
  /** Lower prices from a number of pages in a month on, for schemes that count them. Ascending. */
  steps?: readonly { from: number; price: bigint }[]
  /** Requests that the payer may have paid for already. If one of them is open, nothing is charged. */
  opened?: readonly string[]
  /** How long this purchase keeps its request open, in milliseconds. */
  openMs?: number
}

/** A request as it was sent. Its body is read at the first call: an invalid payment costs no memory. */
export type SentRequest = {
  request: Request
  read: Read
  /**
   * The price for the host of a signer, in atomic units; a refusal where nothing is sold to it, undefined where the offer's price holds. A scheme that verifies a
   * signature must ask for it: the price of the offer follows from what the client claims to be.
   */
  priceFor?: (signer: string) => Result<bigint> | undefined
}

/** A charge that is durable, and what may still become of it. */
export type Charge = {
  /** The answer that this payment has already bought, for a method with effects. The origin must not be asked again. */
  answer?: StoredAnswer
  /**
   * Lowers the charge before it is final: the origin asks for less on its answer. Atomic units, below the price. Absent where
   * the amount cannot change.
   */
  lower?(price: bigint): Promise<void>
  /**
   * Makes the payment final, after the origin has answered well and before its first byte leaves. For a method with effects
   * it stores the answer; null where that is too large, so that the delivery alone is recorded.
   */
  settle(answer?: StoredAnswer | null): Promise<Result<SettleResponse>>
  /**
   * Takes the charge back: nothing was delivered. Money that has moved stays: then it returns the receipt, and the same
   * payment opens the same request again.
   */
  release(): Promise<SettleResponse | null>
}

/**
 * How a charge meets its delivery. `prompt`: the origin may be asked at the same time. `slow`: the charge takes seconds and
 * comes first. `management`: the payment buys nothing, and a receipt answers it.
 */
export type Pace = 'prompt' | 'slow' | 'management'

/**
 * One way to promise payment, with its bindings. `Proof` is the result of verifying a payment.
 *
 * Methods are bivariant on purpose: the gate holds schemes of any kind and passes each only its own payments and proofs.
 */
export type Scheme<Kind extends Payment, Proof = Kind> = {
  /** CAIP-2. It takes payments on this network alone. */
  network: string
  /** An entry of `accepts`, ready to be written. It depends on our own terms and the price alone. */
  offer(price: bigint): PaymentRequirements
  /** Whether it must not be offered now, because a list names the receiver. Asks nothing. Absent: it never is. */
  isWithheld?(): boolean
  /** Parts of a 402 beside this offer: `extensions`, and headers of other protocols. */
  extensions?: Record<string, unknown>
  headers?(price: bigint): Record<string, string>
  /** Whether a payment answers an offer that was made afresh. */
  answers(payment: Kind, offer: PaymentRequirements): boolean
  /** Whether the payment promises this price. It then pays this one of all prices that are valid. */
  promises(payment: Kind, price: bigint): boolean
  /**
   * Whether the payment is what it must be, and signed by its payer. Writes nothing. `now` in Unix seconds. `exact` leaves price
   * and time to {@link charge}: an authorization reserved in time is replayed from its record, whatever has changed since.
   */
  verify(payment: Kind, price: bigint, now: number, sent: SentRequest): Result<Proof> | Promise<Result<Proof>>
  /** How the charge of this proof meets its delivery; `prompt` where it is absent. */
  pace?(proof: Proof): Pace
  /** The account that a proof charges, unique within the scheme. */
  account(proof: Proof): string
  /** Charges a verified payment, durably. */
  charge(proof: Proof, purchase: Purchase): Promise<Result<Charge>>
}

/**
 * Whether the payer echoed an offer of ours: every field equal, `extra` with at least our own words (clients may add theirs).
 * Addresses are compared without case, since Python clients checksum them anew.
 */
export function matches(accepted: PaymentRequirements, offer: PaymentRequirements): boolean {
  return (
    accepted.scheme === offer.scheme &&
    accepted.network === offer.network &&
    accepted.amount === offer.amount &&
    accepted.maxTimeoutSeconds === offer.maxTimeoutSeconds &&
    same(accepted.asset, offer.asset) &&
    same(accepted.payTo, offer.payTo) &&
    Object.entries(offer.extra).every(([key, value]) => same(accepted.extra[key], value))
  )
}

function same(echoed: unknown, offered: unknown): boolean {
  if (typeof echoed === 'string' && typeof offered === 'string') {
    return echoed === offered || (echoed.startsWith('0x') && echoed.toLowerCase() === offered.toLowerCase())
  }
  return echoed === offered
}

/**
 * Stores the answer of a method with effects. If that fails, the answer still leaves: the payment is certain, and the origin
 * has done its work. Replays are then refused, since the account does not know the answer.
 */
export async function store(call: () => Promise<void>): Promise<void> {
  try {
    await retryOnce(call)
  } catch (fault) {
    log('answer_not_stored', { fault })
  }
}
