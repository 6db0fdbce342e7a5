/** `npm start`: the whole stack on this machine, left running for a person. Ctrl-C ends it. */
import { createHash, createPrivateKey } from 'node:crypto'
import { READY, type Stack, type StackFacts, type StackOptions, startStack } from '../testing/stack/stack.ts'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** Signals that mean the end. Nothing is left behind by any of them, nor by a SIGKILL. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

let stopping = false
let ready = false
const starting = start()
for (const signal of SIGNALS) process.on(signal, stop)
if (process.env.npm_lifecycle_event ?? process.env.NODE_RUN_SCRIPT_NAME) stopWithoutParent()
const stack = await starting
const { ended, stop: _, ...facts } = stack
ready = true
process.stdout.write(
  `${thingsToTry(facts, process.env.ORIGIN_URL ? '/' : facts.paths.charged)}\n${READY}${JSON.stringify(facts)}\n`,
)
await ended
if (!stopping) {
  console.error('the stack has ended by itself')
  process.exit(1)
}

async function start(): Promise<Stack> {
  try {
    // Until it is ready, what it says is part of the fault that says why it is not.
    return await startStack(optionsOf(process.env), (line) => ready && process.stderr.write(`${line}\n`))
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    console.error(said)
    if (/address already in use/i.test(said))
      console.error('Without PORT, CHAIN_PORT and ORIGIN_PORT every port is a free one.')
    process.exit(1)
  }
}

function optionsOf(env: NodeJS.ProcessEnv): StackOptions {
  const { PORT, CHAIN_PORT, ORIGIN_PORT, ORIGIN_URL, STATE_DIR } = env
  return {
    ...(PORT && { port: portOf('PORT', PORT) }),
    ...(CHAIN_PORT && { chainPort: portOf('CHAIN_PORT', CHAIN_PORT) }),
    ...(ORIGIN_PORT && { originPort: portOf('ORIGIN_PORT', ORIGIN_PORT) }),
    ...(ORIGIN_URL && { originUrl: serverOf(ORIGIN_URL) }),
    ...(STATE_DIR && { stateDir: STATE_DIR }),
  }
}

function serverOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!/^https?:$/.test(url?.protocol ?? ''))
    throw new Error(`ORIGIN_URL is no http(s) URL, such as http://localhost:8080: ${text}`)
  if (url?.href !== `${url?.origin}/`)
    throw new Error(`ORIGIN_URL is more than a server, without a path: ${text}`)
  return url.origin
}

function portOf(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new Error(`${name} is no port: ${text}`)
  return port
}

async function stop(): Promise<void> {
  stopping = true
  await (await starting).stop()
  process.exit(0)
}

/** A script runner that is killed says nothing to what it runs. Without its parent, a process gets another one. */
function stopWithoutParent(): void {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) stop()
  }, 250).unref()
}

/** The key of the example agent: made from a public phrase, worth nothing elsewhere. */
function agentKey(): JsonWebKey {
  const seed = createHash('sha256').update('the agent of npm start').digest()
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({
    format: 'jwk',
  }) as JsonWebKey
}

function thingsToTry(
  { url, origin, rpc, scheduled, paths, accounts, operator }: StackFacts,
  path: string,
): string {
  const page = `${url}${path}`
  const [payer] = accounts
  const api = `-H 'Authorization: Bearer ${operator.token}' ${operator.url}`
  const key = agentKey()
  const { kty, crv, x } = key
  const agent = JSON.stringify({
    id: 'example-bot',
    name: 'ExampleBot',
    url: 'https://crawler.example',
    keys: { keys: [{ kty, crv, x }] },
    creditLimit: '$5',
    period: 'daily',
    rail: 'stablecoin',
    buyer: { name: 'Example Inc.', country: 'US' },
  })
  const pay = `KEY=${payer?.privateKey} RPC_URL=${rpc} npx node src/cli/pay.ts`
  return `
tab402 stands at ${url}, in front of ${origin}.
People read for free; crawlers pay in USDC on a chain that lives on this machine. Ctrl-C ends it all. Try:

  A reader: the article, free.
    curl -s -A '${BROWSER}' ${page}

  A crawler: 402 Payment Required.
    curl -si -A GPTBot ${page}

  What the crawler is offered, decoded.
    curl -s -o /dev/null -D - -A GPTBot ${page} | grep -i '^payment-required:' | cut -d' ' -f2 | tr -d '\\r' | base64 -d

  Always free, for everybody.
    curl -s ${url}${paths.free}

  Pay as a crawler: once and at once, then ten pages on a tab.
    ${pay} exact ${page}
    ${pay} channel ${page} 10

  What is owed, account by account: charged and not yet redeemed, in USD.
    curl -s ${api}/export/accounts.csv

  Midnight, now: the nightly cron claims every tab on the chain.
    curl -s '${scheduled}'

  What the night's run found and moved. It takes a second or two.
    curl -s ${api}/runs

  Give a crawler without a wallet credit, and read twenty pages on it (docs/credit.md says how it signs).
    curl -s ${api}/agents -H 'Content-Type: application/json' -d '${agent}'
    KEY='${JSON.stringify(key)}' npx node src/cli/pay.ts credit ${page} 20

  A midnight a day from now, which bills what was read today. A second or two later: its invoice.
    curl -s "${scheduled}&time=$(( ($(date +%s) + 86400) * 1000 ))"
    curl -s ${api}/invoices

  Pay the invoice: a page behind the same paywall, at its price.
    ${pay} exact "$(curl -s ${api}/invoices | grep -o 'http[^"]*pay?key=[^"]*' | head -1)"
`
}
