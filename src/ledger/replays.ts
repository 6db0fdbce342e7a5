/** Which IOUs were used for what lately: the same IOU opens the same resource again for free, for a while. */

/** How long an IOU opens again what it paid for. Milliseconds. */
export const REPLAY_WINDOW = 600_000

/** How many deliveries one charge is good for. More would let a penny buy a row of the journal for each request. */
export const MOST_DELIVERIES = 100

/** More charges than this are not remembered. */
export const MOST_CHARGES = 10_000

/** What of a journal's entry is remembered here. `of` is the charge that a replay or a release belongs to. */
type Recorded = { seq: number; at: number; kind: string; id: string; of: number | null }

/** A charge and the deliveries that hang on it. */
type Use<Entry> = { entry: Entry; deliveries: Set<string> }

export class Replays<Entry extends Recorded> {
  readonly #proofOf: (entry: Entry) => string
  readonly #byProof = new Map<string, Use<Entry>>()
  readonly #bySeq = new Map<number, Use<Entry>>()

  /** Recalls entries of the journal, oldest first. `proofOf` names what a charge was made with: the same opens it again. */
  constructor(entries: Iterable<Entry>, proofOf: (entry: Entry) => string) {
    this.#proofOf = proofOf
    for (const entry of entries) this.recall(entry)
  }

  recall(entry: Entry): void {
    if (entry.kind === 'charge') this.add(entry)
    if (entry.of === null) return
    if (entry.kind === 'replay') this.use(entry.of, entry.id)
    if (entry.kind === 'release') this.drop(entry.of, entry.id)
  }

  add(entry: Entry): void {
    const use: Use<Entry> = { entry, deliveries: new Set([entry.id]) }
    this.#byProof.set(this.#proofOf(entry), use)
    this.#bySeq.set(entry.seq, use)
    for (const [seq, oldest] of this.#bySeq) {
      if (this.#bySeq.size <= MOST_CHARGES && oldest.entry.at > entry.at - REPLAY_WINDOW) break
      this.#forget(seq)
    }
  }

  /** The charge that this proof already made, if it is young enough and not used up. */
  match(proof: string, id: string, now: number): Entry | undefined {
    const { entry, deliveries } = this.#byProof.get(proof) ?? {}
    if (!entry || !deliveries || entry.at <= now - REPLAY_WINDOW) return undefined
    return deliveries.size < MOST_DELIVERIES || deliveries.has(id) ? entry : undefined
  }

  /** The charge that this proof made, of any age, as far as it is remembered and not released. */
  known(proof: string): Entry | undefined {
    return this.#byProof.get(proof)?.entry
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
    const proof = this.#proofOf(use.entry)
    if (this.#byProof.get(proof) === use) this.#byProof.delete(proof)
  }
}
