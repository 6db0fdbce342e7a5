/** The lab of a tester, as `openLab` returns it: a Worker, a chain, a card processor and crawlers on one virtual clock. */
import type { Address } from '../protocol/evm/hex.ts'
import type { LocalChain } from '../testing/chain/chain.ts'
import type { StripeServer } from '../testing/stripe/server.ts'
import type { Books } from './books.ts'
import type { Crawler, CrawlerOptions } from './crawlers/crawler.ts'
import type { Fail } from './fail/fail.ts'
import type { Moment, TimeSpan } from './time.ts'

/** The fault of each call after `close`. */
export const CLOSED = 'the lab must be open, and was closed'

/** The value of a var or secret. Lists and tables become JSON, as in `wrangler.toml`. */
export type Var = string | number | readonly unknown[] | Readonly<Record<string, unknown>>

/** A site of the registry: its publisher, and the terms that replace the vars of the deployment. */
export type LabSite = {
  id: string
  /** The publisher’s wallet. Absent: the operator receives. */
  receiver?: Address
  terms?: Readonly<Record<string, unknown>>
}

/** All optional: without any, a page costs $0.001, and crawlers pay by channel, `exact` or credit. */
export type LabOptions = {
  /** Vars and secrets of the Worker, over those of `wrangler.toml` and of the lab. */
  policy?: Readonly<Record<string, Var>>
  /** Sites below `localhost`, published through the registry. Without them the vars are the only site. */
  sites?: readonly LabSite[]
  /** Where the virtual clock starts; the real time by default. */
  start?: Moment
  /** Payments by `exact` are sent by the Worker’s `own` relayer, the default, or by a `hosted` facilitator over HTTP. */
  facilitator?: 'own' | 'hosted'
  /** The runtime of the Worker. */
  engine?: 'workerd'
  /** Decides every choice of the crawlers and the faults. Printed when the audit fails; 1 by default. */
  seed?: number
  /** Your own Worker in place of ours: its `wrangler.toml`. It must export our classes and mount the middleware. */
  worker?: string
  /** Receives each line that the Worker and the runtime print. */
  log?: (line: string) => void
}

/** One nightly run: `direct` runs the work inside the Worker; `cron` fires the cron, whose Workflow does it. */
export type NightOptions = { through?: 'direct' | 'cron' }

/** The outcome of the nightly cron, by kind of run: `settled`, `billed`, `in_doubt`, `failed` and so on. */
export type LabNight = { at: number; runs: { id: string; kind: string; status: string }[] }

/** A running lab. Dispose of it with `await using`, or call {@link Lab.close}. */
export type Lab = AsyncDisposable & {
  /** The Worker’s address, without a slash at the end. */
  url: string
  /** The addresses of the sites, in the order of the options; without sites the Worker’s own. */
  sites: { id: string; url: string }[]
  seed: number
  receiver: Address
  relayer: Address
  operator: { url: string; token: string }
  chain: LocalChain
  stripe: StripeServer
  /** The virtual time, in Unix milliseconds. It runs on by itself between two jumps. */
  now(): number
  /** Jumps forward, from event to event: nights, watches of a pending withdrawal, alarms. Returns when all have settled. */
  advance(by: TimeSpan): Promise<LabNight[]>
  /** The same, to a moment. @throws RangeError for the past */
  at(moment: Moment): Promise<LabNight[]>
  /** Jumps to the next midnight and makes its runs. */
  night(options?: NightOptions): Promise<LabNight>
  /** The same for some nights in a row. */
  nights(count: number, options?: NightOptions): Promise<LabNight[]>
  /** A payer with a wallet and a balance of its own. */
  crawler(options?: CrawlerOptions): Promise<Crawler>
  /** All that the lab’s ledgers, chain and card processor show now. */
  books(): Promise<Books>
  /** Compares the books with the invariants. @throws AuditError with the invariant, the account and both figures */
  audit(): Promise<void>
  /** Sends one request to the Worker. `path` may be a whole URL. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Kills the runtime with SIGKILL, and returns when it serves again from disk. */
  kill(): Promise<void>
  /** Drops every object of the Worker from memory, as the platform does at will. */
  evict(): Promise<void>
  fail: Fail
  close(): Promise<void>
}
