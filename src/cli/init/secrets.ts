/** Keys and tokens: made here, sent to Cloudflare through standard input, and kept nowhere else. */
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { describeProblems, readConfig } from '../../config/config.ts'
import { bold, CommandError } from '../command.ts'
import { readSettings } from '../settings.ts'
import { must, secretsOf } from '../wrangler.ts'
import { EDGE, type InitRun, type InitStep, markDone } from './run.ts'

const NAMES = ['RPC_URL', 'RELAYER_KEY', 'ORIGIN_SECRET', 'OPERATOR_TOKEN_SHA256'] as const
type SecretName = (typeof NAMES)[number]

/**
 * Sends the secrets that the Worker lacks. One that it has is never replaced: the key of a relayer holds gas money, and signs
 * for the channels of a deployment.
 */
export const secrets: InitStep = {
  id: 'secrets',
  title: () => `make a relayer key, a token and an origin secret, and send them with RPC_URL to Cloudflare`,
  async run(deployment) {
    const { wrangler, say, state, store } = deployment
    const has = new Set(await secretsOf(wrangler, EDGE))
    const missing = NAMES.filter((name) => !has.has(name))
    if (missing.length === 0) {
      say('The Worker has its secrets.')
      return markDone(deployment, 'secrets')
    }
    const made = make(deployment, missing)
    await assertValid(deployment, made.values)
    if (made.relayer) state.relayer = made.relayer
    // The address comes first: a run that is killed after the next call has lost nothing but the token on the screen.
    await store.write(state)
    for (const line of made.shown) say(line)
    await must(wrangler, ['secret', 'bulk', '--config', EDGE], JSON.stringify(made.values))
    if (made.token) deployment.own.token = made.token
    say(`Sent to Cloudflare: ${missing.join(', ')}`)
    await markDone(deployment, 'secrets')
  },
}

type Made = {
  values: Partial<Record<SecretName, string>>
  relayer?: string
  token?: string
  /** Lines with secrets that the operator needs: they are shown once. */
  shown: string[]
}

function make({ rpcUrl, own }: InitRun, missing: readonly SecretName[]): Made {
  const made: Made = { values: {}, shown: [] }
  const lacks = (name: SecretName) => missing.includes(name)
  if (lacks('RPC_URL')) made.values.RPC_URL = rpcUrl
  if (lacks('RELAYER_KEY')) {
    const key = own.relayerKey ?? generatePrivateKey()
    made.values.RELAYER_KEY = key
    made.relayer = privateKeyToAddress(key as `0x${string}`).toLowerCase()
  }
  if (lacks('ORIGIN_SECRET')) {
    const secret = randomBytes(32).toString('hex')
    made.values.ORIGIN_SECRET = secret
    made.shown.push(
      '',
      'Have your server reject requests without this header. It is shown once:',
      `  ${bold(`tab402-origin-secret: ${secret}`)}`,
    )
  }
  if (lacks('OPERATOR_TOKEN_SHA256')) {
    const token = own.token ?? randomBytes(32).toString('base64url')
    made.values.OPERATOR_TOKEN_SHA256 = createHash('sha256').update(token).digest('hex')
    made.token = token
    if (own.token === undefined)
      made.shown.push(
        '',
        'Your token for the console and the API. Keep it: it is shown once:',
        `  ${bold(token)}`,
        '',
      )
  }
  return made
}

/** The Worker's own validation, before anything is sent. */
async function assertValid({ cwd }: InitRun, values: Made['values']): Promise<void> {
  const { env } = await readSettings(join(cwd, EDGE), undefined, '--config')
  const stand = Object.fromEntries(NAMES.map((name) => [name, STAND_INS[name]]))
  const read = readConfig({ ...env, ...stand, ...values })
  if (!read.ok) throw new CommandError(`${EDGE}: ${describeProblems(read.problems)}`)
}

/** Valid values for those that Cloudflare has already: no one can read them there. */
const STAND_INS: Readonly<Record<SecretName, string>> = {
  RPC_URL: 'https://node.example',
  RELAYER_KEY: `0x${'1'.repeat(64)}`,
  ORIGIN_SECRET: 'a-secret-that-only-stands-in',
  OPERATOR_TOKEN_SHA256: '0'.repeat(64),
}
