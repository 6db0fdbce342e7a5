/** One Durable Object: its disk, its instance, the calls in flight, its alarm, its crashes and evictions. */
import { HOUR_MS } from '../../src/platform/time.ts'
import { world } from '../world.ts'
import { Disk } from './disk.ts'
import { type Owner, runAs } from './owner.ts'

/** A Durable Object's class. */
export type ObjectClass = new (ctx: DurableObjectState, env: never) => object

type Fail = (fault: Error) => void
type Reply = { resolve: (value: unknown) => void; reject: Fail }
type Instance = Record<string, (...args: unknown[]) => unknown>

/** The runtime retries an alarm that fails this often, with growing pauses. */
const ALARM_RETRIES = 6
const ALARM_PAUSE_MS = 2_000
/** How late an alarm may ring. */
const LATE_ALARM_MS = HOUR_MS

/** The error of calls to an object that was reset. */
export function resetError(message: string): Error {
  return Object.assign(new Error(message), { durableObjectReset: true })
}

/** A fault of the connection to an object: the outcome is unknown. */
export function connectionLost(): Error {
  return Object.assign(new Error('Network connection lost.'), { retryable: true })
}

/** The error of a call that an object has rejected because it has too many. */
export function overloaded(): Error {
  return Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true })
}

/** One Durable Object. Its disk outlives its instances. */
export class Host {
  readonly name: string
  readonly disk: Disk
  /** Counts the instances that ended in a crash. A stub of an earlier one stays broken. */
  crashes = 0
  /** Called after each crash. */
  onCrash: () => void = () => {}
  readonly #id: string
  readonly #make: (ctx: DurableObjectState, host: string) => object
  readonly #calls = new Set<Fail>()
  #generation = 0
  #instance: Instance | null = null
  #owner: Owner | null = null
  #blocked: Promise<unknown> | null = null
  #isRinging = false
  #rings = 0

  constructor(kind: string, id: string, make: (ctx: DurableObjectState, host: string) => object) {
    // Trap: the ids of one network begin alike, and choices are drawn by this name.
    this.name = `${kind} ${id.replace(/^eip155:\d+:/, '').slice(0, 14)}`
    this.#id = id
    this.#make = make
    this.disk = new Disk(this.name)
    this.disk.onAlarm = (at) => this.#scheduleAlarm(at)
  }

