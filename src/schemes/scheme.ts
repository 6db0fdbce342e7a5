/** The shape that every way to promise payment has: offer it, verify it, charge it. */

import type { Result } from '../protocol/refusal.ts'
import type { Payment, PaymentRequirements, SettleResponse } from '../protocol/x402.ts'

/** What is bought. */
export type Purchase = {
  /** Names the request; repeats of one call carry it again. */
  id: string
  /** Atomic units. */
  price: bigint
  /** Method, URL and digest of the body: what the payment is bound to. */
  request: string
  url: string
}

/** A charge that is durable, and what may still become of it. */
export type Charge = {
  /** Makes the payment final, after the origin has answered well and before its first byte leaves. */
  settle(): Promise<Result<SettleResponse>>
  /** Takes the charge back: nothing was delivered. */
  release(): Promise<void>
}

/** One way to promise payment. */
export type Scheme<Kind extends Payment> = {
  /** An entry of `accepts`, ready to be written. It depends on our own terms and the price alone. */
  offer(price: bigint): PaymentRequirements
  /** Everything that needs no I/O, with the contract's own verdict on signatures. `now` in Unix seconds. */
  verify(payment: Kind, price: bigint, now: number): Result<Kind['payload']>
  /** Charges a verified payment, durably. */
  charge(payment: Kind, purchase: Purchase): Promise<Result<Charge>>
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
