/** The facts that alerts are found in: plain values, as one pass has read them. Undefined: they could not be read now. */

import type { InvoiceStanding } from '../ledger/billing/types.ts'
import type { Finding } from '../ledger/book/finding.ts'
import type { RunRecord } from '../ledger/book/runs.ts'
import type { Reason } from '../protocol/refusal.ts'
import type { BrokenHost, ChangedReceiver } from '../sites/host-checks.ts'
import type { WebhookHealth } from './alert.ts'
import type { SeenReceiver } from './receiver.ts'

/** Times in Unix milliseconds, amounts in micro-dollars, gas money in wei. */
export type AlertFacts = {
  now: number
  /** The first pass: nothing is overdue before there was time for it. */
  firstAt: number
  /** The nightly runs of this site. */
  runs?: readonly RunFact[]
  findings?: readonly FindingFact[]
  watches?: readonly WatchFact[]
  withdrawals?: readonly WithdrawalFact[]
  /** Channels near their unclaimed limit. */
  unclaimed?: readonly UnclaimedFact[]
  /** Paid requests by site and hour, and traffic: of this hour, the one before, and that one a day earlier. */
  paid?: readonly SiteHourFact<'paid'>[]
  traffic?: readonly SiteHourFact<'unpaid' | 'free' | 'errors'>[]
  /** Hosts of sites that do not work for their readers. */
  broken?: readonly BrokenHost[]
  /** Receivers that were changed in the registry within a day. */
  receivers?: readonly ChangedReceiver[]
  /** The receiver of the vars. */
  receiver?: SeenReceiver
  relayers?: readonly RelayerFact[]
  nodes?: readonly NodeFact[]
  /** Credit lines that accept no charge. */
  closed?: readonly { id: string; name: string; closed: Reason }[]
  /** Unpaid invoices, and those whose payment failed or was reversed. */
  invoices?: readonly Pick<
    InvoiceStanding,
    'id' | 'agent' | 'stage' | 'failedAt' | 'total' | 'paid' | 'credited'
  >[]
  settings?: readonly SettingFact[]
  webhooks?: readonly WebhookHealth[]
}

/**
 * A setting, and what it must be. `fault`: the Worker serves nothing. `contract`: it ends soon, or has ended. `advice`: the
 * Worker serves.
 */
export type SettingFact = { place: string; message: string; level: 'fault' | 'contract' | 'advice' }

/** The last ended run of a kind, and when one of its kind was last settled. */
export type RunFact = {
  kind: RunRecord['kind']
  last: Pick<RunRecord, 'id' | 'status' | 'startedAt' | 'record'> | null
  settledAt: number | null
}

/** A finding of the last complete run, or of a watch since. */
export type FindingFact = Finding & { run: string }

/** The watch of one network. `seenAt`: when it last read the chain. */
export type WatchFact = { network: string; seenAt: number | null; hasChannels: boolean }

/** A channel whose payer withdraws. `unclaimed`: null if its account did not respond. */
export type WithdrawalFact = { channel: string; unclaimed: bigint | null }

/** The unclaimed amount of a channel, and its limit. */
export type UnclaimedFact = { channel: string; unclaimed: bigint; limit: bigint }

/** Requests of a site in the hour that begins at `at`. */
export type SiteHourFact<Count extends string> = { site: string; at: number } & Record<Count, number>

/** The gas money of a relayer, null if unreadable. `runCost`: the most that a nightly run of the last week has cost, and what one costs at least. */
export type RelayerFact = { address: string; network: string; balance: bigint | null; runCost: bigint }

/** The newest block of a node; null if it did not answer. `maxAgeSeconds`: 0 accepts any age. */
export type NodeFact = {
  host: string
  network: string
  head: { block: bigint; time: number } | null
  maxAgeSeconds: number
}
