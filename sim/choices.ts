/** Every choice of a run, drawn by name: the same seed, name and ordinal give the same choice, whatever else is drawn. */

/** Limits the faults of a run. `only`: the ids of the faults that may strike. */
export type Allowed = { only?: ReadonlySet<string> | undefined }

/** A run has some kinds of faults often, and lacks others: that finds more than a little of everything in each run. */
const RATES = [0, 1, 1, 4]

/** The choices of one run, and a list of the faults that struck. */
export class Choices {
  readonly #seed: number
  readonly #allowed: Allowed
  /** By name: its hash, and how often it was drawn. */
  readonly #names = new Map<string, { hash: number; drawn: number }>()
  /** The ids of the faults that struck, in order. */
  readonly struck: string[] = []
  readonly #rates = new Map<string, number>()
  /** No fault strikes any more: the run heals. */
  isHealing = false

  constructor(seed: number, allowed: Allowed = {}) {
    this.#seed = seed
    this.#allowed = allowed
  }

  /** A number from 0 to 1, without 1. */
  number(name: string): number {
    return this.#draw(name).value
  }

  /** An integer from `low` to `high`. */
  between(name: string, low: number, high: number): number {
    return low + Math.floor(this.number(name) * (high - low + 1))
  }

  /** One of some items. @throws RangeError for none */
  pick<Item>(name: string, items: readonly Item[]): Item {
    const item = items[this.between(name, 0, items.length - 1)]
    if (item === undefined) throw new RangeError(`${name} must have items to pick from`)
    return item
  }

  /** True in `share` of all cases. Faults are drawn by {@link strikes}. */
  chance(name: string, share: number): boolean {
    return this.number(name) < share
  }

  /** Whether a fault of a kind strikes here. `where` names the place, so that a fault keeps its id in a smaller run. */
  strikes(kind: string, where: string, share: number): boolean {
    const name = `${kind} ${where}`
    const { value, ordinal } = this.#draw(name)
    if (this.isHealing) return false
    if (value >= share * this.#rate(kind)) return false
    const id = `${name} ${ordinal}`.replaceAll(' ', '/')
    if (this.#allowed.only && !this.#allowed.only.has(id)) return false
    this.struck.push(id)
    return true
  }

  /** How much more often than usual a kind strikes in this run. */
  #rate(kind: string): number {
    let rate = this.#rates.get(kind)
    if (rate === undefined) {
      rate = this.pick(`rate of ${kind}`, RATES)
      this.#rates.set(kind, rate)
    }
    return rate
  }

  #draw(name: string): { value: number; ordinal: number } {
    let known = this.#names.get(name)
    if (!known) {
      known = { hash: hashOf(name), drawn: 0 }
      this.#names.set(name, known)
    }
    const ordinal = known.drawn++
    const value = mix(mix(this.#seed ^ known.hash) + Math.imul(ordinal + 1, 0x9e3779b9)) / 2 ** 32
    return { value, ordinal }
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}

/** The finalizer of MurmurHash3: each bit of the result depends on each bit of the argument. */
function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
