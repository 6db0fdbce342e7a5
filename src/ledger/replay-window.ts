/** Replays: for a while, a used IOU opens the same resource again without a new charge. */

/** How long a used IOU reopens the resource it paid for. */
export const REPLAY_WINDOW_MS = 600_000

/**
 * The most deliveries of one charge. Threat: without a limit, one payment could write a journal row per
 * request.
 */
export const MAX_DELIVERIES = 100

/** The id that stands for all further deliveries of a page that its charge has opened. It never fails. */
const OPENED = 'opened'

/** The most charges held in memory. */
export const MAX_CHARGES = 10_000

/**
 * The fields of a journal entry that are used here. `of` is the charge that a replay or release refers to.
 */
type Recorded = { seq: number; at: number; kind: string; id: string; amount: bigint; of: number | null }

/** A charge, the ids of its deliveries that have not failed, and how much its price was lowered by, if it was. */
type Use<Entry> = { entry: Entry; deliveries: string[]; loweredBy: bigint | null }

/** Charges that are dropped together. `since` in Unix milliseconds. */
type Generation<Entry> = { since: number; byProof: Map<string, Use<Entry>>; bySeq: Map<number, Use<Entry>> }

/**
 * The recent charges of one account, by the IOU that made them. Does not read storage: pass the journal's
 * recent entries to the constructor.
 */
export class Replays<Entry extends Recorded> {
  readonly #proofOf: (entry: Entry) => string
  // Two generations; the older is dropped whole. Removing charges one by one would make each insert skip the
  // gaps.
  #young: Generation<Entry> = beginning(0)
  #old: Generation<Entry> = beginning(0)

  /**
   * @param entries recent journal entries, oldest first
   * @param proofOf returns the key of a charge. A later order with the same key is its replay
   */
  constructor(entries: Iterable<Entry>, proofOf: (entry: Entry) => string) {
    this.#proofOf = proofOf
    for (const entry of entries) this.recall(entry)
  }

  /** Applies one journal entry of any kind. */
  recall(entry: Entry): void {
    if (entry.kind === 'charge') this.add(entry)
    if (entry.of === null) return
    if (entry.kind === 'replay') this.use(entry.of, entry.id)
    if (entry.kind === 'release') this.drop(entry.of, entry.id)
    if (entry.kind === 'lower') this.lower(entry.of, entry.amount)
  }

  /** Adds a charge and its first delivery. */
  add(entry: Entry): void {
    const { since, bySeq } = this.#young
    if (bySeq.size >= MAX_CHARGES / 2 || since <= entry.at - REPLAY_WINDOW_MS) {
      this.#old = this.#young
      this.#young = beginning(entry.at)
    }
    const use: Use<Entry> = { entry, deliveries: [entry.id], loweredBy: null }
    this.#young.byProof.set(this.#proofOf(entry), use)
    this.#young.bySeq.set(entry.seq, use)
  }

  /**
   * Returns the charge that `proof` made, if it is inside the replay window and has deliveries left at `now`
   * (Unix ms).
   */
  match(proof: string, id: string, now: number): Entry | undefined {
    const { entry, deliveries } = this.#used(proof) ?? {}
    if (!entry || !deliveries || entry.at <= now - REPLAY_WINDOW_MS) return undefined
    return deliveries.length < MAX_DELIVERIES || deliveries.includes(id) ? entry : undefined
  }

  /** Returns charge number `seq` if it is in memory, whatever its age. */
  find(seq: number): Entry | undefined {
    return this.#made(seq)?.entry
  }

  /**
   * Adds delivery `id` to charge number `seq`. Returns false if the charge is not in memory, or has this delivery: an order that
   * is placed again after a lost answer is one delivery.
   */
  use(seq: number, id: string): boolean {
    const { deliveries } = this.#made(seq) ?? {}
    if (!deliveries || deliveries.includes(id)) return false
    deliveries.push(id)
    return true
  }

  /**
   * Adds delivery `id` of the page that charge number `seq` has opened. Returns the id to record; null if there is none. Threat:
   * without it, a payer could make the origin refuse the first delivery and keep this one unpaid.
   */
  reopen(seq: number, id: string): string | null {
    const { deliveries } = this.#made(seq) ?? {}
    const delivery = deliveries && deliveries.length < MAX_DELIVERIES ? id : OPENED
    return this.use(seq, delivery) ? delivery : null
  }

  /** Notes that the price of charge number `seq` was lowered by `amount`. */
  lower(seq: number, amount: bigint): void {
    const use = this.#made(seq)
    if (use) use.loweredBy = amount
  }

  /** Returns how much the price of charge number `seq` was lowered by; null if it was not. */
  loweredBy(seq: number): bigint | null {
    return this.#made(seq)?.loweredBy ?? null
  }

  /**
   * Removes the failed delivery `id`. Returns `last` for the last delivery of a charge: release the charge.
   * Returns `null` if the delivery is unknown or failed before.
   *
   * Threat: without this count, a payer could make the origin refuse one of two deliveries (with
   * `If-None-Match`, say), have the charge released and keep the other delivery unpaid.
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
