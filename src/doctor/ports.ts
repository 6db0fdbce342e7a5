/** The facts from which the edge Worker is checked, as its API reads them. Times in Unix milliseconds. */
import type { AlertState } from '../alerts/alert.ts'
import type { AlertFacts } from '../alerts/facts.ts'
import type { ConfigProblem } from '../platform/problem.ts'

/** An address that receives money. `role`: the contract that it must not be. `isContract`: null if that is unknown. */
export type ReceiverFact = {
  network: string
  address: string
  role: 'token' | 'escrow' | null
  isContract: boolean | null
}

/** Cloudflare Access. `keys`: how many its URL has; null if they cannot be read. */
export type AccessFact = { issuer: string; takesToken: boolean; keys: number | null }

/** Whether something holds, and why: a part of the check of a site. */
export type PartFact = { outcome: 'ok' | 'failed' | 'unknown' | 'skipped'; why: string }

/**
 * A site. `faults`: what its check has found. `isFree`: a crawler got the page of the check. `pending`: hosts whose entry in KV
 * is older than the registry.
 */
export type SiteFact = {
  id: string
  isLive: boolean
  isFree: boolean
  faults: readonly string[]
  pending: readonly string[]
}

/** The sites of a registry: those that were checked by asking for `path`, how many there are, and how many are live. */
export type SiteFacts = { checked: readonly SiteFact[]; path: string; count: number; live: number }

/** The ports of the Worker's checks. A port that rejects makes its check a warning. */
export type WorkerPorts = {
  now: number
  /** The host under which the API was asked; null for the console. */
  host: string | null
  /** The names of all bindings. */
  bindings: ReadonlySet<string>
  facts: AlertFacts
  alerts: Pick<AlertState, 'alerts' | 'lastAt' | 'webhooks'>
  /** The migrations that D1 has. */
  migrations(): Promise<readonly string[]>
  /** Each difference between a contract and what it must be. */
  contracts(): Promise<readonly ConfigProblem[]>
  receivers(): Promise<readonly ReceiverFact[]>
  /** Cloudflare Access before the console; null without it. */
  access(): Promise<AccessFact | null>
  /** The origin of the vars; null where sites have their own. */
  origin(): Promise<{ answers: PartFact; sideDoor: PartFact } | null>
  /** The sites of the registry; null where the vars are the only site. */
  sites(): Promise<SiteFacts | null>
  /** When money was last reported; null before the first payment. */
  paidAt(): Promise<number | null>
}
