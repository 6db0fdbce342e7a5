/** Faults on order: one file for each part of the lab. */
import type { RpcFault } from '../../testing/chain/rpc-proxy.ts'
import type { TimeSpan } from '../time.ts'

/** Ends a fault. Calling it again changes nothing. */
export type Mend = () => Promise<void>

/** `times`: how often the fault happens; for good by default, until it is mended. */
export type Times = { times?: number }

/** Faults of the Worker’s node. `stale`: it answers as of that many blocks ago. `deadFor`: real time. */
export type RpcFailure =
  | { stale: number }
  | { chainId: number }
  | { deadFor: TimeSpan }
  | { answers: 'nothing' | '429' | 'half JSON' }
  | { loses: 'replies' | 'calls'; of: string }
  | { delays: TimeSpan; of: string }
  | { receipts: 'vanished' }
  | RpcFault[]

/**
 * Faults of the hosted facilitator. The last three are of its settlements: it refuses without a reason; moves the money and loses
 * its answer; or says that it moved money, and did not.
 */
export type FacilitatorFault =
  | 'dead'
  | '503'
  | { slow: TimeSpan }
  | 'refuses'
  | 'settles, then dies'
  | 'claims success'

/** Faults of the chain itself. */
export type ChainFailure =
  | { reorg: number }
  | { mining: 'stopped' }
  | { baseFee: bigint }
  | { drop: 'pending transactions' }
  | { relayer: 'empty' }
  | { relayer: 'sends a transaction of its own' }

/** Faults of the publisher’s server. `pauses`: the second half of a page comes that much later. */
export type OriginFault =
  | 'dead'
  | '503'
  | 'short'
  | 'hangs'
  | 'redirects'
  | { slow: TimeSpan }
  | { pauses: TimeSpan }

/** Faults of Stripe: of its API, or of its webhooks. */
export type StripeFailure = 'lost' | 'unreachable' | 500 | 429

/** How Stripe’s webhooks arrive. */
export type WebhookFault = 'lost' | 'twice' | 'unordered' | 'late'

/** Faults of D1. `loses`: writes report success and store nothing. */
export type D1Fault = 'down' | 'loses writes' | { slow: TimeSpan }

/** How the cron fires. Applies to the next nights. */
export type CronFault = 'missed' | 'doubled' | 'overlapping' | { late: TimeSpan }

/** Kills the runtime; evicts every object from memory; or aborts the object of an account, with what it has not stored yet. */
export type WorkerFault = 'killed' | 'evicted' | { aborts: string }

/** Faults on order. Each returns how to end it; {@link Fail.mend} ends all. */
export type Fail = {
  /** Needs the option `facilitator: 'hosted'`. */
  facilitator(fault: FacilitatorFault, options?: Times): Promise<Mend>
  rpc(fault: RpcFailure, options?: Times): Promise<Mend>
  chain(fault: ChainFailure): Promise<Mend>
  origin(fault: OriginFault, options?: Times): Promise<Mend>
  /** `of`: the requests, as `METHOD /path`; all by default. */
  stripe(fault: StripeFailure, options?: Times & { of?: RegExp }): Promise<Mend>
  webhooks(fault: WebhookFault): Promise<Mend>
  d1(fault: D1Fault, options?: Times): Promise<Mend>
  cron(fault: CronFault, options?: Times): Promise<Mend>
  /** It happens at once, and leaves no fault to mend. */
  worker(fault: WorkerFault): Promise<void>
  /** Ends every fault that is still there, the last one first. */
  mend(): Promise<void>
}
