/** `tab402 start`: runs the whole stack on this machine until Ctrl-C. */
import { STACK_TOOLS } from '../testing/tools.ts'
import { bold, CommandError, parse, print, printJson, requireTools, talk, UsageError } from './command.ts'
import type { StartFacts } from './try.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 start                                  run everything on free ports
  tab402 start --examples                       and print every command to try
  tab402 start --origin http://localhost:8080   in front of your own site
  tab402 start --empty                          without the sample figures
  tab402 start --state-dir ~/tab402             keep the data for the next start
  tab402 start --json | jq -r .url              print the facts of the stack as JSON

Usage: tab402 start [OPTIONS]

Runs a chain, a sample site, the Worker, its console and a playground on 127.0.0.1. Ctrl-C stops all of them.
When the stack can be used, one line on stdout gives its addresses and keys: "ready " and a JSON object.

Options (and the environment variables that set the same):
  --examples            print all commands to try, not only the first four
  --origin URL          ORIGIN_URL: the server to protect instead of the sample site
  --state-dir DIR       STATE_DIR: keep the chain, the ledger and the secrets there
  --empty               leave out the sample figures of thirty days. Your own site never has them
  --port PORT           PORT: of the Worker. Every port is a free one by default
  --chain-port PORT     CHAIN_PORT: of the chain
  --origin-port PORT    ORIGIN_PORT: of the sample site
  --json                print the JSON object alone, without "ready " and without advice`

/** Signals that end the stack. No process outlives any of them, nor a SIGKILL, which only leaves the file of `known-stacks.ts`. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const PARENT_CHECK_MS = 250

type Settings = {
  port?: string
  'chain-port'?: string
  'origin-port'?: string
  origin?: string
  'state-dir'?: string
  empty?: boolean
}

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    examples: { type: 'boolean' },
    json: { type: 'boolean' },
    empty: { type: 'boolean' },
    origin: { type: 'string' },
    'state-dir': { type: 'string' },
    port: { type: 'string' },
    'chain-port': { type: 'string' },
    'origin-port': { type: 'string' },
  })
  if (positionals.length > 0) throw new UsageError('start must be called with options only.')
  const options = stackOptions(values, process.env)
  requireTools(STACK_TOOLS)
  const { READY, startStack } = await import('../testing/stack/stack.ts')
  let stopping = false
  let ready = false
  let forget = async () => {}
  // Until the stack is ready, its output is part of the error that says why it did not start.
  const starting = startStack(options, (line) => ready && talk(line)).catch(explain)
  const stop = async () => {
    stopping = true
    await Promise.all([forget(), (await starting).stop()])
    process.exit(0)
  }
  for (const signal of SIGNALS) process.on(signal, stop)
  if (process.env.npm_lifecycle_event ?? process.env.NODE_RUN_SCRIPT_NAME) stopWithoutParent(stop)
  const { ended, stop: _, ...stack } = await starting
  const { startPlayground } = await import('./playground/server.ts')
  const playground = await startPlayground(stack, options.originUrl !== undefined)
  const facts: StartFacts = { ...stack, playground: { url: playground.url } }
  const { noteStack } = await import('./known-stacks.ts')
  forget = await noteStack(facts)
  ready = true
  if (values.json) printJson(facts)
  else {
    const { adviceFor } = await import('./try.ts')
    const path = options.originUrl === undefined ? facts.paths.charged : '/'
    talk(adviceFor(facts, { path, all: values.examples === true }))
    print(`${READY}${JSON.stringify(facts)}`)
  }
  await ended
  await Promise.all([forget(), playground.stop()])
  if (stopping) return 0
  talk(`${bold('tab402 start:')} the stack ended by itself.`)
  return 1
}

function explain(cause: unknown): never {
  const message = cause instanceof Error ? cause.message : String(cause)
  const advice = /address already in use/i.test(message)
    ? '\nLeave out PORT, CHAIN_PORT and ORIGIN_PORT to use free ports.'
    : ''
  throw new CommandError(`${message}${advice}`)
}

/** Options win over environment variables. An empty variable counts as unset. */
function stackOptions(options: Settings, env: NodeJS.ProcessEnv) {
  const port = options.port ?? env.PORT
  const chainPort = options['chain-port'] ?? env.CHAIN_PORT
  const originPort = options['origin-port'] ?? env.ORIGIN_PORT
  const originUrl = options.origin ?? env.ORIGIN_URL
  const stateDir = options['state-dir'] ?? env.STATE_DIR
  return {
    ...(port && { port: parsePort('PORT', port) }),
    ...(chainPort && { chainPort: parsePort('CHAIN_PORT', chainPort) }),
    ...(originPort && { originPort: parsePort('ORIGIN_PORT', originPort) }),
    ...(originUrl && { originUrl: parseServer(originUrl) }),
    ...(stateDir && { stateDir }),
    ...(!options.empty && !originUrl && { sample: true }),
  }
}

function parseServer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!/^https?:$/.test(url?.protocol ?? '') || url?.href !== `${url?.origin}/`)
    throw new UsageError(
      'ORIGIN_URL must be the http(s) URL of a server, without a path. Example: http://localhost:8080',
    )
  return url.origin
}

function parsePort(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new UsageError(`${name} must be a port from 0 to 65535. Example: 8402`)
  return port
}

/** A killed script runner sends no signal to its script, but the process then gets another parent. */
function stopWithoutParent(stop: () => Promise<void>): void {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) stop()
  }, PARENT_CHECK_MS).unref()
}
