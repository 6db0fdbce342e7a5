/** The state of a channel account after its state on chain was read. Pure. */
import type { ChannelState } from '../../protocol/evm/channel.ts'
import { delivered, redeem } from '../totals.ts'
import type { Journal } from './journal.ts'
import type { DepositOrder, Entry, RefundOrder, Standing, Unresolved } from './types.ts'

/** How on-chain state is applied. */
export type Observing = {
  /** Whether a state of an older block counts too: the newer one was false. */
  anyBlock: boolean
  /** Has the highest voucher, and the last refund that was mined. */
  journal: Pick<Journal, 'voucher' | 'refund'>
  /** Entries that are not in the journal yet. */
  unwritten: readonly Entry[]
  /** Unix milliseconds. */
  now: number
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
  const unresolved = unresolvedBy(known, state, observing)
  const same =
    unresolved === known.unresolved &&
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
  return { standing: { ...standing, ...totals, signature, state, quarantine, unresolved }, claimed }
}

/** After this time a block is final, on Base after some 15 minutes: the relayer's answer then decides alone. */
const FINAL_MS = 1_200_000

/** A transaction of ours that begins now, in Unix milliseconds. */
export function unresolvedFrom(
  { kind, id }: DepositOrder | RefundOrder,
  { state }: Standing,
  now: number,
): Unresolved {
  const nonce = { refundNonce: (state.refundNonce + 1n).toString() }
  return { kind, id, since: now, ...(kind === 'refund' && nonce) }
}

/**
 * Whether the chain lacks a refund that the relayer calls mined: a reorganization has undone it, or will. Trap: a node may once
 * have named a nonce that the chain never had. So this ends with time.
 */
export function lacksRefund({ refundNonce, since }: Unresolved, state: ChannelState, now: number): boolean {
  return refundNonce !== undefined && state.refundNonce < BigInt(refundNonce) && now < since + FINAL_MS
}

/** The refund that was found undone while another transaction was open, if the chain still lacks it; null for none. */
export function unresolvedAfter({ behind }: Unresolved, state: ChannelState, now: number): Unresolved | null {
  return behind && lacksRefund(behind, state, now) ? behind : null
}

/**
 * The transaction that is unresolved after `state`: also the last refund, if the chain lacks it again. Threat: the relayer sends that
 * again. Until then the balance on chain includes what is about to leave, and a voucher over it may never be claimed.
 */
function unresolvedBy(known: Standing, state: ChannelState, observing: Observing): Unresolved | null {
  const { unresolved } = known
  const open = unresolved?.undone && (observing.anyBlock || isMined(unresolved, state)) ? null : unresolved
  // The operator has asked for this state because the one before it was false.
  if (state.refundNonce >= known.state.refundNonce || observing.anyBlock) return open
  const { journal, unwritten, now } = observing
  const last = unwritten.findLast(({ kind, transaction }) => kind === 'refund' && transaction)
  const id = last?.id ?? journal.refund()
  if (id === undefined) return open
  const refundNonce = known.state.refundNonce.toString()
  const undone: Unresolved = { kind: 'refund', id, since: now, refundNonce, undone: true }
  return open ? { ...open, behind: undone } : undone
}

const isMined = ({ refundNonce = '0' }: Unresolved, state: ChannelState) =>
  state.refundNonce >= BigInt(refundNonce)

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
