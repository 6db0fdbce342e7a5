/** `tab402 swarm`: many crawlers at once, some of which misbehave, with their latency and their money. */

import { resolveLocalhost } from '../testing/localhost.ts'
import { LAB_TOOLS, STACK_TOOLS } from '../testing/tools.ts'
import { parse, print, printJson, requireTools, talk, UsageError } from './command.ts'
import type { Load } from './swarm/load.ts'
import { MOST_ARRIVALS, parseMix, parseRate, parseSpan, SWARM_CRAWLERS } from './swarm/mix.ts'
import type { SwarmReport } from './swarm/report.ts'
import { ownTarget } from './swarm/target.ts'

const MOST_NIGHTS = 366

/** The help text of the command. */
export const usage = `Examples:
  tab402 swarm                                     start a local stack, load it, and stop it
  tab402 swarm http://127.0.0.1:8402/articles/tally-sticks   load a page of a running tab402 start
  tab402 swarm --mix honest:80,replayer:5,slow:5,forger:10 --rate 50/s --for 60s --nights 30
  KEYS=0x…,0x… RPC_URL=https://… tab402 swarm https://staging.example/page --i-own-this

Usage: tab402 swarm [URL] [OPTIONS]

Sends crawlers to one page. They arrive at a steady rate, whether earlier ones were answered or not.
Latency counts from the moment that the plan intended, so a slow server cannot hide behind a slow client.
Each payer opens a channel before the clock starts. Afterwards the ledger is compared with what was delivered.

Crawlers of the mix:
  honest           buys the page
  replayer         buys it, then sends one proof three times at once
  slow             buys it, then reads it byte by byte
  forger           forges a header or a term of its payment

Options:
  --mix LIST       who arrives, by weight (honest:80,replayer:5,slow:5,forger:10)
  --rate RATE      arrivals per second or minute (10/s)
  --for TIME       how long they arrive: ms, s, m or h (10s)
  --seed N         the plan is the same for the same seed (1)
  --nights N       then N nights settle the IOUs, one after the other, and each is compared with the chain (0)
  --stack FILE     what tab402 start --json has printed, for a stack that another user has started
  --json           print the report as one JSON object; amounts are micro-dollars
  --i-own-this     permit a server that is not on this machine. It must be yours

Environment, for a server that tab402 start has not started:
  KEYS             private keys with commas between, each with USDC: one payer each, and one at least for each crawler
  RPC_URL          a node of the network (test networks only: Base Sepolia)
  OPERATOR_TOKEN   compares the ledger

Exit codes: 0 success, 1 the money does not add up, 2 wrong usage.`

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    mix: { type: 'string', default: 'honest:80,replayer:5,slow:5,forger:10' },
    rate: { type: 'string', default: '10/s' },
    for: { type: 'string', default: '10s' },
    seed: { type: 'string', default: '1' },
    nights: { type: 'string', default: '0' },
    stack: { type: 'string' },
    json: { type: 'boolean' },
    'i-own-this': { type: 'boolean' },
  })
  const [target, ...more] = positionals
  if (more.length > 0) throw new UsageError('swarm must be called with one URL at most.')
  const url = target === undefined ? undefined : ownTarget(target, values['i-own-this'] === true)
  if (url === undefined && values.stack !== undefined)
    throw new UsageError('--stack must come with the URL of a page of that stack.')
  const load = loadOf(values)
  resolveLocalhost()
  requireTools(url === undefined ? [...new Set([...STACK_TOOLS, ...LAB_TOOLS])] : LAB_TOOLS)
  const report = url === undefined ? await onOwnStack(load) : await onTarget(url, load, values.stack)
  const { isSound, reportText } = await import('./swarm/report.ts')
  if (values.json) printJson(report)
  else print(reportText(report))
  return isSound(report) === false ? 1 : 0
}

type Settings = { mix: string; rate: string; for: string; seed: string; nights: string }

function loadOf(values: Settings): Load {
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
  const nights = /^\d{1,3}$/.test(values.nights) ? Number(values.nights) : Number.NaN
  if (!(nights <= MOST_NIGHTS)) throw new UsageError(`--nights must be a whole number up to ${MOST_NIGHTS}.`)
  return { mix, perSecond, spanMs, seed: Number(values.seed), nights }
}

async function onOwnStack(load: Load): Promise<SwarmReport> {
  const [{ payersOf }, { runLoad }, { startStack }] = await Promise.all([
    import('./swarm/payers.ts'),
    import('./swarm/load.ts'),
    import('../testing/stack/stack.ts'),
  ])
  talk('Starting a local stack.')
  const stack = await startStack()
  try {
    return await runLoad(`${stack.url}${stack.paths.charged}`, load, payersOf(stack))
  } finally {
    await stack.stop()
  }
}

async function onTarget(url: string, load: Load, stackFile: string | undefined): Promise<SwarmReport> {
  const [{ payersFor }, { runLoad }] = await Promise.all([
    import('./swarm/payers.ts'),
    import('./swarm/load.ts'),
  ])
  const payers = await payersFor(url, stackFile, process.env)
  if (load.nights > 0 && payers.stack === null)
    throw new UsageError(
      '--nights must be for a stack of tab402 start: other servers have nightly runs of their own.',
    )
  return runLoad(url, load, payers)
}
