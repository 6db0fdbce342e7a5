/**
 * `npm run bench [-- --short] [--sites] [--reps N] [--seconds S]`: measures the paywall against floors, a peer and its targets.
 * The ledgers are stored in TMPDIR. The figures depend on its disk: the runtime waits for each commit on its only thread.
 */
import { parseArgs } from 'node:util'
import { PATH } from './ask.ts'
import { type Billed, bill } from './billing.ts'
import type { CaseName } from './case.ts'
import { type Case, startCases } from './cases.ts'
import { timeClassification } from './classify.ts'
import { costPerMillion } from './cost.ts'
import { count, countCredit } from './counts.ts'
import { timeDecisions } from './decide.ts'
import { fsyncTime } from './disk.ts'
import { gasPerChannel } from './gas.ts'
import { parallel } from './parallel.ts'
import { type Figures, json, shortfalls, tables } from './report.ts'
import { countReports } from './reports.ts'
import { MAX_REQUESTS_PER_SECOND } from './requests.ts'
import { measure, type Pace } from './rounds.ts'
import { benchSites } from './sites.ts'
import { MAX_PAYMENTS, type Stage, setStage } from './stage.ts'
import { timeCounts } from './traffic.ts'
import { timeVerification } from './verify.ts'
import { bundleGzip, coldStart } from './weight.ts'

const { values } = parseArgs({
  options: {
    sites: { type: 'boolean' },
    short: { type: 'boolean' },
    reps: { type: 'string' },
    seconds: { type: 'string' },
  },
})
const pace: Pace = {
  rounds: Number(values.reps ?? (values.short ? 12 : 40)),
  sliceMs: 1000 * Number(values.seconds ?? 0.25),
  warmMs: values.short ? 1_000 : 4_000,
}
if (!(pace.rounds >= 3) || !(pace.sliceMs >= 100)) {
  throw new Error('--reps must be at least 3, and --seconds at least 0.1')
}

if (values.sites) process.exit((await benchSites(pace)) ? 0 : 1)

/** How many credit lines one run bills. */
const billingSizes = values.short ? [100, 1_000] : [1_000, 10_000]

const stage = await setStage()
try {
  const figures = await gather(stage)
  console.log(tables(figures))
  const short = shortfalls(figures)
  for (const sentence of short) console.log(`SHORT: ${sentence}`)
  console.log(json(figures))
} catch (fault) {
  console.error(fault instanceof Error ? fault.message : fault)
  process.exitCode = 1
} finally {
  await stage.stop()
}

async function gather(stage: Stage): Promise<Figures> {
  const seconds = (pace.warmMs + pace.rounds * pace.sliceMs) / 1000
  const needed = Math.min(MAX_PAYMENTS, Math.ceil(seconds * MAX_REQUESTS_PER_SECOND))
  progress(`signing ${needed} vouchers and starting a Worker for each case`)
  const cases: Case[] = []
  try {
    const { offered, channel, first } = await startCases(stage, needed, cases)
    progress(`measuring ${cases.length} cases in turn, ${pace.rounds} times ${pace.sliceMs} ms each`)
    const results = await measure(cases, pace)
    await stop(cases)
    progress('measuring the rest')
    const verified = await timeVerification(offered, channel, values.short ? 5 : 9)
    const decided = timeDecisions(values.short ? 5 : 21)
    const counts = await count(stage, PATH, first)
    const creditCounts = await countCredit(stage, PATH)
    const cpuMs = (name: CaseName) => (results.get(name)?.cpu ?? Number.NaN) / 1000
    return {
      results,
      verified,
      decided,
      classified: timeClassification(),
      counted: timeCounts(),
      counts,
      creditCounts,
      billing: await billed(stage),
      parallel: await parallel(stage),
      gas: await gasPerChannel(stage, offered),
      bundleGzip: await bundleGzip(),
      coldStart: await coldStart(stage, values.short ? 7 : 15),
      cost: costPerMillion(counts, cpuMs('voucher'), counts.milliseconds),
      creditCost: costPerMillion(creditCounts, cpuMs('credit'), creditCounts.milliseconds),
      reporting: await countReports(),
      fsync: await fsyncTime(stage),
    }
  } finally {
    await stop(cases)
  }
}

async function billed(stage: Stage): Promise<Billed[]> {
  const billed: Billed[] = []
  for (const lines of billingSizes) {
    progress(`opening and billing ${lines} credit lines`)
    billed.push(await bill(stage, lines))
  }
  return billed
}

async function stop(cases: Case[]): Promise<void> {
  for (const { load, worker } of cases.splice(0)) {
    load.stop()
    await worker.stop()
  }
}

function progress(sentence: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${sentence}\n`)
}
