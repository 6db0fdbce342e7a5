/** The owner of running code: an object or a request. A dead one causes nothing any more. */
import { AsyncLocalStorage } from 'node:async_hooks'

/** An object or a request that runs code. */
export type Owner = {
  name: string
  isAlive(): boolean
  /** Resolves when all that it has written is on disk; null while nothing is unwritten. Output waits for it. */
  gate(): Promise<void> | null
}

const storage = new AsyncLocalStorage<Owner>()

/** The owner of the code that runs now; undefined for actors and the simulator itself. */
export function owner(): Owner | undefined {
  return storage.getStore()
}

/** Runs code as its owner's. */
export function runAs<Value>(who: Owner, work: () => Value): Value {
  return storage.run(who, work)
}

/** Runs code of an actor, or of the simulator. */
export function runAsNobody<Value>(work: () => Value): Value {
  return storage.exit(work)
}

/**
 * A message of an owner: `send` runs once the owner's writes are on disk, if the owner lives. Its result reaches the owner only
 * while the owner lives; else the promise stays pending for ever, as its code has stopped.
 */
export function outward<Value>(send: () => Promise<Value>): Promise<Value> {
  const who = owner()
  if (!who) return send()
  return new Promise<Value>((resolve, reject) => {
    const go = () => {
      if (!who.isAlive()) return
      runAsNobody(send).then(
        (value) => who.isAlive() && resolve(value),
        (fault) => who.isAlive() && reject(fault),
      )
    }
    const gate = who.gate()
    if (gate) gate.then(go)
    else go()
  })
}
