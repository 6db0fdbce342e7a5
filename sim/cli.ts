/** The command line of the simulator. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { campaign } from './campaign.ts'
import { takeOld } from './code.ts'
import { judge } from './judge.ts'
import { prepare } from './prepare.ts'
import { commandOf, shrink } from './shrink.ts'
import { run, type Size } from './story.ts'

const OPTIONS = {
  seeds: { type: 'string', default: '20' },
  from: { type: 'string', default: '1' },
  threads: { type: 'string', default: '2' },
  seed: { type: 'string' },
  size: { type: 'string' },
  old: { type: 'string' },
  faults: { type: 'string' },
  trace: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  until: { type: 'string' },
  mutants: { type: 'boolean', default: false },
  only: { type: 'string' },
  skip: { type: 'string', default: '' },
} as const

type Values = ReturnType<typeof valuesOf>

/** Events that must happen sometimes in a campaign: one that never happens is not tested. */
const SOMETIMES = [
  'crash with unflushed writes',
  'transaction dropped',
  'reorg lost a transaction',
  'reorg took a payment back',
  'reorg undid a refund',
  'transaction reverted',
  'withdrawal',
  'claimed the whole balance',
  'corrective 402',
  'cron twice',
  'cron missed',
  'run killed',
  'deposit',
  'refund',
  'account balance',
  'page delivered',
  'page delivered for exact',
  'isolate restarted',
  'client gave up',
  'page delivered on credit',
  'forged voucher',
  'reuse: same request',
  'reuse: other page',
  'reuse: same nonce',
  'reuse: after its end',
  'agent suspended',
  'agent resumed',
  'while suspended: refused',
  'on credit in peace: served',
  'on credit in peace: refused',
  'statement',
  'invoice',
  'invoice at stripe',
  'redeemed by an invoice',
  'invoice paid twice at once',
  'invoice paid on chain',
  'invoice overpaid',
  'card declined',
  'payment disputed',
  'transfer noted',
  'credit note',
  'release credited',
  'stage: past_due',
  'stage: written_off',
  'stage: settled',
]
/** A campaign of so many seeds must have seen all of it. */
const ENOUGH = 5_000

/** Runs the command. */
export async function main(args: string[]): Promise<void> {
  const values = valuesOf(args)
  if (values.old !== undefined) takeOld(values.old)
  const ok = values.mutants
    ? await judge(values, console.log.bind(console))
    : values.seed === undefined
      ? await runMany(values)
      : await runOne(values, Number(values.seed))
  process.exitCode = ok ? 0 : 1
}

function valuesOf(args: string[]) {
  return parseArgs({ args, options: OPTIONS }).values
}

/** One run, with its trace; a failing one is shrunk unless it is asked for with its faults. */
async function runOne({ size, faults, trace, old }: Values, seed: number): Promise<boolean> {
  await prepare(20)
  const only = faults === undefined ? undefined : new Set(faults.split(',').filter((id) => id !== ''))
  const ended = await run({ seed, size: sizeOf(size), allowed: { only }, isTraced: trace })
  for (const line of trace ? ended.recent : []) console.log(line)
  console.log(`seed ${seed}: ${ended.events} events, ${ended.struck.length} faults, trace ${ended.digest}`)
  if (!ended.broken) return true
  console.log(`${ended.broken.id} ${ended.broken.message}`)
  if (only) return false
  const small = await shrink(ended)
  console.log(`the last events of the smallest run:\n${small.ended.recent.slice(-30).join('\n')}`)
  console.log(
    `${ended.broken.id} seed ${seed}: ${small.ended.broken?.message}\n${commandOf(small)}${old === undefined ? '' : ` --old ${old}`}`,
  )
  return false
}

/** Runs of many seeds, those that have failed before first. The first that fails is shrunk. */
async function runMany(values: Values): Promise<boolean> {
  const first = Number(values.from)
  const known = JSON.parse(readFileSync(new URL('./seeds.json', import.meta.url), 'utf8')) as number[]
  const more = Array.from({ length: Number(values.seeds) }, (_, at) => first + at)
  const skipped = new Set(values.skip.split(',').filter(Boolean).map(Number))
  const seeds = [...new Set([...(first === 1 ? known : []), ...more])].filter((seed) => !skipped.has(seed))
  const counts: Record<string, number> = {}
  const broken: { id: string; message: string; seed: number }[] = []
  const began = performance.now()
  let ran = 0
  await campaign(
    seeds,
    Number(values.threads),
    (outcome) => {
      ran++
      for (const [what, times] of Object.entries({ ...outcome.counts, events: outcome.events }))
        counts[what] = (counts[what] ?? 0) + times
      if (!outcome.broken) return true
      broken.push({ ...outcome.broken, seed: outcome.seed })
      if (!values.json) console.log(`seed ${outcome.seed} ${outcome.broken.id} ${outcome.broken.message}`)
      return values.until !== 'any' && values.until !== outcome.broken.id
    },
    sizeOf(values.size),
  )
  const { user, system } = process.cpuUsage()
  const cost = {
    seconds: Math.round((performance.now() - began) / 1000),
    cpuSeconds: Math.round((user + system) / 1e6),
  }
  if (values.json) console.log(JSON.stringify({ ran, broken, counts, ...cost }))
  else console.log(counts, { ran, broken: broken.length, ...cost })
  const never = ran >= ENOUGH ? SOMETIMES.filter((what) => !counts[what]) : []
  if (never.length > 0) console.log(`never happened: ${never.join(', ')}`)
  const [worst] = broken
  if (worst && !values.json) await runOne(values, worst.seed)
  return broken.length + never.length === 0
}

function sizeOf(text: string | undefined): Partial<Size> {
  const pairs = (text ?? '').split(',').filter((pair) => pair !== '')
  return Object.fromEntries(
    pairs.map((pair) => pair.split('=')).map(([name, value]) => [name, Number(value)]),
  )
}
