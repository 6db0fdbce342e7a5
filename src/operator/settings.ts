/** The settings and bindings of the operator's API. */
import type { AlertSettings } from '../alerts/settings.ts'
import type { BillingContext } from '../billing/context.ts'
import type { RelayerState } from '../chain/relayer/relayer.ts'
import type { Chain } from '../chain/rpc.ts'
import type { AccessFact, ReceiverFact } from '../doctor/ports.ts'
import type { Published } from '../identity/claim.ts'
import type { ActKeys, AuditLog } from '../ledger/act.ts'
import type { Charts } from '../ledger/book/chart.ts'
import type { Account } from '../ledger/channel/account.ts'
import type { Authorizations } from '../ledger/exact/authorizations.ts'
import type { ExplainedSite } from '../paywall/explain.ts'
import type { People } from '../people/people.ts'
import type { ConfigProblem } from '../platform/problem.ts'
import type { Address } from '../protocol/evm/hex.ts'
import type { CreditPorts } from '../schemes/credit/scheme.ts'
import type { Failing } from '../screening/screen.ts'
import type { Cause, RunKind } from '../settlement/run.ts'
import type { SiteRegistry } from '../sites/call.ts'
import type { SiteDocument } from '../sites/document.ts'
import type { Witnesses } from '../sites/proof.ts'

/** The host that requests of the console have: they come over a binding. */
export const CONSOLE_HOST = 'console.internal'

/** All that the routes need. */
export type OperatorSettings = {
  /** SHA-256 of the operator's token, 64 hex digits. Undefined: the API does not exist. */
  tokenSha256: string | undefined
  /** The policy, what its offers are made from, and the addresses that operators publish. */
  site?: (ExplainedPolicy & { published: () => Promise<Published> }) | undefined
  /** The registry of sites. Undefined where none is bound: the vars are the only site. */
  sites?: SitesPort | undefined
  /** Members and API tokens. Undefined where their object is not bound: the operator's token is the only way in. */
  people?: PeoplePort | undefined
  book: D1Database
  charts: Charts
  accounts: DurableObjectNamespace<Account>
  authorizations: DurableObjectNamespace<Authorizations>
  settlement: Workflow<Cause>
  /** The nightly runs of this site. */
  runKinds: readonly RunKind[]
  /** The networks where this site settles, the preferred one first. */
  networks: readonly OperatorNetwork[]
  /** Alerts. Undefined only with a faulty config, with which the API rejects all requests. */
  alerts?: AlertSettings | undefined
  /** The audit log. Undefined without its object, on a site without credit. */
  audit?: AuditLog | undefined
  /** Requests under a key of their sender. Undefined without the audit log's own object: keys are then ignored. */
  keys?: ActKeys | undefined
  /** The part of the doctor that config and bindings give. */
  doctor?: DoctorSettings | undefined
  /** Undefined on sites without screening. */
  screening?: (() => Promise<ScreeningView>) | undefined
  /** Undefined on sites without credit: their API has neither agents nor credit lines. */
  credit?: CreditSettings | undefined
  /** Opens billing. Undefined: the site issues no invoices and signs no statements. */
  billing?: (() => Promise<BillingContext>) | undefined
}

/** The part of the doctor that config and bindings give. */
export type DoctorSettings = {
  /** The names of all bindings. */
  bindings: readonly string[]
  contracts(): Promise<readonly ConfigProblem[]>
  receivers(): Promise<readonly ReceiverFact[]>
  access(): Promise<AccessFact | null>
  /** The origin of the vars where it is a server with a host of its own. `host`: under which its site is asked. */
  origin: { ask: SitesPort['ask']; origin: URL; secret: string | undefined; host: string } | undefined
}

/** People as the routes ask for them. */
export type PeoplePort = Pick<
  People,
  | 'members'
  | 'invite'
  | 'inviteAgain'
  | 'changeMember'
  | 'removeMember'
  | 'tokens'
  | 'addToken'
  | 'dropToken'
  | 'ofToken'
  | 'makeCode'
>

/** One network. `chain` is undefined without RPC_URL, `relayer` without a chain and a key. */
export type OperatorNetwork = {
  /** CAIP-2. */
  id: string
  chain: Chain | undefined
  relayer: RelayerPort | undefined
}

/** The registry of sites, and what its routes ask. */
export type SitesPort = {
  /** A stub belongs to the request that made it: each call makes a fresh one. */
  registry(): SiteRegistry
  /** Where proofs of hosts are looked for. */
  witnesses: Witnesses
  /** The site that a valid document makes, as this Worker would serve it. */
  open(document: SiteDocument): Promise<OpenedSite | undefined>
  /** Asks an origin, without following redirects. */
  ask(request: Request): Promise<Response>
}

/** A site for a trial. */
export type OpenedSite = {
  explained: ExplainedPolicy
  isShadow: boolean
  /** Undefined where the origin is asked under the host of the site, or by a binding. */
  origin: URL | undefined
  /** Sent to the origin as `tab402-origin-secret`. */
  secret: string | undefined
  /** Answers as the paywall does. */
  fetch(request: Request): Promise<Response>
}

/** The part of a site that decides, without the published addresses. */
export type ExplainedPolicy = Omit<ExplainedSite, 'published'>

/** The sources of screening. `allow` and `deny` count addresses. Times in Unix milliseconds; null: never. */
export type ScreeningView = {
  /** By network (CAIP-2). The first is asked for every network without one. */
  oracles: Readonly<Record<string, Address>>
  allow: number
  deny: number
  failing: Failing
  lists: {
    url: string
    addresses: number
    bytes: number
    sha256: string
    fetchedAt: number | null
    triedAt: number | null
    /** Too old to clear an address. */
    isOld: boolean
  }[]
}

/** The operator's view of the relayer. */
export type RelayerPort = { state(): Promise<RelayerState>; repair(): Promise<RelayerState> }

/** The part for sites with credit. */
export type CreditSettings = CreditPorts & {
  /** The operator's name on statements. */
  operator: string
  /** The initial credit limit of a new agent, in micro-dollars. */
  probation: bigint
  tiers: ReadonlySet<string>
}
