/** Which IOUs were used for what lately: the same IOU opens the same resource again for free, for a while. */

/** How long an IOU opens again what it paid for. Milliseconds. */
export const REPLAY_WINDOW = 600_000

/** How many deliveries one charge is good for. More would let a penny buy a row of the journal for each request. */
export const MOST_DELIVERIES = 100

/** At most so many charges are remembered. */
export const MOST_CHARGES = 10_000

/** What of a journal's entry is remembered here. `of` is the charge that a replay or a release belongs to. */
type Recorded = { seq: number; at: number; kind: string; id: string; of: number | null }

/** A charge and the deliveries that hang on it. */
type Use<Entry> = { entry: Entry; deliveries: string[] }

/** Charges that are forgotten together. */
type Generation<Entry> = { since: number; byProof: Map<string, Use<Entry>>; bySeq: Map<number, Use<Entry>> }

export class Replays<Entry extends Recorded> {
  readonly #proofOf: (entry: Entry) => string
  // Two generations: the older is forgotten whole. To forget charges one by one costs each new one a walk over the gaps.
  #young: Generation<Entry> = beginning(0)
  #old: Generation<Entry> = beginning(0)

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
    const { since, bySeq } = this.#young
    if (bySeq.size >= MOST_CHARGES / 2 || since <= entry.at - REPLAY_WINDOW) {
      this.#old = this.#young
      this.#young = beginning(entry.at)
    }
    const use: Use<Entry> = { entry, deliveries: [entry.id] }
    this.#young.byProof.set(this.#proofOf(entry), use)
    this.#young.bySeq.set(entry.seq, use)
  }

  /** The charge that this proof already made, if it is young enough and not used up. */
  match(proof: string, id: string, now: number): Entry | undefined {
    const { entry, deliveries } = this.#used(proof) ?? {}
    if (!entry || !deliveries || entry.at <= now - REPLAY_WINDOW) return undefined
    return deliveries.length < MOST_DELIVERIES || deliveries.includes(id) ? entry : undefined
  }

  find(seq: number): Entry | undefined {
    return this.#made(seq)?.entry
  }

  /** Another delivery hangs on this charge. */
  use(seq: number, id: string): void {
    const { deliveries } = this.#made(seq) ?? {}
    if (deliveries && !deliveries.includes(id)) deliveries.push(id)
  }

  /**
   * A delivery failed. `last` when no other hangs on the charge, so that it is to be released; `null` when the delivery is
   * not known, or failed before. Without this count a payer could have one of two deliveries refused by the origin (with
   * `If-None-Match`, say) and keep the other for nothing.
   */
  drop(seq: number, id: string): 'last' | 'one' | null {
    const use = this.#made(seq)
    const at = use?.deliveries.indexOf(id) ?? -1
    if (!use || at < 0) return null
    use.deliveries.splice(at, 1)
    if (use.deliveries.length > 0) return 'one'
    this.#forget(use)
    return 'last'
  }

  #used(proof: string): Use<Entry> | undefined {
    return this.#young.byProof.get(proof) ?? this.#old.byProof.get(proof)
  }

  #made(seq: number): Use<Entry> | undefined {
    return this.#young.bySeq.get(seq) ?? this.#old.bySeq.get(seq)
  }

  #forget(use: Use<Entry>): void {
    const proof = this.#proofOf(use.entry)
    for (const { byProof, bySeq } of [this.#young, this.#old]) {
      bySeq.delete(use.entry.seq)
      if (byProof.get(proof) === use) byProof.delete(proof)
    }
  }
}

function beginning<Entry>(since: number): Generation<Entry> {
  return { since, byProof: new Map(), bySeq: new Map() }
}
