/** One site in front of its content: the config, made into a gate and an origin. */
import type { BillingContext } from '../billing/context.ts'
import { relayed } from '../chain/facilitator/self.ts'
import type { Chain } from '../chain/rpc.ts'
import { type Config, describeFaults, type Fault, readConfig } from '../config/config.ts'
import type { Directory } from '../identity/directory.ts'
import type { Numbers } from '../ledger/billing/numbers.ts'
import type { Account } from '../ledger/channel/account.ts'
import type { Agents } from '../ledger/credit/agents.ts'
import type { CreditLine } from '../ledger/credit/credit-line.ts'
import type { Authorizations } from '../ledger/exact/authorizations.ts'
import type { CreditSettings, OperatorSettings } from '../operator/settings.ts'
import { type Content, type Gate, gate, type Schemes } from '../paywall/gate.ts'
import { buy, type OriginSettings, pass } from '../paywall/origin.ts'
import { refused } from '../paywall/response.ts'
import type { ExactPayment } from '../protocol/x402/v2.ts'
import { channelScheme } from '../schemes/channel/scheme.ts'
import { type CreditPorts, creditScheme } from '../schemes/credit/scheme.ts'
import { type ExactPorts, exactScheme } from '../schemes/exact/scheme.ts'
import type { Scheme } from '../schemes/scheme.ts'
import type { Payers, Settings } from '../settlement/context.ts'
import type { Cause, Work } from '../settlement/run.ts'
import type { Relayer } from './objects.ts'

/** The bindings of wrangler.toml. Vars and secrets are read by config.ts alone. */
export type Bindings = {
  ACCOUNT: DurableObjectNamespace<Account>
  AUTHORIZATIONS: DurableObjectNamespace<Authorizations>
  RELAYER: DurableObjectNamespace<Relayer>
  BOOK: D1Database
  SETTLEMENT: Workflow<Cause>
  /** How often unknown channels and payers may be looked up on chain. Without it they always may. */
  CHAIN_READS?: RateLimit
  /** Credit: the lines, the registry of agents, their key directories, the numbers of invoices. */
  LINES?: DurableObjectNamespace<CreditLine>
  AGENTS?: DurableObjectNamespace<Agents>
  DIRECTORIES?: DurableObjectNamespace<Directory>
  NUMBERS?: DurableObjectNamespace<Numbers>
  /** How often unknown agents may be looked up in the registry. Without it they always may. */
  AGENT_READS?: RateLimit
}

export type Site = { config: Config; gate: Gate; origin: Content }

const sites = new WeakMap<Config, Site>()

/**
 * The site of these bindings. `terms` take the place of vars of the same name, for a Worker that states its policy in code.
 * A Worker with a faulty policy serves nothing: what it answers instead is returned.
 */
export function siteOf(env: Bindings, terms?: Record<string, unknown>): Site | Response {
  const read = readConfig(env, terms)
  if (!read.ok) return misconfigured(read.faults)
  const known = sites.get(read.config)
  if (known) return known
  const site = build(env, read.config)
  sites.set(read.config, site)
  return site
}

const reported = new WeakSet<readonly Fault[]>()

/** Says once per isolate what is wrong, and to whoever asks only that something is. */
function misconfigured(faults: readonly Fault[]): Response {
  if (!reported.has(faults))
    console.error(`tab402 is misconfigured and serves nothing:\n${describeFaults(faults)}`)
  reported.add(faults)
  return refused({ reason: 'paywall_misconfigured' })
}

function build(env: Bindings, config: Config): Site {
  const schemes = schemesOf(env, config)
  const { policy, cloudflareCharges } = config
  const tools = { now: () => Date.now(), newId: () => crypto.randomUUID() }
  return {
    config,
    gate: gate({ policy, schemes, cloudflareCharges, ...tools }),
    origin: contentOf(env, config),
  }
}

function schemesOf(env: Bindings, config: Config): Schemes {
  const { policy, chain, relayer, maxTimeoutSeconds } = config
  const { network, receiver } = policy
  const exact = exactOf(env, config, { mayLook: mayLook(env, 'unknown-payers') })
  const schemes: Schemes = { ...(exact && { exact }) }
  if (chain && relayer) {
    const { withdrawDelay, minDeposit, maxUnclaimed } = config
    schemes.channel = channelScheme(
      {
        network,
        receiver,
        receiverAuthorizer: relayer.address,
        withdrawDelay,
        minDeposit,
        maxUnclaimed,
        maxTimeoutSeconds,
      },
      {
        accounts: env.ACCOUNT,
        chain,
        relayer: () => relayerOf(env, config),
        mayRead: mayLook(env, 'unknown-channels'),
      },
    )
  }
  const ports = creditPortsOf(env)
  if (config.credit && ports) schemes.credit = creditScheme({ ...config.credit, maxTimeoutSeconds }, ports)
  return schemes
}

/** One bucket for all of a kind: they cost an attacker nothing, so no key of theirs divides them fairly. */
function mayLook({ CHAIN_READS: reads }: Bindings, key: string): () => Promise<boolean> {
  return async () => (await reads?.limit({ key }))?.success ?? true
}

function creditPortsOf(env: Bindings): CreditPorts | undefined {
  const { LINES: lines, AGENTS: agents, DIRECTORIES: directories } = env
  if (!lines || !agents || !directories) return undefined
  return {
    lines,
    agents,
    directories: (url) => directories.getByName(url),
    mayAsk: async () => (await env.AGENT_READS?.limit({ key: 'unknown-agents' }))?.success ?? true,
  }
}

