/** The command line of the fuzzer. */
import { parseArgs } from 'node:util'
import { fuzz, type Report } from './check.ts'
import { inputsOf } from './inputs.ts'
import { CANARY, openStage } from './stage.ts'

/** Inputs of one seed: a failure is found again by its batch. */
const BATCH = 500
/** Good payments are made anew after this time and so many inputs: they are valid for a minute, and opened some times. */
const SEEDS_AGE_MS = 20_000
const SEEDS_INPUTS = 5_000
/** A long run prints its counts so often. */
const PROGRESS = 100_000

/** Runs the command, and returns its exit code: 1 after an input with a wrong answer. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string', default: '10000' },
      header: { type: 'string', multiple: true },
      seed: { type: 'string', default: `${Math.floor(Math.random() * 2 ** 31)}` },
    },
  })
  const stage = await openStage()
  const names = values.header ?? Object.keys(inputsOf(await stage.seeds()))
  // The Worker logs each refusal.
  for (const level of ['info', 'warn', 'error'] as const) console[level] = () => undefined
  let failed = false
  for (const name of names) {
    const progress = (total: Total) => process.stderr.write(`  ${shown(name, total)}\n`)
    const [runs, seed] = [Number(values.runs), Number(values.seed)]
    const report = await fuzzHeader(stage, name, { runs, seed, progress })
    console.log(shown(name, report))
    if (report.failure !== null) console.log(`  FAILED with --seed ${values.seed}: ${report.failure}`)
    failed ||= report.failure !== null
  }
  await stage.stop()
  return failed ? 1 : 0
}

type Total = Report & { seconds: number }

/** Sends the inputs of one header, in batches, near good payments that are still valid. `progress`: called now and then. */
async function fuzzHeader(
  stage: Awaited<ReturnType<typeof openStage>>,
  name: string,
  { runs, seed, progress }: { runs: number; seed: number; progress(total: Total): void },
): Promise<Total> {
  const began = performance.now()
  const total: Total = { runs: 0, statuses: new Map(), slowestMs: 0, failure: null, seconds: 0 }
  let [inputs, madeAt] = [inputsOf(await stage.seeds()), Date.now()]
  while (total.runs < runs && total.failure === null) {
    if (Date.now() - madeAt > SEEDS_AGE_MS || total.runs % SEEDS_INPUTS === 0)
      [inputs, madeAt] = [inputsOf(await stage.seeds()), Date.now()]
    const arbitrary = inputs[name]
    if (!arbitrary) throw new Error(`--header must be one of ${Object.keys(inputs).join(', ')}`)
    const batch = { runs: Math.min(BATCH, runs - total.runs), seed: seed + total.runs, canary: CANARY }
    add(total, await fuzz(stage.answer, arbitrary, batch))
    total.seconds = (performance.now() - began) / 1000
    if (total.runs % PROGRESS === 0 && total.runs < runs) progress(total)
  }
  return total
}

function add(total: Total, { runs, slowestMs, failure, statuses }: Report): void {
  total.runs += runs
  total.slowestMs = Math.max(total.slowestMs, slowestMs)
  total.failure = failure
  for (const [status, times] of statuses)
    total.statuses.set(status, (total.statuses.get(status) ?? 0) + times)
}

function shown(name: string, { runs, seconds, slowestMs, statuses }: Total): string {
  const each = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${times} of ${status}`)
  const took = `${Math.round(seconds)} s, the slowest ${Math.round(slowestMs)} ms`
  return `${name}: ${runs} inputs in ${took}; ${each.join(', ')}`
}
