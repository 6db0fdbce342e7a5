/** The process that holds a stack: starts its parts, prints when they are ready, and stops them at SIGTERM. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { GAS_VARS, startChain } from '../chain/chain.ts'
import { startStripe } from '../stripe/server.ts'
import { billingVars, freePort, STRIPE_KEYS } from './billing.ts'
import { openKeep } from './keep.ts'
import { startOrigin } from './origin.ts'
import { writeSample } from './sample.ts'
import { signInLink } from './sign-in.ts'
import { publishSites } from './sites.ts'
import { READY, type StackFacts, type StackOptions } from './stack.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as StackOptions
/** How to undo what was started, the last first. */
const undo: (() => Promise<void>)[] = []
let ending = false
const WATCH_MS = 300_000

const starting = start()
process.on('SIGTERM', () => end(0))
starting.then(
  (facts) => process.stdout.write(`${READY}${JSON.stringify(facts)}\n`),
  (cause) => {
    process.stderr.write(`${cause instanceof Error ? cause.message : cause}\n`)
    end(1)
  },
)

async function start(): Promise<StackFacts> {
  const today = new Date().toISOString().slice(0, 10)
  const keep = await openKeep(options.stateDir, { sampleBefore: options.sample ? today : undefined })
  undo.push(keep.close)
  // The chain and the Worker's tools take about as long to load: side by side.
  const [chain, { startWorker }, site] = await Promise.all([
    startChain({
      ...(options.chainPort !== undefined && { port: options.chainPort }),
      statePath: join(keep.directory, 'chain.json'),
    }).then(started),
    import('./workerd.ts'),
    options.originUrl === undefined
      ? startOrigin(options.originPort).then(started)
      : { url: new URL(options.originUrl).origin },
  ])
  const [relayer, receiver] = chain.accounts.slice(-2)
  if (!relayer || !receiver) throw new Error('the local chain has too few accounts')
  const port = options.port || (await freePort())
  const publicUrl = `http://127.0.0.1:${port}`
  const webhook = `${publicUrl}/_tab402/stripe`
  const statePath = join(keep.directory, 'stripe.json')
  const stripe = await startStripe({ webhook, statePath, ...STRIPE_KEYS }).then(started)
  const worker = await startWorker({
    port,
    directory: join(keep.directory, 'worker'),
    registry: true,
    ...(keep.sampleBefore && { sampleBefore: keep.sampleBefore }),
    vars: {
      ORIGIN: site.url,
      ORIGIN_SECRET: keep.originSecret,
      RECEIVER: receiver.address,
      NETWORK: `eip155:${chain.chainId}`,
      RPC_URL: chain.rpcUrl,
      RELAYER_KEY: relayer.privateKey,
      RELAYER_ADDRESS: relayer.address,
      OPERATOR_TOKEN_SHA256: createHash('sha256').update(keep.operatorToken).digest('hex'),
      // A change of a site takes effect at once: there is one isolate.
      SITES_AHEAD_SECONDS: '0',
      ...GAS_VARS,
      ...billingVars({ publicUrl, operatorKey: keep.operatorKey, stripeUrl: stripe.url }),
      ...options.vars,
    },
    log: (line) => process.stderr.write(`${line}\n`),
  }).then(started)
  const operator = { url: `${worker.url}/_tab402/api`, token: keep.operatorToken }
  const deployment = { url: worker.url, origin: site.url, receiver: receiver.address, operator }
  const sites = await publishSites({ ...deployment, isAlone: options.originUrl !== undefined })
  if (keep.sampleBefore) await writeSample(await worker.book(), Date.parse(keep.sampleBefore))
  await startWatch(worker.url).then(started)
  return {
    url: worker.url,
    origin: site.url,
    rpc: chain.rpcUrl,
    scheduled: `${worker.url}/cdn-cgi/local/scheduled?cron=0+0+*+*+*`,
    usdc: chain.usdc,
    escrow: chain.escrow,
    receiver: receiver.address,
    paths: { free: '/robots.txt', charged: '/articles/tally-sticks' },
    accounts: chain.accounts.slice(0, -2),
    operator,
    sites,
    console: { url: worker.console, login: await signInLink(worker.console, operator) },
  }
}

/** Fires the watch now and every five minutes, as the platform does. */
async function startWatch(url: string): Promise<{ stop(): Promise<void> }> {
  const cron = encodeURIComponent('*/5 * * * *')
  const fire = async () => {
    const fired = await fetch(`${url}/cdn-cgi/local/scheduled?cron=${cron}`)
    if (!fired.ok) process.stderr.write(`the watch has failed: ${await fired.text()}\n`)
  }
  const failed = (cause: unknown) => void process.stderr.write(`the watch was not fired: ${cause}\n`)
  await fire()
  const timer = setInterval(() => void fire().catch(failed), WATCH_MS)
  return { stop: async () => clearInterval(timer) }
}

/** Notes how to stop a part as soon as it runs. */
function started<Part extends { stop(): Promise<void> }>(part: Part): Part {
  undo.push(() => part.stop())
  return part
}

/** Once. A start under way is let come to its end, so that no part of it comes up after the others are gone. */
async function end(code: number): Promise<void> {
  if (ending) return
  ending = true
  await Promise.allSettled([starting])
  await putAway()
  process.exit(code)
}

async function putAway(): Promise<void> {
  for (let stop = undo.pop(); stop !== undefined; stop = undo.pop()) {
    await stop().catch((cause: unknown) => process.stderr.write(`${cause}\n`))
  }
}
