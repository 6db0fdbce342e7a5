/** The crawlers of one lab. They share a thread, which starts with the first one. */
import { createPrivateKey } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { localAccount } from '../../testing/chain/chain.ts'
import { siblingModule } from '../../testing/stack/sibling.ts'
import { costOf } from '../cost.ts'
import { KINDS, type Members, mustKnow, type Values } from '../known.ts'
import { CLOSED } from '../lab.ts'
import { callOperator } from '../operator.ts'
import { type Cost, type CrawlerTally, type Score, scoreOf } from '../score.ts'
import { settledOf } from '../settled.ts'
import type { LabStage } from '../stage.ts'
import {
  CRAWLERS,
  type Crawler,
  type CrawlerOptions,
  type Page,
  type PaysBy,
  type Setup,
  type ThreadCall,
  type ThreadMessage,
  type Wish,
  type WishAnswer,
} from './crawler.ts'

const BALANCE = 1_000_000_000n
const CREDIT_LIMIT = 5_000_000n

const { AMOUNT, COUNT, TEXT, WHOLE } = KINDS
const PATH: Values = { must: 'a text that begins with /', has: (value) => String(value).startsWith('/') }
const PAGE: Values = {
  must: 'a path that begins with /, or a URL',
  has: (value) => PATH.has(value) || URL.canParse(String(value)),
}

const OPTIONS: Readonly<Record<keyof CrawlerOptions, Members[string]>> = {
  is: Object.keys(CRAWLERS),
  pays: ['channel', 'exact', 'credit'],
  seed: WHOLE,
  balance: AMOUNT,
  creditLimit: AMOUNT,
  rail: ['stablecoin', 'stripe', 'transfer'],
  period: ['daily', 'weekly', 'monthly'],
  site: TEXT,
  below: PATH,
}

/** The wishes of a crawler that its lab fulfils. */
export type LabWishes = { advance(by: number | string): Promise<unknown>; evict(): Promise<void> }

type Call = ThreadCall extends infer One ? (One extends unknown ? Omit<One, 'id'> : never) : never
type Answer = Page | CrawlerTally | boolean | null
type Settle = { resolve(value: Answer): void; reject(fault: Error): void }

/** The crawlers of a lab, by number. */
export class Crew {
  readonly crawlers: Crawler[] = []
  readonly #stage: LabStage
  readonly #wishes: LabWishes
  readonly #sites: readonly { id: string; url: string }[]
  readonly #seed: number
  readonly #calls = new Map<number, Settle>()
  /** Honest crawlers on credit that may have an invoice to pay. */
  readonly #owing = new Set<number>()
  #thread: Worker | undefined
  #isClosed = false
  #lastCall = 0
  #opened = 0

  /** `seed`: that of the lab. */
  constructor(
    stage: LabStage,
    sites: readonly { id: string; url: string }[],
    seed: number,
    wishes: LabWishes,
  ) {
    this.#stage = stage
    this.#sites = sites
    this.#seed = seed
    this.#wishes = wishes
  }

  /** Funds and opens a crawler; one on credit is registered with the operator. */
  async open(options: CrawlerOptions = {}): Promise<Crawler> {
    mustKnow('lab.crawler', options, OPTIONS)
    const { is = 'honest', balance = BALANCE, creditLimit = CREDIT_LIMIT } = options
    const ways: readonly PaysBy[] = CRAWLERS[is]
    const { pays = ways[0] ?? 'channel' } = options
    if (!ways.includes(pays)) throw new RangeError(`a ${is} must pay by ${ways.join(', ')}`)
    const number = ++this.#opened
    const { seed = this.#seed * 1_000 + number } = options
    const { chain } = this.#stage
    const wallet = localAccount(`tab402 lab ${this.#seed}, crawler ${number}`)
    const site = this.#siteOf(options.site)
    const { chainId, usdc, escrow, collector, rpcUrl } = chain
    const setup: Setup = {
      is,
      pays,
      seed,
      name: `crawler-${number}`,
      url: `${site.url}${options.below ?? ''}`,
      direct: this.#stage.worker.direct,
      wallet,
      key: keyFrom(wallet.privateKey),
      rpcUrl,
      chain: { chainId, usdc, escrow, collector },
    }
    const { rail = is === 'honest' ? 'stablecoin' : 'transfer' } = options
    if (pays === 'credit') await this.#enrol(setup, { ...options, creditLimit, rail })
    // Last: the books have the wallets of the crew alone.
    await chain.fund(wallet.address, balance)
    await this.#call({ crawler: number, do: 'open', setup })
    const isPayer = pays === 'credit' && is === 'honest' && rail === 'stablecoin'
    const crawler = this.#crawlerOf(number, setup, is === 'defaulter' ? creditLimit : 0n, isPayer)
    this.crawlers.push(crawler)
    return crawler
  }

  /** Lets each honest crawler on credit pay its invoices. One that cannot now tries again the next time. */
  async payInvoices(): Promise<void> {
    await Promise.all(
      [...this.#owing].map(async (crawler) => {
        // A fault of the lab may stand in its way.
        const isDone = await this.#call({ crawler, do: 'pay' }).catch(() => false)
        if (isDone === true) this.#owing.delete(crawler)
      }),
    )
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#thread?.terminate()
    for (const { reject } of this.#calls.values()) reject(new Error(CLOSED))
    this.#calls.clear()
  }

  #siteOf(id: string | undefined) {
    const site = id === undefined ? this.#sites[0] : this.#sites.find((one) => one.id === id)
    if (!site) throw new Error(`the site must be one of ${this.#sites.map((one) => one.id).join(', ')}`)
    return site
  }

