/** An isolate's copies of values in a store: a hit costs no promise, and an old copy is read again behind the answer. */

/** The clock, and a way to let a read outlast the request that began it. */
export type Background = { now: () => number; later: (work: Promise<unknown>) => void }

/** The store, and how long a copy is used. Times in milliseconds. */
export type CacheOptions<Value> = Background & {
  /**
   * Reads one value; undefined where the store has none. `last`: the copy that the value replaces, of any age. Should reject when
   * the store takes too long.
   */
  read: (key: string, last: Value | undefined) => Promise<Value | undefined>
  /** An older copy is read again behind the answer. */
  freshMs: number
  /** A read behind the answer that failed is repeated after this. */
  retryMs: number
  /** An older copy is not used. Without it a copy is used while the store fails. */
  maxAgeMs?: number
  /** The most values, and as many absences beside them. Beyond it the copy that was asked for longest ago is dropped. */
  maxEntries: number
  /** Receives the fault of a read behind an answer. */
  report: (fault: unknown, key: string) => void
}

/**
 * A copy; `value` is undefined for a key that the store lacks. Until `dueAt` no request reads it again behind its answer: it is
 * fresh, or a request reads it just now, or the store failed a moment ago.
 */
type Copy<Value> = { value: Value | undefined; readAt: number; dueAt: number; isBeingRead: boolean }

/** How long a request waits for the read of another one, and how often it looks. Milliseconds. */
const SHARED_MS = 2_000
const POLL_MS = 5

/**
 * Copies by key. An absence is kept as a value is, but apart: requests for keys that do not exist displace no value
 * (faults: H1).
 */
export class IsolateCache<Value> {
  readonly #options: CacheOptions<Value>
  readonly #values = new Map<string, Copy<Value>>()
  readonly #absences = new Map<string, Copy<Value>>()
  /** The copy that was kept last: a site that is asked for again and again is not moved each time. */
  #newest: Copy<Value> | undefined

  constructor(options: CacheOptions<Value>) {
    this.#options = options
  }

  /**
   * Returns the value at once where a copy can be used, otherwise reads it: one request reads, and others wait for it. The
   * promise rejects if the store fails.
   */
  get(key: string): Value | undefined | Promise<Value | undefined> {
    const [copy, now] = [this.#copy(key), this.#options.now()]
    return copy && this.#isUsable(copy, now) ? this.#used(key, copy, now) : this.#wait(key)
  }

  /** Returns the value as far as a copy can be used, and never waits: what is lacking is read behind the answer. */
  known(key: string): Value | undefined {
    const [copy, now] = [this.#copy(key), this.#options.now()]
    if (copy && this.#isUsable(copy, now)) return this.#used(key, copy, now)
    if (!copy || now >= copy.dueAt) this.#readBehind(key)
    return undefined
  }

  /** Stores a value that was learnt elsewhere, as if it had been read now. */
  set(key: string, value: Value | undefined): void {
    const now = this.#options.now()
    this.#keep(key, { value, readAt: now, dueAt: now + this.#options.freshMs, isBeingRead: false })
  }

  #copy(key: string): Copy<Value> | undefined {
    return this.#values.get(key) ?? this.#absences.get(key)
  }

  #isUsable({ readAt }: Copy<Value>, now: number): boolean {
    return now - readAt < (this.#options.maxAgeMs ?? Number.MAX_VALUE)
  }

  /** The value of a copy, which becomes the last to be dropped. Reads it again behind the answer where that is due. */
  #used(key: string, copy: Copy<Value>, now: number): Value | undefined {
    if (now >= copy.dueAt) this.#readBehind(key)
    else if (copy !== this.#newest) this.#keep(key, copy)
    return copy.value
  }

  #readBehind(key: string): void {
    const { later, report } = this.#options
    later(this.#read(key).catch((fault) => report(fault, key)))
  }

  async #wait(key: string): Promise<Value | undefined> {
    // Trap: awaiting another request's promise may hang, since that request can be cancelled. So this one polls.
    for (let waited = 0; waited < SHARED_MS; waited += POLL_MS) {
      const copy = this.#copy(key)
      if (!copy?.isBeingRead || this.#options.now() >= copy.dueAt) break
      await new Promise((resume) => setTimeout(resume, POLL_MS))
    }
    const copy = this.#copy(key)
    return copy && this.#isUsable(copy, this.#options.now()) ? copy.value : this.#read(key)
  }

  async #read(key: string): Promise<Value | undefined> {
    const { read, now, retryMs, freshMs } = this.#options
    const [last, startedAt] = [this.#copy(key), now()]
    const { value: before, readAt = Number.NEGATIVE_INFINITY } = last ?? {}
    const copy = { value: before, readAt, dueAt: startedAt + SHARED_MS, isBeingRead: true }
    this.#keep(key, copy)
    try {
      const value = await read(key, before)
      const learnt = this.#copy(key)
      // A value that was set meanwhile is the newer one.
      if (!learnt || learnt === copy)
        this.#keep(key, { value, readAt: startedAt, dueAt: startedAt + freshMs, isBeingRead: false })
      return value
    } catch (fault) {
      Object.assign(copy, { dueAt: now() + retryMs, isBeingRead: false })
      throw fault
    }
  }

  #keep(key: string, copy: Copy<Value>): void {
    this.#values.delete(key)
    this.#absences.delete(key)
    const copies = copy.value === undefined ? this.#absences : this.#values
    copies.set(key, copy)
    this.#newest = copy
    // Trap: the first key is found behind all that were deleted, so it is not looked for each time.
    if (copies.size <= this.#options.maxEntries) return
    const [oldest] = copies.keys()
    if (oldest !== undefined) copies.delete(oldest)
  }
}
