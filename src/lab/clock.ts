/** The virtual clock: the real time and an offset, which every thread of the lab reads. */

/** Whole milliseconds between the real and the virtual time, in shared memory. */
export type SharedOffset = SharedArrayBuffer

/** The clock of one lab. It only goes forward. */
export class LabClock {
  readonly shared: SharedOffset = new SharedArrayBuffer(8)
  readonly #offset = new BigInt64Array(this.shared)

  /** `start` in Unix milliseconds. */
  constructor(start: number) {
    this.offsetMs = Math.round(start - Date.now())
  }

  get offsetMs(): number {
    return Number(Atomics.load(this.#offset, 0))
  }

  set offsetMs(ms: number) {
    Atomics.store(this.#offset, 0, BigInt(ms))
  }

  now(): number {
    return Date.now() + this.offsetMs
  }
}

/** Reads the offset of a clock in another thread. */
export function offsetOf(shared: SharedOffset): () => number {
  const offset = new BigInt64Array(shared)
  return () => Number(Atomics.load(offset, 0))
}
