/** The state of a channel account after its state on chain was read. Pure. */
import type { ChannelState } from '../../protocol/evm/channel.ts'
import { delivered, redeem } from '../totals.ts'
import type { Journal } from './journal.ts'
import type { Entry, Standing, Unresolved } from './types.ts'

/** How on-chain state is applied. */
export type Observing = {
  /** Whether a state of an older block counts too: the newer one was false. */
  anyBlock: boolean
  /** Has the highest voucher, and the last refund that was mined. */
  journal: Pick<Journal, 'voucher' | 'refund'>
  /** Entries that are not in the journal yet. */
  unwritten: readonly Entry[]
}

/**
 * Applies on-chain state: `totalClaimed` becomes `redeemed`, `balance` the ceiling, and a claim ends the quarantine. A refund that
 * the chain lacks again is unresolved again. Returns the new standing and the amount claimed since; null if nothing changes, or
 * for an older block.
 */
export function observe(
  known: Standing,
  state: ChannelState,
  observing: Observing,
): { standing: Standing; claimed: bigint } | null {
  if (state.block < known.state.block && !observing.anyBlock) return null
  const standing = state.totalClaimed < known.redeemed ? promised(known, observing) : known
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
  const unresolved = known.unresolved ?? undone(known, state, observing)
  return { standing: { ...standing, ...totals, signature, state, quarantine, unresolved }, claimed }
}

/** Whether the chain's state still lacks a refund that a reorganization has undone. */
export function lacksRefund({ refundNonce }: Unresolved, state: ChannelState | null): boolean {
  return state !== null && refundNonce !== undefined && state.refundNonce < BigInt(refundNonce)
}

/**
 * The refund that a reorganization has undone, or null. Threat: the relayer sends it again. Until then the balance on chain
 * includes what is about to leave, and a voucher over it may never be claimed.
 *
 * Trade-off: none is named while another transaction of ours is open. The relayer's nonces put that one after the refund.
 */
function undone(
  { state: known }: Standing,
  { refundNonce }: ChannelState,
  { journal, unwritten }: Observing,
): Unresolved | null {
  if (refundNonce >= known.refundNonce) return null
  const last =
    unwritten.findLast(({ kind, transaction }) => kind === 'refund' && transaction) ?? journal.refund()
  return last
    ? { kind: 'refund', id: last.id, since: last.at, refundNonce: known.refundNonce.toString() }
    : null
}

/**
 * Trap: a reorganization or a faulty node can take back a claim that we hold no signature for (`0x`). If
 * `authorized` stayed up, no lower voucher could replace `0x` and nothing could be claimed. Restore the
 * journal's highest voucher.
 */
function promised(standing: Standing, { journal }: Observing): Standing {
  if (standing.signature !== '0x') return standing
  const stored = journal.voucher()
  const least = delivered(standing)
  return stored && stored.max >= least
    ? { ...standing, authorized: stored.max, signature: stored.signature }
    : { ...standing, authorized: least }
}
