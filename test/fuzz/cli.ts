/** The command line of the fuzzer. */
import { parseArgs } from 'node:util'
import { fuzz, type Report } from './check.ts'
import { inputsOf } from './inputs.ts'
import { CANARY, openStage } from './stage.ts'

/** Inputs near the same good payments. */
const BATCH = 2_000

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
    const report = await fuzzHeader(stage, name, { runs: Number(values.runs), seed: Number(values.seed) })
    console.log(shown(name, report))
    if (report.failure !== null) console.log(`  FAILED with --seed ${values.seed}: ${report.failure}`)
    failed ||= report.failure !== null
  }
  await stage.stop()
  return failed ? 1 : 0
}

/** Sends the inputs of one header, in batches: the good payments near which they lie are valid for a minute. */
async function fuzzHeader(
  stage: Awaited<ReturnType<typeof openStage>>,
  name: string,
  { runs, seed }: { runs: number; seed: number },
): Promise<Report & { seconds: number }> {
  const began = performance.now()
  const total: Report = { runs: 0, statuses: new Map(), slowestMs: 0, failure: null }
  while (total.runs < runs && total.failure === null) {
    const inputs = inputsOf(await stage.seeds())
    const arbitrary = inputs[name]
    if (!arbitrary) throw new Error(`--header must be one of ${Object.keys(inputs).join(', ')}`)
    const batch = { runs: Math.min(BATCH, runs - total.runs), seed: seed + total.runs, canary: CANARY }
    const report = await fuzz(stage.answer, arbitrary, batch)
    total.runs += report.runs
    total.slowestMs = Math.max(total.slowestMs, report.slowestMs)
    total.failure = report.failure
    for (const [status, times] of report.statuses)
      total.statuses.set(status, (total.statuses.get(status) ?? 0) + times)
  }
  return { ...total, seconds: (performance.now() - began) / 1000 }
}

function shown(name: string, { runs, seconds, slowestMs, statuses }: Report & { seconds: number }): string {
  const each = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${times} of ${status}`)
  const took = `${Math.round(seconds)} s, the slowest ${Math.round(slowestMs)} ms`
  return `${name}: ${runs} inputs in ${took}; ${each.join(', ')}`
}
