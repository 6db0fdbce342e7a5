/** `npm start`: the whole stack on this machine, left running for a person. Ctrl-C ends it. */
import { READY, type Stack, type StackFacts, type StackOptions, startStack } from '../src/testing/stack.ts'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** Signals that mean the end. Nothing is left behind by any of them, nor by a SIGKILL. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

let stopping = false
const starting = start()
for (const signal of SIGNALS) process.on(signal, stop)
if (process.env.npm_lifecycle_event ?? process.env.NODE_RUN_SCRIPT_NAME) stopWithoutParent()
const stack = await starting
const { ended, stop: _, ...facts } = stack
process.stdout.write(`${thingsToTry(facts)}\n${READY}${JSON.stringify(facts)}\n`)
await ended
if (!stopping) {
  console.error('the stack has ended by itself')
  process.exit(1)
}

async function start(): Promise<Stack> {
  try {
    return await startStack(optionsOf(process.env), (line) => process.stderr.write(`${line}\n`))
  } catch (cause) {
    console.error(cause instanceof Error ? cause.message : cause)
    process.exit(1)
  }
}

function optionsOf(env: NodeJS.ProcessEnv): StackOptions {
  const { PORT, CHAIN_PORT, ORIGIN_PORT, ORIGIN_URL, STATE_DIR } = env
  if (ORIGIN_URL && !URL.canParse(ORIGIN_URL)) throw new Error(`ORIGIN_URL is no URL: ${ORIGIN_URL}`)
  return {
    ...(PORT && { port: portOf('PORT', PORT) }),
    ...(CHAIN_PORT && { chainPort: portOf('CHAIN_PORT', CHAIN_PORT) }),
    ...(ORIGIN_PORT && { originPort: portOf('ORIGIN_PORT', ORIGIN_PORT) }),
    ...(ORIGIN_URL && { originUrl: ORIGIN_URL }),
    ...(STATE_DIR && { stateDir: STATE_DIR }),
  }
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

function thingsToTry({ url, origin, rpc, scheduled, paths, accounts, operator }: StackFacts): string {
  const page = `${url}${paths.charged}`
  const [payer] = accounts
  const api = `-H 'Authorization: Bearer ${operator.token}' ${operator.url}`
  const agent = JSON.stringify({
    id: 'example-bot',
    name: 'ExampleBot',
    url: 'https://crawler.example',
    keys: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '6ZyULSp1U6rr2vyycUlhKHp-pYOMW9IGmD1Z2tOKxqY' }] },
    creditLimit: '$5',
    period: 'daily',
    rail: 'stripe',
    buyer: { name: 'Example Inc.', country: 'US' },
  })
  const pay = `KEY=${payer?.privateKey} RPC_URL=${rpc} npx node examples/pay.ts`
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

  What the night's run found and moved.
    curl -s ${api}/runs

  Give a crawler credit (docs/credit.md says how it signs), and see who has some.
    curl -s ${api}/agents -H 'Content-Type: application/json' -d '${agent}'
    curl -s ${api}/agents

  A midnight a day from now, which sends the invoices of today.
    curl -s "${scheduled}&time=$(( ($(date +%s) + 86400) * 1000 ))"
    curl -s ${api}/invoices
`
}
