/** What the operator's API works with. */
import type { DirectoryReader } from '../identity/directory.ts'
import type { Account } from '../ledger/account.ts'
import type { Agents } from '../ledger/agents.ts'
import type { Authorizations } from '../ledger/authorizations.ts'
import type { CreditLine } from '../ledger/line.ts'
import type { Cause } from '../settlement/run.ts'
import type { CounterSettings } from './counter.ts'

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
  billing?: (() => Promise<CounterSettings>) | undefined
}

export type CreditSettings = {
  agents: DurableObjectNamespace<Agents>
  lines: DurableObjectNamespace<CreditLine>
  /** The object that reads the key directory of an agent's URL. */
  directories: (url: string) => DirectoryReader
  /** Whether one more unknown claim may be looked up in the registry now. */
  mayAsk: () => Promise<boolean>
  /** The operator's name, as it stands on statements. */
  operator: string
  /** What a new agent may owe before it has paid anything, in micro-dollars. */
  probation: bigint
  tiers: ReadonlySet<string>
}

export type Line = ReturnType<CreditSettings['lines']['getByName']>
