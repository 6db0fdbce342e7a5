/** Recently charged commitments of a credit line, so that none is charged twice. */
import { REPLAY_WINDOW } from '../replay-window.ts'

/**
 * The last charge of a commitment: its entry, and how often the commitment was charged and released before.
 */
export type NonceUse = { seq: number; attempt: number }

/**
 * Holds every use until its signature cannot be accepted again (faults: C3). A signature is valid for five
 * minutes and its body may take two more (paywall/gate.ts). {@link REPLAY_WINDOW} leaves three for clock
 * skew.
 *
 * Trade-off: not indexed in SQLite, because an index would double the rows written per charge.
 */
export class Used {
  #young = new Map<string, NonceUse>()
  #old = new Map<string, NonceUse>()
  #since = 0

  /**
   * Stores a use, over an earlier one of the same nonce. `at` in Unix milliseconds, never lower than before.
   */
  note(once: string, use: NonceUse, at: number): void {
    if (at >= this.#since + REPLAY_WINDOW) {
      this.#old = this.#young
      this.#young = new Map()
      this.#since = at
    }
    this.#young.set(once, use)
  }

  /** Returns the last use of a nonce, or undefined. */
  find(once: string): NonceUse | undefined {
    return this.#young.get(once) ?? this.#old.get(once)
  }
}
