/** The interface that settles `exact` payments, through our own relayer or a facilitator over HTTP. */
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import type { Reason, Result } from '../../protocol/refusal.ts'

/** A payer's signed EIP-3009 transfer. Its signature has been verified; addresses are in lower case. */
export type SignedTransfer = {
  /** CAIP-2. */
  network: string
  token: Address
  from: Address
  to: Address
  /** Atomic units. */
  value: bigint
  /** Unix seconds. */
  validAfter: bigint
  validBefore: bigint
  nonce: Hex
  signature: Hex
  /** The content for a facilitator over HTTP: the payment as received, and its offer. */
  wire: { version: 1 | 2; payload: unknown; requirements: unknown }
}

/** The part of a payment that the chain shows. */
export type Transfer = Pick<SignedTransfer, 'token' | 'from' | 'to' | 'value' | 'validBefore' | 'nonce'>

/**
 * The state of a settlement.
 * - `settled`: the transfer is on the chain, from any sender.
 * - `refused`: it is not, for a reason that the payer can act on. `isFinal`: no block can contain it any more, because the
 *   authorization lapsed unused, or was used for something else, in a final block. Otherwise somebody who has the signature
 *   may still submit it, so keep looking.
 * - `unknown`: it may be, now or later. Ask again with the same id. Trap: a 402 would make the payer pay twice. `detail`: why
 *   waiting alone will not help.
 */
export type Settled =
  | { status: 'settled'; transaction: Hex }
  | { status: 'refused'; reason: Reason; isFinal: boolean; detail?: string }
  | { status: 'unknown'; detail?: string }

/** Settles `exact` payments. No method throws for a chain or facilitator that fails. */
export type Facilitator = {
  /** Whether the payment would settle now. Moves nothing. */
  verify(payment: SignedTransfer): Promise<Result<null>>
  /** Moves the payment, once per `id` for any number of calls. Returns `unknown` when the chain fails. */
  settle(payment: SignedTransfer, id: string): Promise<Settled>
  /**
   * The outcome of an earlier {@link settle}. After `refused` that is not final, the payment may be settled again with the
   * same id: nothing of the earlier attempt is pending. A facilitator over HTTP may settle it now.
   */
  lookup(payment: SignedTransfer, id: string): Promise<Settled>
  /** The outcome that the chain shows. Moves nothing, and asks no facilitator. */
  find(payment: Transfer, id: string): Promise<Settled>
}
