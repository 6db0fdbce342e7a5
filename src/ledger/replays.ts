/** Which vouchers were used for what lately: the same voucher opens the same resource again for free, for a while. */
import type { Journal } from './journal.ts'
import type { Entry } from './standing.ts'

/** How long a voucher opens again what it paid for. Milliseconds. */
export const REPLAY_WINDOW = 600_000

const MOST = 10_000

/** A voucher and what it was used for. */
type Proof = { max: bigint | null; request: string | null }

type Use = { entry: Entry; deliveries: Set<string> }

export class Replays {
  readonly #byProof = new Map<string, Use>()
  readonly #bySeq = new Map<number, Use>()

  /** Recalls the window from the journal, as after an eviction. */
  static from(journal: Journal, now: number): Replays {
    const replays = new Replays()
    for (const entry of journal.recent(now - REPLAY_WINDOW, MOST)) {
      if (entry.kind === 'charge') replays.add(entry)
      if (entry.of === null) continue
      if (entry.kind === 'replay') replays.use(entry.of, entry.id)
      if (entry.kind === 'release') replays.#forget(entry.of)
    }
    return replays
  }

  add(entry: Entry): void {
    const use: Use = { entry, deliveries: new Set([entry.id]) }
    this.#byProof.set(proofOf(entry), use)
    this.#bySeq.set(entry.seq, use)
    for (const [seq, oldest] of this.#bySeq) {
      if (this.#bySeq.size <= MOST && oldest.entry.at > entry.at - REPLAY_WINDOW) break
      this.#forget(seq)
    }
  }

  /** The charge that this voucher already made for this request, if it is young enough. */
  match(order: Proof, now: number): Entry | undefined {
    const entry = this.#byProof.get(proofOf(order))?.entry
    return entry && entry.at > now - REPLAY_WINDOW ? entry : undefined
  }

  find(seq: number): Entry | undefined {
    return this.#bySeq.get(seq)?.entry
  }

  /** Another delivery hangs on this charge. */
  use(seq: number, id: string): void {
    this.#bySeq.get(seq)?.deliveries.add(id)
  }

  /**
   * A delivery failed. True when it was the last one, so that the charge is to be released. Without this count a payer could
   * have one of two deliveries refused by the origin (with `If-None-Match`, say) and keep the other for nothing.
   */
  drop(seq: number, id: string): boolean {
    const use = this.#bySeq.get(seq)
    if (!use) return true
    if (!use.deliveries.delete(id) || use.deliveries.size > 0) return false
    this.#forget(seq)
    return true
  }

  #forget(seq: number): void {
    const use = this.#bySeq.get(seq)
    if (!use) return
    this.#bySeq.delete(seq)
    if (this.#byProof.get(proofOf(use.entry)) === use) this.#byProof.delete(proofOf(use.entry))
  }
}

function proofOf(of: Proof): string {
  return `${of.max}:${of.request}`
}
