/** A thread that makes runs. */
import { parentPort } from 'node:worker_threads'
import './platform/hooks.ts'
import type { Size } from './story.ts'

const { prepare } = await import('./prepare.ts')
const { run } = await import('./story.ts')
await prepare()
parentPort?.on('message', async (asked: { seed: number; size: Partial<Size> }) => {
  const { recent: _, struck: __, ...ended } = await run(asked)
  parentPort?.postMessage(ended)
})
parentPort?.postMessage('ready')
