/** The running parts of a lab: chain, node, origin, card processor and Worker, all on one clock. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Response } from 'miniflare'
import type { Address } from '../protocol/evm/hex.ts'
import { GAS_VARS, type LocalAccount, type LocalChain, startChain } from '../testing/chain/chain.ts'
import { type RpcFault, type Seen, startRpcProxy } from '../testing/chain/rpc-proxy.ts'
import { billingVars, freePort, STRIPE_KEYS } from '../testing/stack/billing.ts'
import { newOperatorKey } from '../testing/stack/keep.ts'
import { traceRuntimes } from '../testing/stack/kill.ts'
import { type LocalPages, startPages } from '../testing/stack/pages.ts'
import type { WorkerPlan } from '../testing/stack/plan.ts'
import { type RunningWorker, startWorker, type WorkerOptions } from '../testing/stack/workerd.ts'
import { type StripeServer, startStripe } from '../testing/stripe/server.ts'
import { LabClock } from './clock.ts'
import { type LabFacilitator, startFacilitator } from './facilitator/facilitator.ts'
import type { LabOptions, Var } from './lab.ts'
import { labPlan } from './plan.ts'
import { mustBePolicy } from './policy.ts'
import { type Remote, remoteOf } from './remote.ts'
import { momentMs } from './time.ts'

/** A folder in memory, where Linux has one: the runtime waits for the disk after each write. */
const MEMORY = '/dev/shm'

/** The parts. `node`: the Worker’s own, a proxy in front of the chain. */
export type LabStage = {
  url: string
  clock: LabClock
  chain: LocalChain
  node: string
  /** The faults of that node, changed in place. */
  nodeFaults: RpcFault[]
  /** The calls of the node that went through the proxy. */
  nodeCalls: readonly Seen[]
  origin: LocalPages
  /** Null where the Worker’s own relayer sends payments by `exact`. */
  facilitator: LabFacilitator | null
  stripe: StripeServer
  worker: RunningWorker
  plan: WorkerPlan
  remote: Remote
  /** The wallet that `RECEIVER` names. */
  receiver: Address
  /** The wallets of sites that receive themselves. */
  receivers: Address[]
  relayer: LocalAccount
  operator: { url: string; token: string }
  /** Kills the runtime with SIGKILL. It restarts by itself. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** Starts the parts, the chain beside the bundle. @throws with what a part has printed if it does not start */
export async function startStage(options: LabOptions, planned = labPlan(options.worker)): Promise<LabStage> {
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
    const directory = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'tab402-lab-'))
    undo.push(() => rm(directory, { recursive: true, force: true }))
    const [port, controlPort, plan, origin, chain, kill] = await Promise.all([
      freePort(),
      freePort(),
      planned,
      startPages().then(kept),
      startChain({
        accounts: 3,
        balance: 0n,
        startsAt: Math.floor(clock.now() / 1000),
        scratch: directory,
      }).then(kept),
      traceRuntimes(),
    ])
    const [relayer, receiver, wallet] = chain.accounts
    if (!relayer || !receiver || !wallet) throw new Error('the local chain must have three accounts')
    const url = `http://127.0.0.1:${port}`
    const setup = { offset: clock.shared, rpcUrl: chain.rpcUrl, wallet }
    const [proxy, facilitator, stripe, operatorKey] = await Promise.all([
      startRpcProxy(chain.rpcUrl).then(kept),
      options.facilitator === 'hosted' ? startFacilitator(setup).then(kept) : null,
      startStripe({ webhook: `${url}/_tab402/stripe`, now: () => clock.now(), ...STRIPE_KEYS }).then(kept),
      newOperatorKey(),
    ])
    const [node, token, key] = [`${proxy.url}/node`, secret(), secret()]
    const vars: Record<string, string> = {
      ...varsOf({ relayer, receiver, node, token }),
      ...(facilitator && { FACILITATOR_URL: facilitator.url }),
      ...sellerVars(options, plan, { origin, stripe, url, operatorKey }),
      ...textOf(options.policy ?? {}),
    }
    if (options.worker === undefined) mustBePolicy(plan, vars, options.policy)
    const worker = await startWorker({
      port,
      directory,
      plan,
      isAlone: true,
      registry: (options.sites ?? []).length > 0,
      socket: { entrypoint: 'LabControl', port: controlPort },
      services: servicesOf(clock, chain),
      vars: {
        ...vars,
        LAB_KEY: key,
        LAB_OBJECTS: JSON.stringify(objectsOf(plan)),
        LAB_LIMITS: JSON.stringify(Object.keys(plan.options.ratelimits ?? {})),
      },
      log: options.log ?? (() => {}),
    }).then(kept)
    const remote = remoteOf(controlPort, key)
    const parts: LabStage = {
      ...{ url, clock, chain, node, origin, facilitator, stripe },
      ...{ worker, plan, remote, relayer, stop },
      receiver: vars.RECEIVER as Address,
      receivers: (options.sites ?? []).flatMap(({ receiver }) => receiver ?? []),
      nodeFaults: proxy.faults('node'),
      nodeCalls: proxy.seen('node'),
      operator: { url: `${url}/_tab402/api`, token },
      kill: () => kill(port),
    }
    await Promise.all([remote({ do: 'clock', offsetMs: clock.offsetMs }), openNode(parts)])
    return parts
  } catch (cause) {
    await stop()
    throw cause
  }
}

/** Lets the Worker reach the chain past the proxy, unless the node has a fault. */
export async function openNode({
  remote,
  node,
  nodeFaults,
}: Pick<LabStage, 'remote' | 'node' | 'nodeFaults'>): Promise<void> {
  await remote({ do: 'node', url: nodeFaults.length > 0 ? null : node })
}

/** The services of this process and of this machine that the Worker calls. */
function servicesOf(clock: LabClock, { rpcUrl }: LocalChain): NonNullable<WorkerOptions['services']> {
  return {
    LAB: () => new Response(`${clock.offsetMs}`),
    LAB_NODE: { external: { address: new URL(rpcUrl).host, http: {} } },
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

type Parties = { relayer: LocalAccount; receiver: LocalAccount; node: string; token: string }

function varsOf({ relayer, receiver, node, token }: Parties): Record<string, string> {
  return {
    RECEIVER: receiver.address,
    RPC_URL: node,
    RELAYER_KEY: relayer.privateKey,
    OPERATOR_TOKEN_SHA256: createHash('sha256').update(token).digest('hex'),
    SITES_AHEAD_SECONDS: '0',
    ...GAS_VARS,
  }
}

type Seller = { origin: LocalPages; stripe: StripeServer; url: string; operatorKey: string }

/** A Worker that sells on credit needs a key and an address. Somebody's own Worker without credit must have neither. */
function sellerVars(
  { worker }: LabOptions,
  { options }: WorkerPlan,
  { origin, stripe, url, operatorKey }: Seller,
): Record<string, string> {
  if (worker === undefined)
    return { ORIGIN: origin.url, ...billingVars({ publicUrl: url, operatorKey, stripeUrl: stripe.url }) }
  return options.durableObjects?.LINES ? { PUBLIC_URL: url, OPERATOR_KEY: operatorKey } : {}
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
