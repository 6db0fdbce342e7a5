/** Who settles an `exact` payment: one interface, with a relayer of our own or a facilitator over HTTP behind it. */
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
  /** What a facilitator over HTTP is sent: the payment as it came, and the offer that it answers. */
  wire: { version: 1 | 2; payload: unknown; requirements: unknown }
}

/** What the chain knows a payment by. */
export type Transfer = Pick<SignedTransfer, 'token' | 'from' | 'to' | 'value' | 'validBefore' | 'nonce'>

/**
 * - `settled`: the transfer stands on the chain.
 * - `refused`: it does not, and nothing that we have begun can still make it.
 * - `unknown`: it may, or may come to. Ask again with the same id; a 402 would make the payer pay twice.
 */
export type Settled =
  | { status: 'settled'; transaction: Hex }
  | { status: 'refused'; reason: Reason; detail?: string }
  | { status: 'unknown' }

export type Facilitator = {
  /** Whether the payment would settle now. Moves nothing. */
  verify(payment: SignedTransfer): Promise<Result<null>>
  /** Moves the payment, once for an `id`, however often it is asked. A broken world is `unknown`. */
  settle(payment: SignedTransfer, id: string): Promise<Settled>
  /**
   * What became of {@link settle}. `refused` means that it may be settled now, under the same id: nothing of the earlier
   * attempt is still on its way.
   */
  lookup(payment: SignedTransfer, id: string): Promise<Settled>
}
