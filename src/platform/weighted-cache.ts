/** Values that an isolate has made, up to a sum of weights: an isolate has 128 MB for all of them. */

/** Drops the values that were asked for longest ago once their weights exceed `maxWeight`. The last one always stays. */
export class WeightedCache<Key, Value> {
  readonly #maxWeight: number
  readonly #kept = new Map<Key, { value: Value; weight: number }>()
  #weight = 0

  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight
  }

  get(key: Key): Value | undefined {
    const kept = this.#kept.get(key)
    if (!kept) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    return kept.value
  }

  set(key: Key, value: Value, weight: number): void {
    this.#drop(key)
    this.#kept.set(key, { value, weight })
    this.#weight += weight
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.#maxWeight || oldest === key) break
      this.#drop(oldest)
    }
  }

  #drop(key: Key): void {
    this.#weight -= this.#kept.get(key)?.weight ?? 0
    this.#kept.delete(key)
  }
}
