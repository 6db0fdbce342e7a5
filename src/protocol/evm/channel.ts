/** The types of an escrowed channel, named as in the contract (x402 batch-settlement EVM §Channel creation). */
import type { Address, Hex } from './hex.ts'

/** Immutable; its EIP-712 hash is the channel's id. */
export type ChannelConfig = {
  payer: Address
  payerAuthorizer: Address
  receiver: Address
  receiverAuthorizer: Address
  token: Address
  /** Seconds between `initiateWithdraw` and `finalizeWithdraw`. */
  withdrawDelay: number
  salt: Hex
}

/** The payer's signed ceiling: the maximum total that may be claimed from the channel. Atomic units. */
export type Voucher = { channelId: Hex; maxClaimableAmount: bigint; signature: Hex }

/** One row of `claim(VoucherClaim[])`. */
export type Claim = {
  channel: ChannelConfig
  maxClaimableAmount: bigint
  signature: Hex
  totalClaimed: bigint
}

/** The state of a channel at a block. `balance` and `totalClaimed` only grow between refunds and withdrawals. */
export type ChannelState = {
  balance: bigint
  totalClaimed: bigint
  /** 0 when no withdrawal is pending. Unix seconds. */
  withdrawRequestedAt: number
  withdrawAmount: bigint
  refundNonce: bigint
  block: bigint
}
