/** The running parts of a lab: chain, node, origin, card processor and Worker, all on one clock. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Response } from 'miniflare'
import { GAS_VARS, type LocalAccount, type LocalChain, startChain } from '../testing/chain/chain.ts'
import { startRpcProxy } from '../testing/chain/rpc-proxy.ts'
import { billingVars, freePort, STRIPE_KEYS } from '../testing/stack/billing.ts'
import { newOperatorKey } from '../testing/stack/keep.ts'
import { traceRuntimes } from '../testing/stack/kill.ts'
import { type Pages, startPages } from '../testing/stack/pages.ts'
import type { WorkerPlan } from '../testing/stack/plan.ts'
import { type RunningWorker, startWorker } from '../testing/stack/workerd.ts'
import { type StripeServer, startStripe } from '../testing/stripe/server.ts'
import { LabClock } from './clock.ts'
import type { LabOptions, Var } from './lab.ts'
import { labPlan } from './plan.ts'
import { type Remote, remoteOf } from './remote.ts'
import { momentMs } from './time.ts'

/** The parts. `node`: the Worker’s own, a proxy in front of the chain. */
export type Stage = {
  url: string
  clock: LabClock
  chain: LocalChain
  node: string
  origin: Pages
  stripe: StripeServer
  worker: RunningWorker
  plan: WorkerPlan
  remote: Remote
  receiver: LocalAccount
  relayer: LocalAccount
  operator: { url: string; token: string }
  /** Kills the runtime with SIGKILL. It restarts by itself. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** Starts the parts, the chain beside the bundle. @throws with what a part has printed if it does not start */
export async function startStage(options: LabOptions): Promise<Stage> {
  const clock = new LabClock(options.start === undefined ? Date.now() : momentMs(options.start))
  const undo: (() => Promise<void>)[] = []
  const stop = async () => {
    for (let step = undo.pop(); step; step = undo.pop()) await step()
  }
  const kept = <Part extends { stop(): Promise<void> }>(part: Part): Part => {
    undo.push(() => part.stop())
    return part
  }
  try {
    const directory = await mkdtemp(join(tmpdir(), 'tab402-lab-'))
    undo.push(() => rm(directory, { recursive: true, force: true }))
    const [port, controlPort, plan, origin, chain, kill] = await Promise.all([
      freePort(),
      freePort(),
      labPlan(options.worker),
      startPages().then(kept),
      startChain({ accounts: 2, startsAt: Math.floor(clock.now() / 1000) }).then(kept),
      traceRuntimes(),
    ])
    const [relayer, receiver] = chain.accounts
    if (!relayer || !receiver) throw new Error('the local chain must have two accounts')
    const url = `http://127.0.0.1:${port}`
    const [proxy, stripe, operatorKey] = await Promise.all([
      startRpcProxy(chain.rpcUrl).then(kept),
      startStripe({ webhook: `${url}/_tab402/stripe`, now: () => clock.now(), ...STRIPE_KEYS }).then(kept),
      newOperatorKey(),
    ])
    const node = `${proxy.url}/node`
    const [token, key] = [secret(), secret()]
    const worker = await startWorker({
      port,
      directory,
      plan,
      isAlone: true,
      registry: (options.sites ?? []).length > 0,
      socket: { entrypoint: 'Lab', port: controlPort },
      services: { LAB: () => new Response(`${clock.offsetMs}`) },
      vars: {
        ORIGIN: origin.url,
        RECEIVER: receiver.address,
        RPC_URL: node,
        RELAYER_KEY: relayer.privateKey,
        OPERATOR_TOKEN_SHA256: createHash('sha256').update(token).digest('hex'),
        SITES_AHEAD_SECONDS: '0',
        ...GAS_VARS,
        ...billingVars({ publicUrl: url, operatorKey, stripeUrl: stripe.url }),
        ...textOf(options.policy ?? {}),
        LAB_KEY: key,
        LAB_OBJECTS: JSON.stringify(objectsOf(plan)),
      },
      log: options.log ?? (() => {}),
    }).then(kept)
    const remote = remoteOf(controlPort, key)
    await remote({ do: 'clock', offsetMs: clock.offsetMs })
    const operator = { url: `${url}/_tab402/api`, token }
    const parts = {
      url,
      clock,
      chain,
      node,
      origin,
      stripe,
      worker,
      plan,
      remote,
      receiver,
      relayer,
      operator,
    }
    return { ...parts, kill: () => kill(port), stop }
  } catch (cause) {
    await stop()
    throw cause
  }
}

/** The binding of each class of objects. */
function objectsOf({ options }: WorkerPlan): Record<string, string> {
  const bound = Object.entries(options.durableObjects ?? {})
  return {
    Sites: 'SITES',
    ...Object.fromEntries(bound.map(([binding, { className }]) => [className, binding])),
  }
}

function textOf(policy: Readonly<Record<string, Var>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(policy).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : `${value}`,
    ]),
  )
}

function secret(): string {
  return randomBytes(24).toString('base64url')
}
