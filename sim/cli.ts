/** The command line of the simulator. */
import { parseArgs } from 'node:util'
import { install } from './platform/globals.ts'
import { preload } from './preload.ts'
import { run } from './story.ts'

/** Runs the command. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: 'string', default: '20' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  })
  await preload()
  // viem makes an error for each request, in case it is late.
  Error.stackTraceLimit = values.seed === undefined ? 0 : 20
  install()
  process.on('unhandledRejection', () => {})
  const only = values.seed === undefined ? undefined : Number(values.seed)
  const first = only ?? Number(values.from)
  const last = only ?? first + Number(values.seeds) - 1
  const counts: Record<string, number> = {}
  const began = performance.now()
  let broken = 0
  for (let seed = first; seed <= last; seed++) {
    const ended = await run({ seed, isTraced: values.trace })
    for (const [what, times] of Object.entries(ended.counts)) counts[what] = (counts[what] ?? 0) + times
    counts.events = (counts.events ?? 0) + ended.events
    if (values.trace) console.log(ended.recent.join('\n'))
    if (only !== undefined) console.log(ended.digest, ended.struck.length, 'faults')
    if (ended.broken) {
      broken++
      console.log(`seed ${seed} ${ended.broken.id} ${ended.broken.message}`)
    }
  }
  const { user, system } = process.cpuUsage()
  console.log(counts)
  console.log({ seeds: last - first + 1, broken, wallMs: performance.now() - began, cpuMs: (user + system) / 1000 })
  process.exitCode = broken > 0 ? 1 : 0
}
