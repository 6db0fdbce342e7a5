/** The settings and bindings of the operator's API. */
import type { BillingContext } from '../billing/context.ts'
import type { RelayerState } from '../chain/relayer/relayer.ts'
import type { Chain } from '../chain/rpc.ts'
import type { Published } from '../identity/claim.ts'
import type { Account } from '../ledger/channel/account.ts'
import type { Authorizations } from '../ledger/exact/authorizations.ts'
import type { ExplainedSite } from '../paywall/explain.ts'
import type { CreditPorts } from '../schemes/credit/scheme.ts'
import type { Cause, RunKind } from '../settlement/run.ts'

/** All that the routes need. */
export type OperatorSettings = {
  /** SHA-256 of the operator's token, 64 hex digits. Undefined: the API does not exist. */
  tokenSha256: string | undefined
  /** The policy, what its offers are made from, and the addresses that operators publish. */
  site?: (Omit<ExplainedSite, 'published'> & { published: () => Promise<Published> }) | undefined
  book: D1Database
  accounts: DurableObjectNamespace<Account>
  authorizations: DurableObjectNamespace<Authorizations>
  settlement: Workflow<Cause>
  /** The nightly runs of this site. */
  runKinds: readonly RunKind[]
  /** The networks where this site settles, the preferred one first. */
  networks: readonly OperatorNetwork[]
  /** Undefined on sites without credit: their API has neither agents nor credit lines. */
  credit?: CreditSettings | undefined
  /** Opens billing. Undefined: the site issues no invoices and signs no statements. */
  billing?: (() => Promise<BillingContext>) | undefined
}

/** One network. `chain` is undefined without RPC_URL, `relayer` without a chain and a key. */
export type OperatorNetwork = {
  /** CAIP-2. */
  id: string
  chain: Chain | undefined
  relayer: RelayerPort | undefined
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
