/**
 * Alarms on the lab’s clock. The runtime compares an alarm with the real time, so each object stores the virtual time of its
 * alarm, and a jump rings the alarms that it passes.
 */

import { clockOffset } from './clock.ts'

const AT = 'tab402.lab.alarm'

/** How often a failing alarm is repeated, and after how long at first: twice as long each time, as the platform does. */
const MAX_RETRIES = 6
const RETRY_MS = 2_000

/** The alarm of one object. `at`: virtual Unix milliseconds. */
export type VirtualAlarm = { className: string; id: string; at: number }

type Stored = { at: number; failed: number }

/** Alarms of the objects of this isolate that were in memory since it started. */
const pending = new Map<string, VirtualAlarm>()

/** The pending alarms, the earliest first. */
export function pendingAlarms(): VirtualAlarm[] {
  return [...pending.values()].sort((a, b) => a.at - b.at)
}

/** The storage of an object, with its alarm on the lab’s clock. */
export class ObjectAlarm {
  readonly #storage: DurableObjectStorage
  readonly #owner: { className: string; id: string }
  readonly #arm: (at: number) => Promise<void>
  readonly #disarm: () => Promise<void>

  /** Replaces the alarm’s methods of `ctx.storage`. Call it before the object’s own constructor. */
  constructor({ storage, id }: DurableObjectState, className: string) {
    this.#storage = storage
    this.#owner = { className, id: id.toString() }
    const arm = storage.setAlarm.bind(storage)
    this.#arm = (at) => arm(Math.max(at - clockOffset(), 1))
    this.#disarm = storage.deleteAlarm.bind(storage)
    Object.defineProperties(storage, {
      setAlarm: { value: (at: number | Date) => this.set(Number(at)) },
      getAlarm: { value: async () => this.#stored()?.at ?? null },
      deleteAlarm: { value: () => this.#clear() },
    })
    const at = this.#stored()?.at
    if (at !== undefined) this.#register(at)
  }

  /** Sets the alarm, also in the runtime: it rings there if real time passes and no jump does. */
  set(at: number, failed = 0): Promise<void> {
    this.#storage.kv.put(AT, { at, failed } satisfies Stored)
    this.#register(at)
    return this.#arm(at)
  }

  /** Sets the runtime’s alarm anew, after a jump. */
  async rearm(): Promise<void> {
    const stored = this.#stored()
    if (stored) await this.#arm(stored.at)
  }

  /** Rings if the alarm is due by the lab’s clock. A failed one is set again for later. */
  async ring(alarm: () => void | Promise<void>): Promise<void> {
    const stored = this.#stored()
    if (!stored) return
    if (stored.at > Date.now()) return this.#arm(stored.at)
    await this.#clear()
    try {
      await alarm()
    } catch (fault) {
      console.error(`an alarm of ${this.#owner.className} has failed: ${fault}`)
      if (stored.failed < MAX_RETRIES)
        await this.set(Date.now() + RETRY_MS * 2 ** stored.failed, stored.failed + 1)
    }
  }

  #stored(): Stored | undefined {
    return this.#storage.kv.get<Stored>(AT)
  }

  #register(at: number): void {
    pending.set(`${this.#owner.className} ${this.#owner.id}`, { ...this.#owner, at })
  }

  #clear(): Promise<void> {
    this.#storage.kv.delete(AT)
    pending.delete(`${this.#owner.className} ${this.#owner.id}`)
    return this.#disarm()
  }
}