  #crawlerOf(
    number: number,
    { is, pays, seed, name, wallet }: Setup,
    exposure: bigint,
    isPayer: boolean,
  ): Crawler {
    const tally = async () => (await this.#call({ crawler: number, do: 'tally' })) as CrawlerTally
    let cost: Cost | null = null
    const score = async (): Promise<Score> => {
      const counted = await tally()
      return scoreOf(counted, await settledOf(this.#stage, pays, wallet.address, counted.account), cost)
    }
    const read = async (path: string) => {
      if (isPayer) this.#owing.add(number)
      return (await this.#call({ crawler: number, do: 'read', path })) as Page
    }
    return {
      is,
      pays,
      seed,
      exposure,
      name,
      address: wallet.address,
      account: async () => (await tally()).account,
      async read(path, count) {
        mustKnow('crawler.read', { path, count }, { path: PAGE, count: COUNT })
        let last = await read(count === undefined ? path : `${path}/1`)
        for (let page = 2; page <= (count ?? 1); page++) last = await read(`${path}/${page}`)
        return last
      },
      run: async () => {
        if (this.#isClosed) throw new Error(CLOSED)
        if (isPayer) this.#owing.add(number)
        cost = await costOf(this.#stage, () => this.#call({ crawler: number, do: 'run' }))
        return score()
      },
      score,
    }
  }

  async #enrol({ name, key }: Setup, options: CrawlerOptions): Promise<void> {
    const { creditLimit = CREDIT_LIMIT, rail, period = 'daily' } = options
    const { kty, crv, x } = key
    await callOperator(this.#stage, '/agents', {
      id: name,
      name,
      url: `https://${name}.example`,
      keys: { keys: [{ kty, crv, x }] },
      creditLimit: `${creditLimit}`,
      probation: `${creditLimit}`,
      period,
      rail,
      buyer: { name: `${name} Inc.`, country: 'US' },
    })
  }

  #call(call: Call): Promise<Answer> {
    if (this.#isClosed) return Promise.reject(new Error(CLOSED))
    const id = ++this.#lastCall
    const thread = this.#start()
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject })
      thread.postMessage({ ...call, id } satisfies ThreadCall)
    })
  }

  #start(): Worker {
    if (this.#thread) return this.#thread
    const thread = new Worker(siblingModule(import.meta.url, './thread'), {
      workerData: this.#stage.clock.shared,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    thread.unref()
    thread.on('message', (message: ThreadMessage) => this.#receive(message))
    thread.on('error', (fault) => {
      for (const { reject } of this.#calls.values()) reject(fault as Error)
    })
    this.#thread = thread
    return thread
  }

  #receive(message: ThreadMessage): void {
    if (message.kind === 'wish') {
      const answer = (fault: string | null) =>
        this.#thread?.postMessage({ kind: 'wished', wish: message.wish, fault } satisfies WishAnswer)
      this.#fulfil(message).then(
        () => answer(null),
        (fault: unknown) => answer(String(fault)),
      )
      return
    }
    const call = this.#calls.get(message.id)
    this.#calls.delete(message.id)
    if (message.kind === 'done') call?.resolve(message.value)
    else call?.reject(new Error(message.message))
  }

  async #fulfil(wish: Wish): Promise<void> {
    switch (wish.do) {
      case 'advance':
        await this.#wishes.advance(wish.by)
        return
      case 'evict':
        return this.#wishes.evict()
      case 'dispute': {
        const { books, deliver } = this.#stage.stripe
        books.dispute(wish.reference)
        await deliver()
      }
    }
  }
}

/** An Ed25519 key from 32 bytes, so that a seed always makes the same crawler. */
function keyFrom(bytes: `0x${string}`): JsonWebKey {
  const head = Buffer.from('302e020100300506032b657004220420', 'hex')
  const key = createPrivateKey({
    key: Buffer.concat([head, Buffer.from(bytes.slice(2), 'hex')]),
    format: 'der',
    type: 'pkcs8',
  })
  return key.export({ format: 'jwk' }) as JsonWebKey
}
