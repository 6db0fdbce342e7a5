/** Which commitments a line has charged lately, so that none is charged twice. */
import { REPLAY_WINDOW } from '../replay-window.ts'

/**
 * The last charge on a commitment: its entry, and how often the commitment had been charged and given back
 * before.
 */
export type NonceUse = { seq: number; attempt: number }

/**
 * Remembers each use for as long as its signature can be shown again (faults: C3), however many there are: a
 * signature is good for five minutes, its body may take two more (paywall/gate.ts), and {@link REPLAY_WINDOW}
 * leaves three for clocks that differ. What the disk would say of them is what it was told: an index over
 * them would cost each charge a second row, at a place of its own in the file.
 */
export class Used {
  #young = new Map<string, NonceUse>()
  #old = new Map<string, NonceUse>()
  #since = 0

  /**
   * Of two uses of the same, the later counts. `at` in Unix milliseconds, never before that of an earlier
   * call.
   */
  note(once: string, use: NonceUse, at: number): void {
    if (at >= this.#since + REPLAY_WINDOW) {
      this.#old = this.#young
      this.#young = new Map()
      this.#since = at
    }
    this.#young.set(once, use)
  }

  find(once: string): NonceUse | undefined {
    return this.#young.get(once) ?? this.#old.get(once)
  }
}
