/** `tab402 swarm`: many crawlers at once, some of which misbehave, with their latency and their money. */
import { LAB_TOOLS, STACK_TOOLS } from '../testing/tools.ts'
import { CommandError, parse, print, printJson, requireTools, talk, UsageError } from './command.ts'
import { resolveLocalhost } from './localhost.ts'
import {
  arrivals,
  lanesOf,
  type Mix,
  MOST_ARRIVALS,
  parseMix,
  parseRate,
  parseSpan,
  SWARM_CRAWLERS,
} from './swarm/mix.ts'
import type { SwarmPayers } from './swarm/payers.ts'
import type { SwarmReport } from './swarm/report.ts'
import { ownTarget } from './swarm/target.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 swarm                                            start a local stack, load it, and stop it
  tab402 swarm --mix honest:80,replayer:5,slow:5,forger:10 --rate 50/s --for 60s --seed 1
  tab402 start --json > stack.json &                      or load a stack that runs
  tab402 swarm http://127.0.0.1:8402/page --stack stack.json
  KEYS=0x…,0x… RPC_URL=https://… tab402 swarm https://staging.example/page --i-own-this

Usage: tab402 swarm [URL] [OPTIONS]

Sends crawlers to one page. They arrive at a steady rate, whether earlier ones were answered or not.
Latency counts from the moment that the plan intended, so a slow server cannot hide behind a slow client.
Each payer opens a channel before the clock starts. Afterwards the ledger is compared with what was delivered.

Options:
  --mix LIST       who arrives, by weight (honest:80,replayer:5,slow:5,forger:10)
  --rate RATE      arrivals per second or minute (10/s)
  --for TIME       how long they arrive: ms, s, m or h (10s)
  --seed N         the plan is the same for the same seed (1)
  --stack FILE     what tab402 start --json has printed: its accounts pay, and its ledger is compared
  --json           print the report as one JSON object; amounts are micro-dollars
  --i-own-this     permit a server that is not on this machine. It must be yours

Environment, without --stack:
  KEYS             private keys with commas between, each with USDC: one payer each, and one at least for each crawler
  RPC_URL          a node of the network (test networks only: Base Sepolia)
  OPERATOR_TOKEN   compares the ledger

Exit codes: 0 success, 1 pages served unpaid or charged twice, 2 wrong usage.`

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    mix: { type: 'string', default: 'honest:80,replayer:5,slow:5,forger:10' },
    rate: { type: 'string', default: '10/s' },
    for: { type: 'string', default: '10s' },
    seed: { type: 'string', default: '1' },
    stack: { type: 'string' },
    json: { type: 'boolean' },
    'i-own-this': { type: 'boolean' },
  })
  const [target, ...more] = positionals
  if (more.length > 0) throw new UsageError('swarm must be called with one URL at most.')
  const url = target === undefined ? undefined : ownTarget(target, values['i-own-this'] === true)
  const load = loadOf(values)
  resolveLocalhost()
  requireTools(url === undefined ? [...new Set([...STACK_TOOLS, ...LAB_TOOLS])] : LAB_TOOLS)
  const { payersFrom, payersOf, readStack } = await import('./swarm/payers.ts')
  const report =
    url === undefined
      ? await onOwnStack(load, values.stack)
      : await swarm(
          url,
          load,
          values.stack === undefined ? payersFrom(process.env, url) : payersOf(await readStack(values.stack)),
        )
  const { isSound, reportText } = await import('./swarm/report.ts')
  if (values.json) printJson(report)
  else print(reportText(report))
  return isSound(report) === false ? 1 : 0
}

type Load = { mix: Mix; perSecond: number; spanMs: number; seed: number }

function loadOf(values: { mix: string; rate: string; for: string; seed: string }): Load {
  const mix = parseMix(values.mix)
  if (!mix)
    throw new UsageError(
      `--mix must be NAME:WEIGHT pairs with commas between, of ${SWARM_CRAWLERS.join(', ')}.`,
    )
  const perSecond = parseRate(values.rate)
  if (!perSecond) throw new UsageError('--rate must be like 50/s or 120/m.')
  const spanMs = parseSpan(values.for)
  if (!spanMs) throw new UsageError('--for must be like 60s, 500ms, 5m or 1h.')
  if ((perSecond * spanMs) / 1_000 > MOST_ARRIVALS)
    throw new UsageError(`--rate and --for must be ${MOST_ARRIVALS} arrivals at most.`)
  if (!/^\d{1,9}$/.test(values.seed)) throw new UsageError('--seed must be a whole number up to 999999999.')
  return { mix, perSecond, spanMs, seed: Number(values.seed) }
}

async function onOwnStack(load: Load, stackFile: string | undefined): Promise<SwarmReport> {
  const { payersOf, readStack } = await import('./swarm/payers.ts')
  if (stackFile !== undefined) {
    const facts = await readStack(stackFile)
    return swarm(ownTarget(`${facts.url}${facts.paths.charged}`, false), load, payersOf(facts))
  }
  talk('Starting a local stack.')
  const { startStack } = await import('../testing/stack/stack.ts')
  const stack = await startStack()
  try {
    return await swarm(`${stack.url}${stack.paths.charged}`, load, payersOf(stack))
  } finally {
    await stack.stop()
  }
}

async function swarm(url: string, load: Load, payers: SwarmPayers): Promise<SwarmReport> {
  const { mix, perSecond, spanMs, seed } = load
  const shares = lanesOf(mix, payers.wallets.length)
  if (!shares)
    throw new CommandError(`--mix has ${mix.length} crawlers, and there must be as many payers at least.`)
  const [{ openLanes }, { runSwarm }, { moneyOf, readFigures }, { percentiles }, { randomFrom }] =
    await Promise.all([
      import('./swarm/lanes.ts'),
      import('./swarm/run.ts'),
      import('./swarm/money.ts'),
      import('./swarm/latency.ts'),
      import('../lab/crawlers/kit.ts'),
    ])
  const lanes = await openLanes(url, payers, shares, seed)
  const plan = arrivals(mix, perSecond, spanMs, randomFrom(seed))
  talk(`${plan.length} arrivals to ${url} by ${lanes.length} payers.`)
  const before = await readFigures(lanes, payers.operator)
  const then = lanes.map(({ tally }) => structuredClone(tally()))
  let isStopped = false
  const stop = () => {
    isStopped = true
  }
  process.once('SIGINT', stop)
  const startedAt = performance.now()
  const { latencies, failures } = await runSwarm(plan, lanes, () => isStopped)
  process.off('SIGINT', stop)
  const seconds = Math.round((performance.now() - startedAt) / 10) / 100
  const after = await readFigures(lanes, payers.operator)
  const counted = (of: 'byStatus' | 'byReason') => {
    const counts: Record<string, number> = {}
    lanes.forEach(({ tally }, lane) => {
      for (const [name, count] of Object.entries(tally()[of])) {
        const more = count - (then[lane]?.[of][name] ?? 0)
        if (more > 0) counts[name] = (counts[name] ?? 0) + more
      }
    })
    return counts
  }
  const byStatus = counted('byStatus')
  return {
    version: 1,
    url,
    seed,
    arrivals: [...latencies.values()].reduce((sum, list) => sum + list.length, 0),
    seconds,
    latency: Object.fromEntries([...latencies].map(([name, list]) => [name, percentiles(list)])),
    requests: Object.values(byStatus).reduce((sum, count) => sum + count, 0),
    byStatus,
    refused: counted('byReason'),
    money: moneyOf(before, after),
    failures: Object.fromEntries(failures),
  }
}
