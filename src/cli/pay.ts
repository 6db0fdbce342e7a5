/** `tab402 pay`: buys a page as a crawler does, with the upstream x402 clients. */
import type { Hex } from 'viem'
import { resolveLocalhost } from '../testing/localhost.ts'
import { CommandError, parse, print, printJson, requireTools, UsageError } from './command.ts'

/** The help text of the command. */
export const usage = `Examples:
  KEY=0x… RPC_URL=http://127.0.0.1:8545 tab402 pay exact http://127.0.0.1:8402/page
  KEY=0x… RPC_URL=http://127.0.0.1:8545 tab402 pay channel http://127.0.0.1:8402/page 10
  KEY='{"kty":"OKP",…}' tab402 pay credit http://127.0.0.1:8402/page 20 --json

Usage: tab402 pay exact|channel|credit URL [N] [OPTIONS]

Buys URL N times (once by default) and prints one line per page.
  exact     pays at once by a signed USDC transfer
  channel   deposits into escrow once, then pays by IOUs
  credit    signs each request; the operator must have registered the public key

Options:
  --json           print one JSON object per page; amounts are micro-dollars
  --name NAME      with credit: the crawler's name (ExampleBot)
  --host HOST      with credit: the host that the crawler signs for (crawler.example)

Environment:
  KEY              exact, channel: a private key, 0x and 64 hex digits. credit: an Ed25519 private key as a JWK
  RPC_URL          exact, channel: a node of the network (test networks only: Base Sepolia)`

/** A page, the amount it added to the payer's debt (micro-dollars), and the transaction or an empty string. */
type Paid = { body: string; charged: bigint; transaction: string }
type Buy = (url: string) => Promise<Paid>

/** Runs the command; see {@link usage}. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    json: { type: 'boolean' },
    name: { type: 'string', default: 'ExampleBot' },
    host: { type: 'string', default: 'crawler.example' },
  })
  const [scheme = '', url = '', times = '1', ...more] = positionals
  if (!['exact', 'channel', 'credit'].includes(scheme))
    throw new UsageError('the scheme must be exact, channel or credit.')
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new UsageError('URL must be an http(s) URL.')
  if (!/^[1-9]\d{0,5}$/.test(times)) throw new UsageError('N must be a whole number from 1 to 999999.')
  if (more.length > 0) throw new UsageError('pay must be called with two or three arguments.')
  resolveLocalhost()
  const buy = await buyer(scheme, values)
  let owed = 0n
  for (let time = 1; time <= Number(times); time++) {
    const { body, charged, transaction } = await buy(url).catch(unreachable)
    owed += charged
    if (values.json) printJson({ url, characters: body.length, charged, owed, transaction })
    else print(await describe(body.length, charged > 0n ? owed : 0n, transaction))
  }
  return 0
}

function unreachable(cause: unknown): never {
  const failed = cause instanceof TypeError && cause.message === 'fetch failed'
  throw failed ? new CommandError('URL or RPC_URL could not be reached.') : cause
}

async function describe(characters: number, owed: bigint, transaction: string): Promise<string> {
  const { formatUsd } = await import('./money.ts')
  const parts = [
    `${characters} characters`,
    owed > 0n && `$${formatUsd(owed)} owed`,
    transaction && `transaction ${transaction}`,
  ]
  return parts.filter(Boolean).join(', ')
}

async function buyer(scheme: string, { name, host }: { name: string; host: string }): Promise<Buy> {
  const { KEY = '', RPC_URL = '' } = process.env
  if (scheme === 'credit') {
    const key = parseJwk(KEY)
    requireTools(['@x402/core', 'web-bot-auth'])
    return onCredit(key, name, host)
  }
  if (!/^0x[0-9a-fA-F]{64}$/.test(KEY)) throw new UsageError('KEY must be 0x and 64 hex digits.')
  if (!URL.canParse(RPC_URL)) throw new UsageError('RPC_URL must be the URL of a node.')
  requireTools(['@x402/evm', '@x402/fetch'])
  const { payAtOnce, payByVoucher } = await import('./pay/crawler.ts')
  const crawler = (scheme === 'exact' ? payAtOnce : payByVoucher)(KEY as Hex, RPC_URL)
  return async (page) => {
    const { body, channel, transaction } = await crawler(page)
    return { body, charged: channel?.charged ?? 0n, transaction }
  }
}

/** The parser's own message would echo the key. */
function parseJwk(text: string): JsonWebKey {
  try {
    const key: JsonWebKey | null = JSON.parse(text)
    if (key?.kty === 'OKP' && key.crv === 'Ed25519' && key.x && key.d) return key
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
  }
  throw new UsageError('KEY must be an Ed25519 private key as a JWK, with kty, crv, x and d.')
}

async function onCredit(key: JsonWebKey, name: string, host: string): Promise<Buy> {
  const { signingCrawler } = await import('./pay/agent.ts')
  const crawler = await signingCrawler(name, host, key)
  return async (page) => {
    const answer = await crawler.read(page)
    if (!answer.served) throw new CommandError(`the Worker rejected the payment: ${answer.error}`)
    return { body: answer.body, charged: answer.charged, transaction: '' }
  }
}
