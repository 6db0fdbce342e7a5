/** Which vouchers were used for what lately: the same voucher opens the same resource again for free, for a while. */
import type { Journal } from './journal.ts'
import type { Entry } from './standing.ts'

/** How long a voucher opens again what it paid for. Milliseconds. */
export const REPLAY_WINDOW = 600_000

/** How many deliveries one charge is good for. More would let a penny buy a row of the journal for each request. */
export const MOST_DELIVERIES = 100

const MOST = 10_000

/** A voucher and what it was used for. */
type Proof = { max: bigint | null; request: string | null }

/** A charge and the deliveries that hang on it. */
type Use = { entry: Entry; deliveries: Set<string> }

export class Replays {
  readonly #byProof = new Map<string, Use>()
  readonly #bySeq = new Map<number, Use>()

  /** Recalls the window from the journal, as after an eviction. */
  static from(journal: Journal, now: number): Replays {
    const replays = new Replays()
    for (const entry of journal.recent(now - REPLAY_WINDOW, MOST)) replays.#recall(entry)
    return replays
  }

  /** Recalls one charge of any age. */
  static of(story: Entry[]): Replays {
    const replays = new Replays()
    for (const entry of story) replays.#recall(entry)
    return replays
  }

  #recall(entry: Entry): void {
    if (entry.kind === 'charge') this.add(entry)
    if (entry.of === null) return
    if (entry.kind === 'replay') this.use(entry.of, entry.id)
    if (entry.kind === 'release') this.drop(entry.of, entry.id)
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

  /** The charge that this voucher already made for this request, if it is young enough and not used up. */
  match(order: Proof & { id: string }, now: number): Entry | undefined {
    const { entry, deliveries } = this.#byProof.get(proofOf(order)) ?? {}
    if (!entry || !deliveries || entry.at <= now - REPLAY_WINDOW) return undefined
    return deliveries.size < MOST_DELIVERIES || deliveries.has(order.id) ? entry : undefined
  }

  find(seq: number): Entry | undefined {
    return this.#bySeq.get(seq)?.entry
  }

  /** Another delivery hangs on this charge. */
  use(seq: number, id: string): void {
    this.#bySeq.get(seq)?.deliveries.add(id)
  }

  /**
   * A delivery failed. `last` when no other hangs on the charge, so that it is to be released; `null` when the delivery is
   * not known, or failed before. Without this count a payer could have one of two deliveries refused by the origin (with
   * `If-None-Match`, say) and keep the other for nothing.
   */
  drop(seq: number, id: string): 'last' | 'one' | null {
    const use = this.#bySeq.get(seq)
    if (!use?.deliveries.delete(id)) return null
    if (use.deliveries.size > 0) return 'one'
    this.#forget(seq)
    return 'last'
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
