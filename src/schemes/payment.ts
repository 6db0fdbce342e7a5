/** A payment as a scheme reads it, and what is known of a scheme without its bindings. */
import type { GasUse } from '../chain/relayer/gas-money.ts'
import type { Network } from '../protocol/evm/network.ts'
import type { NamedPrice } from '../protocol/pay-per-crawl.ts'
import type { Reason, Refusal, Result } from '../protocol/refusal.ts'
import type { PaymentRequirements } from '../protocol/x402/types.ts'
import type { EnvelopeV1 } from '../protocol/x402/v1.ts'

/** The part of a payment that all schemes share. `accepted` is the offer as the payer echoes it; some dialects echo none. */
export type Payment = {
  scheme: string
  /** CAIP-2. */
  network: string
  accepted: Partial<PaymentRequirements> | null
  payload: object
}

/** How a person reads a scheme on the page of a 402: plain text; `code` is its name on the wire. */
export type Description = { title: string; text: string; code: string }

/** A var, secret or binding that a scheme cannot work without. `binding` is the class that a Durable Object binding must have. */
export type Need = { place: string; binding?: string }

/**
 * The part of a scheme that needs no bindings: the facts that policy, offers, dialects and config take from the list
 * (`schemes/index.ts`).
 */
export type SchemeKind<Kind extends Payment = Payment> = {
  /**
   * Reads a payment of x402 v2, decoded from JSON, if the offer that it accepts (`scheme`, `network` of the wire) is one of
   * this scheme; else undefined.
   */
  read(accepted: { scheme: string; network: string }, json: unknown): Result<Kind> | undefined
  /** The same for x402 v1. A scheme without it does not exist there. */
  readV1?(envelope: EnvelopeV1): Result<Kind> | undefined
  /** Reads a price that a request names in a header of its own (Pay Per Crawl), as a payment on `network`. */
  readNamedPrice?(price: NamedPrice, network: string): Kind
  /** The offer of a corrective 402, made alone: the account's state is in `terms`. */
  correct?(offer: PaymentRequirements, terms: NonNullable<Refusal['terms']>): PaymentRequirements
  /** Whether the scheme is still offered after a refusal. */
  offeredAfter(reason: Reason): boolean
  /** Whether the scheme can be offered on a network. Absent: on each. */
  standsOn?(network: Network): boolean
  /** `network` in CAIP-2. */
  describe(network: string): Description
  /** Whether a charge may be lowered once the origin has answered. */
  lowers: boolean
  /** Whether the pages of a payer are counted by the month, for prices that fall with them. */
  counts: boolean
  /** The vars, secrets and bindings that the scheme needs, given the names of those that are set. */
  needs(isSet: (place: string) => boolean): Need[]
  /** The transactions that payers make our relayer pay for, given the names of the settings that are set. */
  gas?(isSet: (place: string) => boolean): GasUse[]
  /** The scheme that must stand before this one in a list of offers: both share a name on the wire. */
  after?: string
}
