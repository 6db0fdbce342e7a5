/** The terms on which a site accepts channels. */

import type { Address } from '../../protocol/evm/hex.ts'
import type { Network } from '../../protocol/evm/network.ts'

/** One site's terms for channels. Amounts in atomic units. */
export type ChannelTerms = {
  network: Network
  receiver: Address
  /** Our relayer: it alone may claim and refund. */
  receiverAuthorizer: Address
  /** Seconds a payer's withdrawal takes: the time the watch has to claim first. */
  withdrawDelay: number
  /** Atomic units. */
  minDeposit: bigint
  /** Atomic units. A payer can withdraw less from the escrow contract itself. */
  minRefund: bigint
  /** The most that one channel may owe unclaimed. Atomic units. */
  maxUnclaimed: bigint
  maxTimeoutSeconds: number
}
