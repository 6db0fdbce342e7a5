/** `tab402 sign`: requests with their payments signed ahead, for load tools that cannot pay. */

import { resolveLocalhost } from '../testing/localhost.ts'
import { PAY_TOOLS } from '../testing/tools.ts'
import { CommandError, parse, print, requireTools, talk, UsageError } from './command.ts'
import { ownTarget } from './swarm/target.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 sign http://127.0.0.1:8402/articles/tally-sticks --count 10000 --format vegeta > targets
  vegeta attack -format=json -targets targets -rate 200 -duration 50s | vegeta report
  KEYS=0x…,0x… RPC_URL=https://… tab402 sign https://staging.example/page --i-own-this --format jsonl

Usage: tab402 sign URL [OPTIONS]

Opens one channel for each payer, deposits what all its requests cost, and prints the requests with their vouchers.
A payer is a lane: the totals of its vouchers ascend, so its requests must be sent in the order of the file.

Options:
  --count N        how many requests (1000)
  --format NAME    jsonl, vegeta (its JSON targets) or k6 (one JSON document with a list for each lane) (jsonl)
  --lanes N        how many payers; all that there are by default
  --stack FILE     what tab402 start --json has printed, for a stack that another user has started
  --i-own-this     permit a server that is not on this machine. It must be yours

Environment, for a server that tab402 start has not started:
  KEYS             private keys with commas between, each with USDC
  RPC_URL          a node of the network (test networks only: Base Sepolia)`

const FORMATS = ['jsonl', 'vegeta', 'k6'] as const
const MOST = 1_000_000

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    count: { type: 'string', default: '1000' },
    format: { type: 'string', default: 'jsonl' },
    lanes: { type: 'string' },
    stack: { type: 'string' },
    'i-own-this': { type: 'boolean' },
  })
  const [target = '', ...more] = positionals
  if (more.length > 0) throw new UsageError('sign must be called with one URL.')
  const url = ownTarget(target, values['i-own-this'] === true)
  const format = FORMATS.find((name) => name === values.format)
  if (!format) throw new UsageError(`--format must be one of ${FORMATS.join(', ')}.`)
  const count = wholeUpTo(MOST, '--count', values.count)
  resolveLocalhost()
  requireTools(PAY_TOOLS)
  const { payersFor } = await import('./swarm/payers.ts')
  const { wallets, rpcUrl } = await payersFor(url, values.stack, process.env)
  const lanes =
    values.lanes === undefined ? wallets.length : wholeUpTo(wallets.length, '--lanes', values.lanes)
  const { signAhead } = await import('./sign/channel.ts')
  const used = wallets.slice(0, Math.min(lanes, count))
  const signed = await Promise.all(
    used.map(({ privateKey }, lane) =>
      signAhead({ url, privateKey, rpcUrl, count: Math.ceil((count - lane) / used.length) }),
    ),
  ).catch((cause: unknown) => {
    throw cause instanceof Error ? new CommandError(cause.message) : cause
  })
  const { requestLines } = await import('./sign/formats.ts')
  for (const line of requestLines(format, url, signed)) print(line)
  talk(`${count} requests in ${used.length} lanes.`)
  return 0
}

function wholeUpTo(most: number, name: string, text: string): number {
  const number = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Number.NaN
  if (!(number <= most)) throw new UsageError(`${name} must be a whole number from 1 to ${most}.`)
  return number
}
