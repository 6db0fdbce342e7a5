/** The world of one run: its clock, the queue of events, and the trace. */
import { createHash } from 'node:crypto'
import type { Choices } from './choices.ts'

/** Something that will happen. Once it `isCancelled`, it does not. */
export type Event = {
  at: number
  tie: number
  number: number
  what: string
  run: () => void
  isCancelled: boolean
}

/** A run with more events is a livelock. */
const MOST_EVENTS = 400_000
/** Times of the trace count from here. */
const TRACE_START = Date.UTC(2026, 11, 1)
const HASHED_AT_ONCE = 16_384
/** The last events, which a failure shows. */
const SHOWN = 40

/** The real `setImmediate`: after it, all work of the current turn that needs no event is done. */
const { setImmediate } = globalThis

/** Thrown when a run breaks a promise. `id` names the invariant. */
export class Violation extends Error {
  override name = 'Violation'
  readonly id: string

  constructor(id: string, message: string) {
    super(message)
    this.id = id
  }
}

/** One virtual world. Nothing happens in it but by an event of its queue. */
export class World {
  readonly choices: Choices
  /** Unix ms, with fractions: no two events of one moment hide an order. */
  now: number
  /** How many events have run. Work of one event is one turn of an isolate. */
  turn = 0
  /** Called after each event. */
  afterEvent: () => void = () => {}
  /** Real work outside of the queue, such as a signature in a thread. The world waits for it. */
  outside = 0
  readonly counts = new Map<string, number>()
  readonly #heap: Event[] = []
  readonly #hash = createHash('sha256')
  #unhashed = ''
  readonly #recent: string[] = []
  readonly #trace: string[] | null
  #failure: unknown
  #number = 0

  constructor(choices: Choices, start: number, isTraced = false) {
    this.choices = choices
    this.now = start
    this.#trace = isTraced ? [] : null
  }

  /** Runs `run` after `delayMs`. */
  after(delayMs: number, what: string, run: () => void): Event {
    const at = this.now + Math.max(0, delayMs)
    const event = {
      at,
      tie: this.choices.number('tie'),
      number: this.#number++,
      what,
      run,
      isCancelled: false,
    }
    this.#push(event)
    return event
  }

  /** Resolves after `delayMs`. */
  sleep(delayMs: number, what: string): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, what, resolve))
  }

  /** A latency of up to `most` ms. */
  latency(what: string, most: number): number {
    return this.choices.number(`latency ${what}`) * most
  }

  /** Writes a line into the trace. */
  note(line: string): void {
    const at = `${((this.now - TRACE_START) / 1000).toFixed(3)} ${line}`
    this.#unhashed += `${at}\n`
    if (this.#unhashed.length > HASHED_AT_ONCE) this.#hashAll()
    this.#trace?.push(at)
    this.#recent.push(at)
    if (this.#recent.length > SHOWN) this.#recent.shift()
  }

  /** Counts something that must happen sometimes. */
  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  /** Ends the run with a violation. The first one counts. */
  fail(failure: unknown): void {
    this.#failure ??= failure
  }

  /** Runs events until `isDone`. @throws Violation, and what {@link fail} was called with */
  async runUntil(isDone: () => boolean): Promise<void> {
    for (;;) {
      await this.#settle()
      this.afterEvent()
      if (this.#failure !== undefined) throw this.#failure
      if (isDone()) return
      let event = this.#pop()
      while (event?.isCancelled) event = this.#pop()
      if (!event) throw new Violation('L0', 'nothing is left to happen, but the run is not done')
      if (this.turn++ > MOST_EVENTS) throw new Violation('L0', `more than ${MOST_EVENTS} events`)
      if (event.at > this.now) this.now = event.at
      this.note(event.what)
      event.run()
    }
  }

  /** The digest of the trace: equal for equal runs. */
  digest(): string {
    this.#hashAll()
    return this.#hash.copy().digest('hex')
  }

  /** The last events, oldest first; with a trace, all of them. */
  recent(): readonly string[] {
    return this.#trace ?? this.#recent
  }

  #hashAll(): void {
    this.#hash.update(this.#unhashed)
    this.#unhashed = ''
  }

  async #settle(): Promise<void> {
    do await new Promise<void>((resolve) => setImmediate(resolve))
    while (this.outside > 0)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (!above || !isBefore(event, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      const [left, right] = [heap[child], heap[child + 1]]
      if (!left) break
      if (right && isBefore(right, left)) child++
      const below = heap[child]
      if (!below || !isBefore(below, last)) break
      heap[at] = below
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Event, b: Event): boolean {
  if (a.at !== b.at) return a.at < b.at
  return a.tie !== b.tie ? a.tie < b.tie : a.number < b.number
}

let current: World | null = null

/** The world of the present run. The globals of the simulator act on it. @throws outside of a run */
export function world(): World {
  if (!current) throw new Error('no run is under way')
  return current
}

/** Enters a world, or leaves it with null. */
export function enter(next: World | null): void {
  current = next
}

/** Whether a run is under way. */
export function isSimulating(): boolean {
  return current !== null
}
