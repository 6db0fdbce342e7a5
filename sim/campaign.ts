/** Runs of many seeds, on some threads. */
import { Worker } from 'node:worker_threads'
import { prepare } from './prepare.ts'
import { type Ended, run, type Size } from './story.ts'

/** How a run of a thread ended. */
export type Outcome = Omit<Ended, 'recent' | 'struck'>

/** Makes a run of each seed, with 1 thread in this process. `onEnd` may return false: then no further run begins. */
export async function campaign(
  seeds: readonly number[],
  threads: number,
  onEnd: (outcome: Outcome) => boolean,
  size: Partial<Size> = {},
): Promise<void> {
  if (threads === 1) return campaignHere(seeds, onEnd, size)
  let next = 0
  let goesOn = true
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url))
      const send = () => {
        const seed = goesOn ? seeds[next++] : undefined
        if (seed === undefined) worker.terminate().then(() => resolve())
        else worker.postMessage({ seed, size })
      }
      worker.on('error', reject)
      worker.on('message', (message: Outcome | 'ready') => {
        if (message !== 'ready' && !onEnd(message)) goesOn = false
        send()
      })
    })
  await Promise.all(Array.from({ length: Math.min(threads, seeds.length) }, work))
}

async function campaignHere(
  seeds: readonly number[],
  onEnd: (outcome: Outcome) => boolean,
  size: Partial<Size>,
): Promise<void> {
  await prepare()
  for (const seed of seeds) if (!onEnd(await run({ seed, size }))) return
}
