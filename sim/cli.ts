/** The command line of the simulator. */
import { parseArgs } from 'node:util'
import { judge } from './judge.ts'
import { install } from './platform/globals.ts'
import { preload } from './preload.ts'
import { type Ended, run } from './story.ts'

/** Runs the command. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: 'string', default: '20' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      'until-broken': { type: 'boolean', default: false },
      mutants: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  })
  if (values.mutants) {
    const isAsStated = await judge(Number(values.seeds), values.only, (line) => console.log(line))
    process.exitCode = isAsStated ? 0 : 1
    return
  }
  await preload()
  // viem makes an error for each request, in case it is late.
  Error.stackTraceLimit = values.seed === undefined ? 0 : 20
  install()
  process.on('unhandledRejection', () => {})
  const only = values.seed === undefined ? undefined : Number(values.seed)
  const first = only ?? Number(values.from)
  const last = only ?? first + Number(values.seeds) - 1
  const counts: Record<string, number> = {}
  const broken: { id: string; message: string; seed: number }[] = []
  const say = (line: string) => values.json || console.log(line)
  const began = performance.now()
  let ran = 0
  for (let seed = first; seed <= last; seed++) {
    const ended = await run({ seed, isTraced: values.trace })
    ran++
    add(counts, ended)
    if (values.trace) say(ended.recent.join('\n'))
    if (only !== undefined) say(`${ended.digest} ${ended.struck.length} faults`)
    if (!ended.broken) continue
    broken.push({ ...ended.broken, seed })
    say(`seed ${seed} ${ended.broken.id} ${ended.broken.message}`)
    if (values['until-broken']) break
  }
  const { user, system } = process.cpuUsage()
  const cost = { wallMs: Math.round(performance.now() - began), cpuMs: Math.round((user + system) / 1000) }
  if (values.json) console.log(JSON.stringify({ ran, broken, counts, ...cost }))
  else console.log(counts, { ran, broken: broken.length, ...cost })
  process.exitCode = broken.length > 0 ? 1 : 0
}

function add(counts: Record<string, number>, { counts: more, events }: Ended): void {
  for (const [what, times] of Object.entries({ ...more, events })) counts[what] = (counts[what] ?? 0) + times
}
