/** The hosted facilitator of a lab: the unmodified upstream one, in a thread whose `Date` is the lab’s clock. */
import { Worker } from 'node:worker_threads'
import type { LocalAccount } from '../../testing/chain/chain.ts'
import { siblingModule } from '../../testing/stack/sibling.ts'
import type { SharedOffset } from '../clock.ts'
import type { FacilitatorFault } from '../fail/fail.ts'

/** How a facilitator misbehaves, as its thread receives it. */
type FacilitatorMisbehaviour = Exclude<FacilitatorFault, object> | { slowMs: number }

/** The parts of a facilitator. `wallet`: pays the gas of the transfers. Plain data. */
export type FacilitatorSetup = { offset: SharedOffset; rpcUrl: string; wallet: LocalAccount }

/** An order to the thread, answered with the same `id`. `times`: how many requests it meets; null for all. */
export type FacilitatorOrder = { id: number; fault: FacilitatorMisbehaviour | null; times: number | null }

/** A message of the thread: it listens, or an order is done. */
export type FacilitatorMessage = { url: string } | { done: number }

/** A running facilitator. */
export type LabFacilitator = {
  /** The `FACILITATOR_URL` of the Worker. */
  url: string
  /** Sets its fault, or ends it with null. `times`: how many requests it meets; null for all. */
  misbehave(fault: FacilitatorMisbehaviour | null, times: number | null): Promise<void>
  stop(): Promise<void>
}

/** Starts a facilitator on 127.0.0.1. @throws with the fault of its thread */
export async function startFacilitator(setup: FacilitatorSetup): Promise<LabFacilitator> {
  const thread = new Worker(siblingModule(import.meta.url, './thread'), {
    workerData: setup,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  thread.unref()
  const waiting = new Map<number, PromiseWithResolvers<void>>()
  let last = 0
  // Without a listener, a fault of the thread would end this process.
  thread.on('error', (fault) => {
    for (const { reject } of waiting.values()) reject(fault)
    waiting.clear()
  })
  const url = await new Promise<string>((resolve, reject) => {
    thread.once('error', reject)
    thread.on('message', (message: FacilitatorMessage) => {
      if ('url' in message) return resolve(message.url)
      waiting.get(message.done)?.resolve()
      waiting.delete(message.done)
    })
  })
  return {
    url,
    misbehave(fault, times) {
      const id = ++last
      const done = Promise.withResolvers<void>()
      waiting.set(id, done)
      thread.postMessage({ id, fault, times } satisfies FacilitatorOrder)
      return done.promise
    },
    async stop() {
      await thread.terminate()
    },
  }
}
