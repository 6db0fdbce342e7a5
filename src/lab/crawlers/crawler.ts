/** Crawlers: one file each in this folder, and one line each in `index.ts`. */
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import type { CrawlerTally, Score } from '../score.ts'

/** How a crawler pays. */
export type PaysBy = 'channel' | 'exact' | 'credit'

const EVERY_WAY = ['channel', 'exact', 'credit'] as const

/** The crawlers of the lab, and how each can pay, its default first. `honest` is the control, the others misbehave. */
export const CRAWLERS = {
  honest: EVERY_WAY,
  replayer: EVERY_WAY,
  'double-spender': EVERY_WAY,
  defaulter: ['credit'],
  'withdrawal-racer': ['channel'],
  'header-forger': EVERY_WAY,
  'slow-reader': EVERY_WAY,
  'budget-burner': EVERY_WAY,
  'clock-liar': EVERY_WAY,
} as const satisfies Record<string, readonly PaysBy[]>

/** The name of a crawler. */
export type CrawlerName = keyof typeof CRAWLERS

/** How a crawler on credit pays its invoices. */
export type CreditRail = 'stablecoin' | 'stripe' | 'transfer'

/** `is`: honest by default. `pays`: the first way that {@link CRAWLERS} has for it by default. */
export type CrawlerOptions = {
  is?: CrawlerName
  pays?: PaysBy
  /** Decides its choices; by default the lab’s seed and its own number. */
  seed?: number
  /** USDC in its wallet, in micro-dollars; $1,000 by default. */
  balance?: bigint
  /** For credit: its limit in micro-dollars, all of it available at once; $5 by default. */
  creditLimit?: bigint
  /** For credit: an honest one pays its invoices, by `stablecoin`, unless another is named; the others have `transfer`. */
  rail?: CreditRail
  /** For credit: `daily` by default. */
  period?: 'daily' | 'weekly' | 'monthly'
  /** The site that it reads; the first one by default. */
  site?: string
  /** A path before all that it reads, such as `/forecast`; none by default. */
  below?: string
}

/** An answer that was read to its end. `reason`: the code of a refusal, or ''. `charged`: micro-dollars, by the receipt. */
export type Page = {
  path: string
  status: number
  reason: string
  body: string
  headers: Record<string, string>
  charged: bigint
}

/** A crawler in the lab. */
export type Crawler = {
  is: CrawlerName
  pays: PaysBy
  seed: number
  /** The most that it may get without paying, in micro-dollars: the credit limit of a defaulter. */
  exposure: bigint
  /** Its name in the ledger, if it pays on credit. */
  name: string
  /** Its wallet. */
  address: Address
  /** The id of its account in the ledger; null before the first charge. */
  account(): Promise<string | null>
  /**
   * Buys a page, or `count` of them in a row: `/a/1`, `/a/2` and so on. Returns the last answer. A whole URL names another site of
   * the lab; a crawler on credit reads the one that it was opened for.
   */
  read(path: string, count?: number): Promise<Page>
  /** Misbehaves as its name says, and returns the score. An honest crawler reads ten pages. */
  run(): Promise<Score>
  score(): Promise<Score>
}

/** A request with its payment, not sent yet. It can be sent many times, changed, and to other URLs. */
export type SignedRequest = { url: string; method: string; headers: Record<string, string> }

/** Where a reader hangs up: when its request is sent, at the head of the answer, after so many bytes of the body; or never. */
export type HangUp = 'sent' | 'head' | 'never' | number

/** How a request on credit is signed. Times in Unix seconds. */
export type Signing = {
  created?: number
  expires?: number
  nonce?: string
  /** The covered components; all that an IOU needs by default. */
  components?: readonly string[]
}

/** The parts of a crawler, as its thread receives it. Plain data. */
export type Setup = {
  is: CrawlerName
  pays: PaysBy
  seed: number
  name: string
  /** Where it reads: the site’s address and the path before all its pages, without a slash at the end. */
  url: string
  /** Where the same pages are past the runtime’s own front, which does not pass on that a reader has hung up. */
  direct?: string
  wallet: { address: Address; privateKey: Hex }
  /** The private Ed25519 JWK of a crawler on credit. */
  key: JsonWebKey
  rpcUrl: string
  chain: { chainId: number; usdc: Address; escrow: Address; collector: Address }
}

/** The tools of a crawler. It runs in a thread of its own, where `Date` is the lab’s clock. */
export type Kit = Setup & {
  /** A number in [0, 1), from the crawler’s seed. */
  random(): number
  /** Sends any request, by path or by whole URL, and counts it in the score. The body is read to its end. A broken connection has the status 0. */
  send(path: string, init?: RequestInit): Promise<Page>
  /** Buys a page with the unmodified upstream client. */
  buy(path: string): Promise<Page>
  /** Signs the payment for a page with the upstream client, without sending it. On a channel it has bought a page before. */
  sign(path: string): Promise<SignedRequest>
  /** Signs any request as a crawler on credit does. A signature that it has already is replaced. */
  signAs(request: SignedRequest, signing?: Signing): Promise<SignedRequest>
  /** Sends a request on a connection of its own, reads its answer byte by byte, and hangs up. Bytes that came count as delivered. */
  sip(request: SignedRequest, hangUp: HangUp): Promise<Page>
  /** Calls the chain itself, past the Worker’s node. */
  rpc(method: string, params?: unknown[]): Promise<unknown>
  /** Sends a transaction of its own wallet to a contract, and waits until it is mined. @throws if it reverts */
  transact(to: Address, data: Hex): Promise<void>
  /** Jumps the lab’s clock forward, as `lab.advance`. */
  advance(by: number | string): Promise<void>
  /** Pays at once what an address asks, such as an invoice, from its wallet. Returns the status. The score does not count it. */
  pay(url: string): Promise<number>
  /** Drops the Worker’s objects from memory, as the platform does at will. */
  evict(): Promise<void>
  /** Disputes the payment of an invoice at the card processor, as its bank does. `reference`: the processor’s own id. */
  dispute(reference: string): Promise<void>
}

/** A crawler’s behaviour: what it does when it is run. */
export type Behaviour = (kit: Kit) => Promise<void>

/** A call to a crawler’s thread. */
export type ThreadCall = { id: number; crawler: number } & (
  | { do: 'open'; setup: Setup }
  | { do: 'read'; path: string }
  | { do: 'run' }
  | { do: 'tally' }
  /** Pays the invoices of a crawler on credit, and answers whether it has paid, and all of them. */
  | { do: 'pay' }
)

/** An act that only the lab can do for a crawler. */
export type Wish =
  | { do: 'advance'; by: number | string }
  | { do: 'evict' }
  | { do: 'dispute'; reference: string }

/** A message of the thread: the result of a call, or a wish that only the lab can fulfil. */
export type ThreadMessage =
  | { kind: 'done'; id: number; value: Page | CrawlerTally | boolean | null }
  | { kind: 'failed'; id: number; message: string }
  | ({ kind: 'wish'; wish: number } & Wish)

/** The lab’s answer to a wish. `fault`: why it was not fulfilled. */
export type WishAnswer = { kind: 'wished'; wish: number; fault: string | null }
