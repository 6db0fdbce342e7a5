/** What the operator's API works with. */
import type { BillingContext } from '../billing/context.ts'
import type { Account } from '../ledger/channel/account.ts'
import type { Authorizations } from '../ledger/exact/authorizations.ts'
import type { CreditPorts } from '../schemes/credit/scheme.ts'
import type { Cause } from '../settlement/run.ts'

export type OperatorSettings = {
  /** SHA-256 of the operator's token, 64 hex digits. Without it the API does not exist. */
  tokenSha256: string | undefined
  book: D1Database
  accounts: DurableObjectNamespace<Account>
  authorizations: DurableObjectNamespace<Authorizations>
  settlement: Workflow<Cause>
  /** Without it there are no agents and no lines. */
  credit?: CreditSettings | undefined
  /** Opens billing. Without it nothing is invoiced, and no statement is signed. */
  billing?: (() => Promise<BillingContext>) | undefined
}

export type CreditSettings = CreditPorts & {
  /** The operator's name, as it stands on statements. */
  operator: string
  /** What a new agent may owe before it has paid anything, in micro-dollars. */
  probation: bigint
  tiers: ReadonlySet<string>
}

export type Line = ReturnType<CreditSettings['lines']['getByName']>