/** `exact` by this config; undefined where nobody settles it. */
export function exactOf(
  env: Bindings,
  config: Config,
  ports: Pick<ExactPorts, 'mayLook'> = {},
): Scheme<ExactPayment> | undefined {
  const { policy, chain, relayer, facilitator, maxTimeoutSeconds } = config
  if (!facilitator && !(chain && relayer)) return undefined
  const { network, receiver } = policy
  return exactScheme(
    { network, receiver, maxTimeoutSeconds },
    { authorizations: env.AUTHORIZATIONS, facilitator: () => facilitatorOf(env, config), ...ports },
  )
}

async function facilitatorOf(env: Bindings, { facilitator, chain, ...config }: Config) {
  if (facilitator) {
    const { remote } = await import('../chain/facilitator/remote.ts')
    return remote({ ...facilitator, ...(chain && { chain }) })
  }
  if (!chain) throw new Error('exact needs a facilitator or a chain')
  return relayed(chain, relayerOf(env, { ...config, chain, facilitator }))
}

/** The relayer of this chain and key: one object owns the key's nonces. */
export function relayerOf(
  env: Pick<Bindings, 'RELAYER'>,
  { policy, relayer }: Config,
): DurableObjectStub<Relayer> {
  return env.RELAYER.getByName(`${policy.network.id}:${relayer?.address}`)
}

/** What there is to settle with these bindings; null when there is nothing, for want of a chain, a key or a seller. */
export function workOf(env: Bindings): Work | null {
  const read = readConfig(env)
  if (!read.ok) throw new Error(describeFaults(read.faults))
  const channels = channelsOf(env, read.config)
  const exact = channels ? null : payersOf(env, read.config)
  const billing = billingOf(env)
  const bill = billing && (async () => (await billing()).bill)
  return channels || exact || bill ? { book: env.BOOK, channels, exact, bill } : null
}

function channelsOf(env: Bindings, config: Config): Settings | null {
  const { chain, relayer } = config
  if (!chain || !relayer) return null
  const { BOOK: book, ACCOUNT: accounts, AUTHORIZATIONS: authorizations } = env
  return { chain, book, accounts, authorizations, relayer: lastingRelayer(env, config) }
}

/** A stub is of no use any more once its object was reset, and a run outlives that: so each call has one of its own. */
function lastingRelayer(env: Bindings, config: Config): Settings['relayer'] {
  const stub = () => relayerOf(env, config)
  return {
    send: (order, waitMs) => stub().send(order, waitMs),
    outcome: (id, waitMs) => stub().outcome(id, waitMs),
    address: () => stub().address(),
  }
}

/** Payers whose payments a facilitator settles; null where none does. */
function payersOf({ BOOK: book, AUTHORIZATIONS: authorizations }: Bindings, config: Config): Payers | null {
  return config.facilitator ? { book, authorizations, chain: config.chain ?? null, relayer: null } : null
}

/** Opens billing for one request or one step; null where nobody is named who sends invoices. Loaded when it is opened. */
export function billingOf(env: Bindings): (() => Promise<BillingContext>) | null {
  const read = readConfig(env)
  if (!read.ok || !read.config.bill) return null
  const { config } = read
  return async () => (await import('./billing.ts')).openBilling(env, config, exactOf(env, config))
}

/** What the operator's API works with. With a faulty config it lets nobody in. */
export function operatorOf(env: Bindings): OperatorSettings {
  const read = readConfig(env)
  const { BOOK: book, ACCOUNT: accounts, AUTHORIZATIONS: authorizations, SETTLEMENT: settlement } = env
  const objects = { book, accounts, authorizations, settlement }
  if (!read.ok) return { tokenSha256: undefined, ...objects }
  const credit = booksOf(env, read.config)
  const billing = billingOf(env)
  const tokenSha256 = read.config.operatorTokenSha256
  return { tokenSha256, ...objects, ...(credit && { credit }), ...(billing && { billing }) }
}

/** Credit as the operator and the agents read it; undefined where there is none. */
function booksOf(env: Bindings, { credit, operator }: Config): CreditSettings | undefined {
  const ports = creditPortsOf(env)
  if (!credit || !ports) return undefined
  return { ...ports, operator, probation: credit.probation, tiers: new Set(credit.tiers.keys()) }
}

function contentOf(env: Bindings, { policy, originSecret, originTimeoutMs }: Config): Content {
  const { origin } = policy
  if (origin.kind === 'self') return nowhere
  const settings: OriginSettings = {
    url: origin.kind === 'url' ? origin.url : new URL('https://origin.internal'),
    fetch:
      origin.kind === 'url'
        ? (request) => fetch(request)
        : (request) => (env as unknown as Record<string, Fetcher>)[origin.name]?.fetch(request) ?? unbound(),
    secret: originSecret,
    timeoutMs: originTimeoutMs,
  }
  return {
    pass: (request, path) => pass(settings, request, path),
    buy: (request, path, body) => buy(settings, request, path, body),
  }
}

const nowhere: Content = { pass: unbound, buy: unbound }

async function unbound(): Promise<never> {
  throw new Error('this Worker has no origin: mount it as middleware, or name an ORIGIN')
}

export type { Chain }
