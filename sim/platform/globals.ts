/** The globals of a run: clock, timers, randomness, digests, `fetch` and the log all belong to the world. */
import { createHash, webcrypto } from 'node:crypto'
import { type Event, isSimulating, world } from '../world.ts'
import { outward, owner, runAs } from './owner.ts'

/** Answers the requests of a run. */
export type Net = (request: {
  url: string
  method: string
  body: string
  headers: Headers
}) => Promise<Response>

const RealDate = Date
const realFetch = globalThis.fetch

class VirtualDate extends RealDate {
  constructor(...args: [] | [number | string | Date]) {
    if (args.length === 0 && isSimulating()) super(VirtualDate.now())
    else super(...(args as [number]))
  }

  static override now(): number {
    return isSimulating() ? Math.floor(world().now) : RealDate.now()
  }
}

let net: Net = async () => {
  throw new TypeError('no network')
}

/** Sets what answers the requests of the run. */
export function setNet(answer: Net): void {
  net = answer
}

/** Runs after a delay, as its owner's; never once the owner has ended. */
function setVirtualTimeout<Args extends unknown[]>(
  work: (...args: Args) => void,
  delayMs = 0,
  ...args: Args
): Event {
  const run = () => work(...args)
  const who = owner()
  return world().after(delayMs, `timer of ${who?.name ?? 'actor'}`, () => {
    if (who?.isAlive() === false) return
    if (who) runAs(who, run)
    else run()
  })
}

function clearVirtualTimeout(timer: Event | undefined): void {
  if (timer) timer.isCancelled = true
}

async function virtualFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = input instanceof Request ? input : undefined
  const url = request?.url ?? String(input)
  const method = init?.method ?? request?.method ?? 'GET'
  const headers = new Headers((init?.headers ?? request?.headers) as HeadersInit | undefined)
  const signal = init?.signal ?? request?.signal ?? undefined
  const body = typeof init?.body === 'string' ? init.body : request?.body ? await request.text() : ''
  const answered = outward(() => net({ url, method, body, headers }))
  if (!signal) return answered
  return new Promise<Response>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    answered.then(resolve, reject)
  })
}

/** `subtle` one call at a time: threads end in any order, and a run must not depend on it. */
function orderedSubtle(): SubtleCrypto {
  let last: Promise<unknown> = Promise.resolve()
  const real = webcrypto.subtle as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  const inOrder = (name: string, args: unknown[]) => {
    world().outside++
    const here = world()
    const done = last.then(() => real[name]?.apply(real, args))
    last = done.catch(() => undefined).finally(() => here.outside--)
    return done
  }
  return new Proxy(webcrypto.subtle as unknown as SubtleCrypto, {
    get: (_, name: string) => {
      if (name === 'digest') return digest
      if (name === 'timingSafeEqual')
        return (a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b))
      return (...args: unknown[]) => inOrder(name, args)
    },
  })
}

async function digest(algorithm: string | { name: string }, data: BufferSource): Promise<ArrayBuffer> {
  const name = typeof algorithm === 'string' ? algorithm : algorithm.name
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
  const made = createHash(name.replace('-', '').toLowerCase()).update(bytes).digest()
  return Uint8Array.from(made).buffer
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) bytes[at] = world().choices.between('random byte', 0, 255)
  return bytes
}

function randomUUID(): string {
  const hex = Buffer.from(randomBytes(16)).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

/** Replaces the globals of this process. Outside of a run, time and network are the real ones. */
export function install(): void {
  const simulated =
    <Args extends unknown[], Value>(real: (...args: Args) => Value, ours: (...args: Args) => Value) =>
    (...args: Args) =>
      isSimulating() ? ours(...args) : real(...args)
  const set = (name: string, value: unknown) =>
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
  const timers = globalThis as unknown as {
    setTimeout: (run: () => void, ms?: number) => unknown
    clearTimeout: (timer: unknown) => void
  }
  set('Date', VirtualDate)
  set('setTimeout', simulated(timers.setTimeout, setVirtualTimeout))
  set(
    'clearTimeout',
    simulated(timers.clearTimeout, (timer) => clearVirtualTimeout(timer as Event | undefined)),
  )
  set('scheduler', {
    wait: (ms: number) => new Promise<void>((resolve) => timersNow().setTimeout(resolve, ms)),
  })
  set(
    'fetch',
    simulated(realFetch as (...args: unknown[]) => unknown, virtualFetch as (...args: unknown[]) => unknown),
  )
  const timeout = (ms: number) => {
    const controller = new AbortController()
    timersNow().setTimeout(
      () => controller.abort(new DOMException('The operation timed out', 'TimeoutError')),
      ms,
    )
    return controller.signal
  }
  Object.defineProperty(AbortSignal, 'timeout', {
    value: simulated(AbortSignal.timeout.bind(AbortSignal), timeout),
  })
  Math.random = simulated(Math.random, () => world().choices.number('random'))
  const subtle = orderedSubtle()
  const fill = (array: Uint8Array) => {
    array.set(randomBytes(array.length))
    return array
  }
  set('crypto', {
    get subtle() {
      return isSimulating() ? subtle : webcrypto.subtle
    },
    randomUUID: simulated(webcrypto.randomUUID.bind(webcrypto) as () => string, randomUUID),
    getRandomValues: simulated((array: Uint8Array) => webcrypto.getRandomValues(array), fill),
  })
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    const real = console[level].bind(console)
    console[level] = simulated(real, (...words: unknown[]) =>
      world().note(`log ${words.map(textOf).join(' ')}`),
    )
  }
}

function timersNow(): { setTimeout: (run: () => void, ms: number) => unknown } {
  return globalThis as unknown as { setTimeout: (run: () => void, ms: number) => unknown }
}

function textOf(word: unknown): string {
  return typeof word === 'string' ? word : word instanceof Error ? String(word) : JSON.stringify(word)
}
