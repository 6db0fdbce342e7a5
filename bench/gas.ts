/** Measures the gas of `claim` per channel, for a hundred channels in one transaction. */
import { encodeClaim } from '../src/chain/escrow.ts'
import type { Hex } from '../src/protocol/evm/hex.ts'
import { channelFor, type Offered, voucherOver } from './payments.ts'
import { deposit, payerOf, type Stage, send } from './stage.ts'

const CHANNELS = 100

/** Gas per channel of the same function, `claim`, with a hundred rows on the canonical contract. */
export const CANONICAL_GAS = 21_956

export async function gasPerChannel(stage: Stage, offered: Offered): Promise<number> {
  const price = BigInt(offered.offer.amount)
  const channels = Array.from({ length: CHANNELS }, (_, index) =>
    channelFor(offered.offer, payerOf(stage, 2), 1_000 + index),
  )
  for (const channel of channels) await deposit(stage, offered, channel, price)
  const claims = channels.map((channel) => ({
    channel: channel.config,
    maxClaimableAmount: price,
    signature: voucherOver(offered.offer, channel, price).signature as Hex,
    totalClaimed: price,
  }))
  return Number(await send(stage, stage.relayer, encodeClaim(claims))) / CHANNELS
}
