/** `tab402 init`: from nothing to a page that a crawler has paid for. */
import { bold, CommandError, parse, talk, UsageError } from './command.ts'
import { ANSWERS, collectAnswers, type GivenAnswers, PUBLIC_NODES } from './init/answers.ts'
import { nodeOf } from './init/chain.ts'
import { console as consoleStep, edge, migrations, route } from './init/deploy.ts'
import { files } from './init/files.ts'
import { gas } from './init/gas.ts'
import { findAccount, look } from './init/look.ts'
import { openPrompt } from './init/prompt.ts'
import { proof } from './init/proof.ts'
import { resources } from './init/resources.ts'
import type { InitRun, InitStep } from './init/run.ts'
import { secrets } from './init/secrets.ts'
import { stateIn } from './init/state.ts'
import { wranglerIn } from './wrangler.ts'

/** The help text of the command. */
export const usage = `Examples:
  tab402 init                                 ask for everything, testnet first
  tab402 init --mode try                      run everything on this machine instead
  tab402 init --dry-run                       say what it would do
  tab402 init --yes --host www.example.com --wallet 0x…

Usage: tab402 init [OPTIONS]

Deploys tab402 in front of your site: config, keys, database, both Workers, gas money, route. It ends with a proof: 402 for a
crawler, 200 for a browser, and one page that was really bought. Run it again after a stop: it goes on where it was.

Options:
  --mode MODE      try, testnet (default) or mainnet
  --host HOST      the host of your site
  --zone ZONE      the zone at Cloudflare that it is in
  --origin URL     zone (default): your server behind this host; or the https URL of a server with another name
  --wallet 0x…     your wallet, which receives the money
  --console HOST   the host of the console, or none (console.ZONE)
  --name NAME      the name of the Worker (tab402)
  --path PATH      a page that crawlers pay for, which is bought at the end (/)
  --yes            ask nothing: take the defaults, and the answers of an earlier run
  --dry-run        make no change: check tools, server and wallet, and print the steps

Environment:
  RPC_URL                 a node of the network (a public one)
  OPERATOR_TOKEN          your own token instead of a new one; with it a later run finds the purchase
  RELAYER_KEY             a key of your own instead of a new one
  KEY                     a wallet with USDC that makes the purchase, instead of a new one
  CLOUDFLARE_ACCOUNT_ID   the account, where you have several

Secrets go to Cloudflare through standard input. Answers are kept in .tab402, which git ignores; secrets are not.
Exit codes: 0 done, 1 a step failed, 2 wrong usage.`

/** Every step after the answers, in order. */
const STEPS: readonly InitStep[] = [
  look,
  files,
  resources,
  migrations,
  secrets,
  edge,
  consoleStep,
  gas,
  route,
  proof,
]

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values, positionals } = parse(args, {
    ...{ mode: text, host: text, zone: text, origin: text, wallet: text },
    ...{ console: text, name: text, path: text },
    yes: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
  })
  if (positionals.length > 0) throw new UsageError('init must be called with options only.')
  const isDry = values['dry-run'] === true
  const given: GivenAnswers = {}
  for (const name of ANSWERS) if (values[name] !== undefined) given[name] = values[name]
  const deployment = await prepare(given, values.yes === true, isDry)
  if (deployment === null) {
    talk('Starting everything on this machine.')
    return (await import('./start.ts')).run([])
  }
  for (const [at, step] of STEPS.entries()) {
    talk(bold(`${at + 1}/${STEPS.length} ${step.title(deployment)}`))
    if (!isDry || step.isRead) await step.run(deployment)
  }
  talk(
    isDry
      ? 'Nothing was changed.'
      : `\nDone. ${deployment.answers.url} is paid for by crawlers and free for people.`,
  )
  return 0
}

/** Collects the answers and checks the account. Null for the mode `try`. Stores the answers, unless it is a dry run. */
async function prepare(given: GivenAnswers, isSilent: boolean, isDry: boolean): Promise<InitRun | null> {
  const cwd = process.cwd()
  const { RPC_URL, OPERATOR_TOKEN, RELAYER_KEY, KEY, CLOUDFLARE_ACCOUNT_ID } = process.env
  const prompt = openPrompt(isSilent)
  const store = stateIn(cwd)
  const state = await store.read()
  const keep = async (answers: GivenAnswers) => {
    if (!isDry) await store.write({ ...state, answers })
  }
  const answers = await collectAnswers(given, state.answers, prompt, keep)
  if (answers === null) return null
  for (const [name, key] of Object.entries({ RELAYER_KEY, KEY }))
    if (key && !/^0x[0-9a-fA-F]{64}$/.test(key)) throw new UsageError(`${name} must be 0x and 64 hex digits.`)
  const env = { ...process.env, ...(CLOUDFLARE_ACCOUNT_ID && { CLOUDFLARE_ACCOUNT_ID }) }
  const account = await findAccount(wranglerIn(cwd, env), prompt, CLOUDFLARE_ACCOUNT_ID || undefined, talk)
  const initial = PUBLIC_NODES[answers.network.id] ?? ''
  const rpcUrl = RPC_URL || ((await prompt.text(`A node of ${answers.network.title}`, initial)) ?? initial)
  if (!/^https?:$/.test(URL.parse(rpcUrl)?.protocol ?? ''))
    throw new CommandError('RPC_URL must be the URL of a node.')
  const { network: _, url: __, ...plain } = answers
  state.answers = plain
  return {
    cwd,
    answers,
    state,
    store,
    wrangler: wranglerIn(cwd, { ...env, CLOUDFLARE_ACCOUNT_ID: account }),
    node: await nodeOf(rpcUrl, answers.network),
    rpcUrl,
    prompt,
    own: {
      relayerKey: RELAYER_KEY || undefined,
      token: OPERATOR_TOKEN || undefined,
      payerKey: KEY || undefined,
    },
    say: talk,
    wait: (ms) => new Promise((done) => setTimeout(done, ms)),
    now: Date.now,
  }
}
