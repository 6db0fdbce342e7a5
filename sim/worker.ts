/** A thread that makes runs. */
import { parentPort } from 'node:worker_threads'
import './platform/hooks.ts'

const { prepare } = await import('./prepare.ts')
const { run } = await import('./story.ts')
await prepare()
parentPort?.on('message', async (seed: number) => {
  const { recent: _, struck: __, ...ended } = await run({ seed })
  parentPort?.postMessage(ended)
})
parentPort?.postMessage('ready')
