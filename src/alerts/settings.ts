/** The settings of alerts: the bindings that facts are read from, and where messages go. */

import type { Chain } from '../chain/rpc.ts'
import type { Charts } from '../ledger/book/chart.ts'
import type { RunRecord } from '../ledger/book/runs.ts'
import type { Account } from '../ledger/channel/account.ts'
import type { Webhook } from '../platform/webhook.ts'
import type { Address } from '../protocol/evm/hex.ts'
import type { SiteRegistry } from '../sites/call.ts'
import type { Witnesses } from '../sites/proof.ts'
import type { SettingFact } from './facts.ts'

/** The settings of one deployment. Where the Worker's own settings are faulty, only the first four are known. */
export type AlertSettings = {
  book: D1Database
  webhooks: readonly Webhook[]
  /** The faults of the Worker's settings, and what should be looked at. `now`: Unix ms. */
  problems: (now: number) => SettingFact[]
  /** The URL that links begin with. Empty without PUBLIC_URL: links are then paths. */
  publicUrl: string
  /** The receiver of the vars. */
  receiver?: Address
  /** The nightly runs of this deployment. */
  runKinds?: readonly RunRecord['kind'][]
  /** Absent without a chain and a relayer. */
  channels?: ChannelSource
  /** Whether the deployment has credit lines. */
  hasCredit?: boolean
  charts?: Charts
  /** Absent without a registry of sites. */
  sites?: SiteSource
}

/** The registry of sites, and who is asked about its hosts. */
export type SiteSource = { registry(): SiteRegistry; witnesses: Witnesses }

/** The chains of all networks, their relayer and the accounts. */
export type ChannelSource = {
  chains: readonly Chain[]
  accounts: DurableObjectNamespace<Account>
  relayer: Address
  /** The unclaimed limit of one channel, in atomic units. */
  maxUnclaimed: bigint
}
