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
 * - `settled`: the transfer is on the chain.
 * - `refused`: it is not, and no transaction of ours can still make it.
 * - `unknown`: it may be, now or later. Ask again with the same id. Trap: a 402 would make the payer pay twice.
 */
export type Settled =
  | { status: 'settled'; transaction: Hex }
  | { status: 'refused'; reason: Reason; detail?: string }
  | { status: 'unknown' }

/** Settles `exact` payments. No method throws for a chain or facilitator that fails. */
export type Facilitator = {
  /** Whether the payment would settle now. Moves nothing. */
  verify(payment: SignedTransfer): Promise<Result<null>>
  /** Moves the payment, once per `id` for any number of calls. Returns `unknown` when the chain fails. */
  settle(payment: SignedTransfer, id: string): Promise<Settled>
  /**
   * The outcome of an earlier {@link settle}. After `refused`, the payment may be settled again with the same id: nothing
   * of the earlier attempt is pending.
   */
  lookup(payment: SignedTransfer, id: string): Promise<Settled>
}