  /** Delivers a call. */
  async deliver(method: string, args: unknown[], reply: Reply): Promise<void> {
    const { choices } = world()
    if (this.#instance && this.#calls.size === 0 && choices.strikes('evict', this.name, 0.02)) this.evict()
    if (choices.strikes('crash', `${this.name} before ${method}`, 0.01)) this.crash()
    let isOver = false
    const fail: Fail = (fault) => {
      if (isOver) return
      isOver = true
      this.#calls.delete(fail)
      reply.reject(fault)
    }
    this.#calls.add(fail)
    this.#crashLater(method)
    const end = (settle: () => void) => {
      if (isOver) return
      isOver = true
      this.#calls.delete(fail)
      settle()
    }
    try {
      const { instance, who } = await this.#started()
      if (isOver) return
      const call = instance[method]
      if (typeof call !== 'function') throw new TypeError(`the object must have a method ${method}`)
      runAs(who, () => (async () => call.apply(instance, args))()).then(
        (value) => this.#leave(() => end(() => reply.resolve(value))),
        (fault) => this.#leave(() => end(() => reply.reject(asRemote(fault)))),
      )
    } catch (fault) {
      end(() => reply.reject(asRemote(fault)))
    }
  }

  /** Ends the instance without a warning. Unflushed writes are lost, but for some that reached the disk. */
  crash(why = 'The object was reset.'): void {
    const here = world()
    this.crashes++
    this.#generation++
    const { unflushed } = this.disk
    if (unflushed > 0) here.count('crash with unflushed writes')
    this.disk.crash(unflushed > 0 ? here.choices.between(`kept ${this.name}`, 0, unflushed) : 0)
    this.#drop()
    here.note(`crash ${this.name}`)
    for (const fail of [...this.#calls]) fail(resetError(why))
    this.onCrash()
    this.#scheduleAlarm(this.disk.durableAlarm)
  }

  /** Ends an idle instance. Nothing is lost. */
  evict(): void {
    if (this.#calls.size > 0 || this.disk.unflushed > 0 || this.#isRinging) return
    this.#generation++
    this.#drop()
  }

  #drop(): void {
    this.#instance = null
    this.#owner = null
    this.#blocked = null
    this.#isRinging = false
  }

  /** Answers wait until all earlier writes are on disk. */
  #leave(send: () => void): void {
    const gate = this.disk.gate()
    const generation = this.#generation
    if (!gate) send()
    else gate.then(() => generation === this.#generation && send())
  }

  #crashLater(method: string): void {
    const here = world()
    if (!here.choices.strikes('crash', `${this.name} in ${method}`, 0.03)) return
    const generation = this.#generation
    const most = here.choices.chance(`crash soon ${this.name}`, 0.5) ? 10 : 300
    here.after(here.latency(`crash ${this.name}`, most), `crash in ${method}`, () => {
      if (generation === this.#generation && this.#instance) this.crash()
    })
  }

  async #started(): Promise<{ instance: Instance; who: Owner }> {
    if (!this.#instance) this.#start()
    while (this.#blocked) await this.#blocked
    if (!this.#instance || !this.#owner) return this.#started()
    return { instance: this.#instance, who: this.#owner }
  }

  #start(): void {
    const generation = this.#generation
    const who: Owner = {
      name: this.name,
      isAlive: () => generation === this.#generation,
      gate: () => this.disk.gate(),
    }
    this.#owner = who
    this.#instance = runAs(who, () => this.#make(this.#context(who), this.name)) as Instance
  }

  #context(who: Owner): DurableObjectState {
    const block = (work: () => Promise<unknown>) => {
      const done = work()
      const blocked = done.then(
        () => undefined,
        () => who.isAlive() && this.crash('The constructor of the object failed.'),
      )
      const over = blocked.then(() => {
        if (this.#blocked === over) this.#blocked = null
      })
      this.#blocked = over
      return done
    }
    const context = {
      id: { name: this.#id, toString: () => this.#id, equals: (other: unknown) => other === this.#id },
      storage: this.#storage(who),
      waitUntil: (promise: Promise<unknown>) => void promise.catch(() => undefined),
      blockConcurrencyWhile: block,
      abort: (why?: string) => {
        if (who.isAlive()) this.crash(why)
        throw new Error(why)
      },
    }
    return context as unknown as DurableObjectState
  }

  #storage(who: Owner) {
    const { disk } = this
    const alive = <Value>(work: () => Value): Value => {
      if (!who.isAlive()) throw new Error(`${this.name} is dead and may not touch its disk`)
      return work()
    }
    const whileAlive = (promise: Promise<void>) =>
      new Promise<void>((resolve) => promise.then(() => who.isAlive() && resolve()))
    return {
      sql: {
        exec: (query: string, ...bindings: unknown[]) => alive(() => cursorOf(disk.exec(query, bindings))),
      },
      transactionSync: <Value>(work: () => Value) => alive(() => disk.transactionSync(work)),
      sync: () => alive(() => whileAlive(disk.gate() ?? Promise.resolve())),
      getAlarm: async () => alive(() => (this.#isRinging && disk.alarm === this.#rungAt ? null : disk.alarm)),
      setAlarm: async (at: number | Date) =>
        alive(() => {
          // Trap: the alarm that rings now is not the one that is set now, even at the same time.
          this.#rungAt = null
          disk.setAlarm(Number(at))
        }),
      deleteAlarm: async () => alive(() => disk.setAlarm(null)),
      kv: {
        get: (key: string) => alive(() => disk.get(key)),
        put: (key: string, value: unknown) => alive(() => disk.put(key, value)),
        delete: (key: string) => alive(() => disk.delete(key)),
      },
    }
  }

  /** Counts the alarms that were scheduled: the last one alone may ring. */
  #alarms = 0
  /** The alarm that rings now; null once another was set. */
  #rungAt: number | null = null

  #scheduleAlarm(at: number | null, pauseMs = 0): void {
    if (at === null) return
    const here = world()
    const number = ++this.#alarms
    const late = here.choices.strikes('late alarm', this.name, 0.05)
      ? here.latency(`late alarm ${this.name}`, LATE_ALARM_MS)
      : 0
    here.after(Math.max(0, at - here.now) + pauseMs + late, `alarm ${this.name}`, () => {
      if (number !== this.#alarms || this.disk.durableAlarm !== at || this.#isRinging) return
      void this.#ring(at)
    })
  }

  async #ring(at: number): Promise<void> {
    this.#isRinging = true
    this.#rungAt = at
    const ended = (hasFailed: boolean) => {
      this.#isRinging = false
      const isAgain = this.#rungAt === null
      this.#rungAt = null
      if (!hasFailed) this.#rings = 0
      else if (this.#rings++ < ALARM_RETRIES && !isAgain)
        return this.#scheduleAlarm(at, ALARM_PAUSE_MS * 2 ** this.#rings)
      if (isAgain) this.#scheduleAlarm(this.disk.durableAlarm)
      else if (this.disk.alarm === at) this.disk.setAlarm(null)
    }
    await this.deliver('alarm', [], { resolve: () => ended(false), reject: () => ended(true) })
  }
}

function cursorOf(rows: Record<string, SqlStorageValue>[]) {
  return {
    toArray: () => rows,
    one: () => {
      if (rows.length !== 1)
        throw new Error(`Expected exactly one result from SQL query, but got ${rows.length}`)
      return rows[0]
    },
    rowsWritten: rows.length,
    [Symbol.iterator]: () => rows[Symbol.iterator](),
  }
}

/** An error as it arrives at the other side of a call: its name and message, and none of its own properties. */
function asRemote(fault: unknown): Error {
  const { name, message } = fault instanceof Error ? fault : new Error(String(fault))
  return Object.assign(new Error(message), { name, remote: true })
}
