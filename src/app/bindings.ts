/** The bindings of wrangler.toml. */

import type { RelayerBase } from '../chain/relayer/relayer.ts'
import type { Directory } from '../identity/directory.ts'
import type { Audit } from '../ledger/audit.ts'
import type { Numbers } from '../ledger/billing/numbers.ts'
import type { Account } from '../ledger/channel/account.ts'
import type { Agents } from '../ledger/credit/agents.ts'
import type { CreditLine } from '../ledger/credit/credit-line.ts'
import type { Authorizations } from '../ledger/exact/authorizations.ts'
import type { Quota } from '../ledger/quota.ts'
import type { People } from '../people/people.ts'
import type { Cause } from '../settlement/run.ts'
import type { SitesBase } from '../sites/registry.ts'

/** The bindings of wrangler.toml. Vars and secrets are read by config/config.ts alone. */
export type Bindings = {
  ACCOUNT: DurableObjectNamespace<Account>
  AUTHORIZATIONS: DurableObjectNamespace<Authorizations>
  RELAYER: DurableObjectNamespace<RelayerBase>
  BOOK: D1Database
  SETTLEMENT: Workflow<Cause>
  /** How often unknown channels and payers may be looked up on chain. Without it they always may. */
  CHAIN_READS?: RateLimit
  CHANNEL_READS?: RateLimit
  /** Credit: the lines, the registry of agents, their key directories, the numbers of invoices. */
  LINES?: DurableObjectNamespace<CreditLine>
  AGENTS?: DurableObjectNamespace<Agents>
  DIRECTORIES?: DurableObjectNamespace<Directory>
  NUMBERS?: DurableObjectNamespace<Numbers>
  /** The audit log. Without it the registry of agents keeps the log, where that is bound. */
  AUDIT?: DurableObjectNamespace<Audit>
  /** The sessions of the console. Without it the console lets no one in. */
  PEOPLE?: DurableObjectNamespace<People>
  /** The counters of free pages, for rules with `free`. */
  QUOTA?: DurableObjectNamespace<Quota>
  /** How often unknown agents may be looked up in the registry. Without it they always may. */
  AGENT_READS?: RateLimit
  /** The dataset that traffic is counted in. Without it D1 holds the counts. */
  TRAFFIC?: AnalyticsEngineDataset
  /** The addresses that operators of crawlers publish. Without it a small shipped copy is used, which refutes no claim. */
  LISTS?: KVNamespace
  /** The registry of sites, and what it publishes for each host. Without the two, the vars are the only site. */
  SITES?: DurableObjectNamespace<SitesBase>
  HOSTS?: KVNamespace
}
