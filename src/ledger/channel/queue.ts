/**
 * The queue of one channel. An unmodified client that lost a race gets the new total once and retries once.
 * So the account corrects one client at a time, and the next only after the first has retried or its deadline
 * has passed.
 */
import type { Order } from './types.ts'

/** How long a voucher waits for the ones before it. */
export const QUEUE_TIMEOUT_MS = 400

/**
 * How long the queue keeps the turn for a corrected client, which reads its channel from the chain and signs
 * again. A second client corrected with the same total would lose its only retry. Only orders of the same
 * channel wait.
 */
export const RETRY_DEADLINE_MS = 1_000

/** How long orders wait for our own transaction on this channel before they get `channel_busy`. */
export const CHAIN_TIMEOUT_MS = 10_000

/** The most orders that may wait. Further ones get `channel_busy` at once. */
export const QUEUE_LIMIT = 128

/**
 * How an order's voucher compares with the account: exactly the next one, lower (`behind`) or higher
 * (`ahead`).
 */
export type Fit = 'follows' | 'behind' | 'ahead'

/**
 * The decision on an order: take it, correct the client with the totals, refuse it as busy, or let it wait.
 */
export type Verdict = 'take' | 'correct' | 'busy' | 'wait'

/** An order and when it arrived (`since`, Unix milliseconds). */
export type Waiting = { order: Order; since: number }

/** The turn kept for the client that was corrected last; `until` in Unix milliseconds. */
export type RetrySlot = { request: string; until: number } | null

/** Returns a name for what an order buys, to recognize the retry of a corrected client. */
export function purpose(order: Order): string {
  return order.kind === 'refund' ? 'refund' : order.request
}

/** Decides one order. Pure. `onChain`: our own transaction is pending. `now` in Unix milliseconds. */
export function judge(
  waiting: Waiting,
  fit: Fit,
  expected: RetrySlot,
  onChain: boolean,
  now: number,
): Verdict {
  const waitedMs = now - waiting.since
  if (onChain) return waitedMs >= CHAIN_TIMEOUT_MS ? 'busy' : 'wait'
  const isExpected = expected !== null && expected.request === purpose(waiting.order)
  const othersTurn = expected !== null && !isExpected && now < expected.until
  if (fit === 'follows') return othersTurn ? 'wait' : 'take'
  if (fit === 'ahead' && waitedMs < QUEUE_TIMEOUT_MS) return 'wait'
  return othersTurn ? 'wait' : 'correct'
}

/**
 * Whether a charge must wait for vouchers before it. Fast path: each charge scans the whole queue, so an order that must
 * wait costs one comparison. `charged` is undefined before the account is opened; `now` in Unix milliseconds.
 */
export function isEarly({ order, since }: Waiting, charged: bigint | undefined, now: number): boolean {
  if (order.kind !== 'charge' || charged === undefined || now - since >= QUEUE_TIMEOUT_MS) return false
  return order.max > charged + order.price
}

/** The orders of one channel that wait for their turn. */
export class OrderQueue<Decision> {
  readonly #decide: (waiting: Waiting) => Decision | undefined
  readonly #queued: (Waiting & { resolve: (decision: Decision) => void })[] = []
  #timer: ReturnType<typeof setTimeout> | null = null

  /** @param decide returns undefined for an order that must still wait */
  constructor(decide: (waiting: Waiting) => Decision | undefined) {
    this.#decide = decide
  }

  get isFull(): boolean {
    return this.#queued.length >= QUEUE_LIMIT
  }

  /** Resolves with the decision on an order, once it has its turn. */
  wait(waiting: Waiting): Promise<Decision> {
    return new Promise((resolve) => {
      this.#queued.push({ ...waiting, resolve })
      this.#arm()
    })
  }

  /** Decides the waiting orders again, oldest first, until all that remain must wait. */
  advance(): void {
    for (let at = 0; at < this.#queued.length; at++) {
      const queued = this.#queued[at]
      const decision = queued && this.#decide(queued)
      if (!decision) continue
      this.#queued.splice(at, 1)
      queued.resolve(decision)
      at = -1
    }
    this.#arm()
  }

  #arm(): void {
    if (this.#timer !== null || this.#queued.length === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.advance()
    }, QUEUE_TIMEOUT_MS / 8)
  }
}
