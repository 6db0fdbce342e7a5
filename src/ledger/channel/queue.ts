/**
 * Whose turn it is on one channel. An unmodified client that lost a race is told the new total once and tries once more, so
 * the account tells them one at a time: the next is told only after the one before has come back or has had its time.
 */
import type { Order } from './types.ts'

/** How long a voucher waits for the ones that come before it. Milliseconds. */
export const PATIENCE = 400

/**
 * How long a corrected payer is waited for: it reads its channel from the chain and signs before it comes back, and who is
 * told the same total meanwhile is lost, since a client tries only once more. Only its own other requests wait. Milliseconds.
 */
export const RETURN = 1_000

/** How long orders wait for a transaction of ours on this channel before they are told that it is busy. Milliseconds. */
export const CHAIN_PATIENCE = 10_000

/** More waiting orders than this are refused at once. */
export const QUEUE = 128

/** What an order is to the account now: it follows, it is behind the total, or it is ahead of it. */
export type Fit = 'follows' | 'behind' | 'ahead'

/** What to do with an order: take it, say no with the account's totals, say that the channel is busy, or let it wait. */
export type Verdict = 'take' | 'correct' | 'busy' | 'wait'

export type Waiting = { order: Order; since: number }

/** Who was told the total last and is expected back. */
export type Expected = { request: string; until: number } | null

/** Names what an order is for, to know a corrected payer when it comes back. */
export function purpose(order: Order): string {
  return order.kind === 'refund' ? 'refund' : order.request
}

/** Decides one order. Pure: `now` and all state are passed in. */
export function judge(
  waiting: Waiting,
  fit: Fit,
  expected: Expected,
  onChain: boolean,
  now: number,
): Verdict {
  const waited = now - waiting.since
  if (onChain) return waited >= CHAIN_PATIENCE ? 'busy' : 'wait'
  const isExpected = expected !== null && expected.request === purpose(waiting.order)
  const othersTurn = expected !== null && !isExpected && now < expected.until
  if (fit === 'follows') return othersTurn ? 'wait' : 'take'
  if (fit === 'ahead' && waited < PATIENCE) return 'wait'
  return othersTurn ? 'wait' : 'correct'
}
