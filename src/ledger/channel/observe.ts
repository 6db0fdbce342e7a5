/** The state of a channel account after its state on chain was read. Pure. */
import type { ChannelState } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import { delivered, redeem } from '../totals.ts'
import type { Standing } from './types.ts'

/** How on-chain state is applied. */
export type Observing = {
  /** Whether a state of an older block counts too: the newer one was false. */
  anyBlock: boolean
  /** Reads the journal's highest voucher. */
  voucher(): { max: bigint; signature: Hex } | undefined
}

/**
 * Applies on-chain state: `totalClaimed` becomes `redeemed`, `balance` the ceiling, and a claim ends the quarantine. Returns the
 * new standing and the amount claimed since; null if nothing changes, or for an older block.
 */
export function observe(
  known: Standing,
  state: ChannelState,
  { anyBlock, voucher }: Observing,
): { standing: Standing; claimed: bigint } | null {
  if (state.block < known.state.block && !anyBlock) return null
  const standing = state.totalClaimed < known.redeemed ? promised(known, voucher) : known
  const totals = redeem(standing, state.totalClaimed)
  const same =
    state.block >= known.state.block &&
    totals.redeemed === standing.redeemed &&
    state.balance === standing.state.balance &&
    state.withdrawRequestedAt === standing.state.withdrawRequestedAt &&
    state.withdrawAmount === standing.state.withdrawAmount &&
    state.refundNonce === standing.state.refundNonce
  if (same) return null
  const claimed = totals.redeemed > standing.redeemed ? totals.redeemed - standing.redeemed : 0n
  // The chain claimed a higher voucher than any seen here. The stored signature belongs to a lower one.
  const signature = totals.authorized > standing.authorized ? '0x' : standing.signature
  // Any claim ends it: by a run that lost the answer, by a refund, or by somebody else.
  const quarantine = claimed > 0n ? null : standing.quarantine
  return { standing: { ...standing, ...totals, signature, state, quarantine }, claimed }
}

/**
 * Trap: a reorganization or a faulty node can take back a claim that we hold no signature for (`0x`). If
 * `authorized` stayed up, no lower voucher could replace `0x` and nothing could be claimed. Restore the
 * journal's highest voucher.
 */
function promised(standing: Standing, voucher: Observing['voucher']): Standing {
  if (standing.signature !== '0x') return standing
  const stored = voucher()
  const least = delivered(standing)
  return stored && stored.max >= least
    ? { ...standing, authorized: stored.max, signature: stored.signature }
    : { ...standing, authorized: least }
}
