/** What the Worker asks of the chain for a channel it does not know, or knows too little of; and what strangers can make it ask. */
import { env, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { encodeDeposit } from '../../../src/chain/escrow.ts'
import { readChannels } from '../../../src/chain/rpc.ts'
import { listings } from '../../../src/ledger/book/accounts.ts'
import { encodeHeader } from '../../../src/protocol/x402/header.ts'
import { chainAt, newKey } from '../../chain/harness.ts'
import { chainHere } from '../../chain/here.ts'
import { newPayer, send } from '../../chain/payer.ts'
import {
  type Crawler,
  crawlerOf,
  errorOf,
  newCrawler,
  newRegular,
  openShop,
  PRICE,
  receiptOf,
  valueAt,
} from '../harness.ts'

const { rpcUrl } = chainHere()
const shop = openShop()
const BATCH = 'invalid_batch_settlement_evm_'

afterEach(() => {
  vi.restoreAllMocks()
})

/** How many requests went to the chain's node. */
function readsOfChain() {
  const seen = vi.spyOn(globalThis, 'fetch')
  return () =>
    seen.mock.calls.filter(([to]) => String(to instanceof Request ? to.url : to).startsWith(rpcUrl)).length
}

/** Escrows for a channel without the Worker: by a transaction of somebody's own. */
async function fund(crawler: Crawler, amount: bigint): Promise<void> {
  const { escrow, collector } = chainAt(rpcUrl)
  const authorization = await crawler.payer.deposits(crawler.config, amount)
  const data = encodeDeposit(crawler.config, amount, collector, authorization)
  await send((await newKey()).address, escrow, data)
}

/** Vouchers of one payer, each on a channel of its own that nobody has funded. */
async function strangers(count: number): Promise<string[]> {
  const payer = await newPayer(0n)
  return Promise.all(Array.from({ length: count }, async () => (await crawlerOf(shop, payer)).owes(PRICE)))
}

describe('exact payments of who holds nothing [H1]', () => {
  it('leave no row, no memory and no line in the book, and never reach the relayer', async () => {
    const before = (await listings(env.BOOK, '', 10_000)).length
    const asked = openShop()
    const poor = await newCrawler(asked, PRICE - 1n)
    asked.calls.length = 0
    for (let times = 0; times < 3; times++) {
      const response = await asked.ask('/page', { payment: await poor.pays() })
      expect([response.status, await errorOf(response)]).toEqual([
        402,
        'invalid_exact_evm_insufficient_balance',
      ])
    }
    expect(asked.calls.filter((call) => call.startsWith('RELAYER'))).toEqual([])
    const memory = env.AUTHORIZATIONS.getByName(`eip155:84532:${poor.payer.address}`)
    const tables = await runInDurableObject(memory, (_, { storage }) =>
      storage.sql.exec('SELECT name FROM sqlite_master').toArray(),
    )
    expect(tables).toEqual([])
    expect((await listings(env.BOOK, '', 10_000)).length).toBe(before)
  })

  it('read the chain no more often than the limiter lets them, and keep nobody waiting who is known', async () => {
    let left = 2
    const CHAIN_READS = { limit: async () => ({ success: left-- > 0 }) }
    const limited = openShop({ CHAIN_READS })
    const regular = await newCrawler(limited)
    expect((await limited.ask('/page', { payment: await regular.pays() })).status).toBe(200)
    const answers: [number, string | undefined][] = []
    for (let times = 0; times < 3; times++) {
      const poor = await newCrawler(limited, 0n)
      const response = await limited.ask('/page', { payment: await poor.pays() })
      answers.push([response.status, await errorOf(response)])
    }
    expect(answers).toEqual([
      [402, 'invalid_exact_evm_insufficient_balance'],
      [503, 'tab_too_many_unknown_channels'],
      [503, 'tab_too_many_unknown_channels'],
    ])
    expect((await limited.ask('/page', { payment: await regular.pays() })).status).toBe(200)
  })
})

describe('vouchers on channels that nobody has funded [H1]', () => {
  it('leave no row, no account and no line in the book, whatever they cost to sign', async () => {
    const before = (await listings(env.BOOK, '', 10_000)).length
    for (const payment of await strangers(12)) {
      const response = await shop.ask('/page', { payment })
      expect([response.status, await errorOf(response)]).toEqual([402, `${BATCH}channel_not_found`])
      const account = env.ACCOUNT.getByName(String(valueAt(payment, 'payload.voucher.channelId')))
      expect(await account.standing()).toBeNull()
    }
    expect(shop.calls).not.toContain('ACCOUNT.open')
    expect((await listings(env.BOOK, '', 10_000)).length).toBe(before)
  })

  it('read the chain no more often than the limiter lets them', async () => {
    let left = 5
    const CHAIN_READS = { limit: async () => ({ success: left-- > 0 }) }
    const limited = openShop({ CHAIN_READS })
    const payments = await strangers(12)
    const reads = readsOfChain()
    const answers = await Promise.all(payments.map((payment) => limited.ask('/page', { payment })))
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(402))
    expect(reads()).toBeLessThanOrEqual(5)
  })

  it('with a deposit that the payer does not hold are refused alike, with one look', async () => {
    const poor = await newCrawler(shop, 0n)
    const reads = readsOfChain()
    const response = await shop.ask('/page', { payment: await poor.deposits(50_000n, PRICE) })
    expect(await errorOf(response)).toBe(`${BATCH}deposit_transaction_failed`)
    expect(reads()).toBeLessThanOrEqual(5)
    expect(await poor.account().standing()).toBeNull()
  })

  it('do not stop those who are known when the limiter is used up', async () => {
    const closed = openShop({ CHAIN_READS: { limit: async () => ({ success: false }) } })
    const regular = await newRegular(shop)
    expect((await closed.ask('/two', { payment: await regular.owes(2n * PRICE) })).status).toBe(200)
    const [stranger] = await strangers(1)
    expect((await closed.ask('/page', { payment: stranger ?? '' })).status).toBe(402)
    const fresh = await newCrawler(shop)
    const late = await closed.ask('/page', { payment: await fresh.deposits(50_000n, PRICE) })
    expect([late.status, await errorOf(late)]).toEqual([503, 'tab_too_many_unknown_channels'])
  })
})

describe('a channel that was funded elsewhere', () => {
  it('is found by its first voucher', async () => {
    const crawler = await newCrawler(shop)
    await fund(crawler, 30_000n)
    const paid = await shop.ask('/page', { payment: await crawler.owes(PRICE) })
    expect(receiptOf(paid).extra).toMatchObject({
      channelState: { balance: '30000', chargedCumulativeAmount: '1000' },
    })
  })

  it('is looked at again when a voucher goes beyond what is known', async () => {
    const crawler = await newRegular(shop, 10_000n)
    await fund(crawler, 30_000n)
    for (let page = 2n; page <= 12n; page++) {
      expect((await shop.ask(`/${page}`, { payment: await crawler.owes(page * PRICE) })).status).toBe(200)
    }
    expect(shop.calls.filter((call) => call === 'ACCOUNT.observe')).toHaveLength(1)
  })

  it('is looked at again while a withdrawal seems to be pending', async () => {
    const crawler = await newRegular(shop)
    const [state] = await readChannels(chainAt(rpcUrl), [crawler.id])
    if (!state) throw new Error('no channel')
    await crawler.account().observe({ ...state, withdrawRequestedAt: 1_700_000_000, withdrawAmount: 1n })
    const paid = await shop.ask('/two', { payment: await crawler.owes(2n * PRICE) })
    expect(paid.status).toBe(200)
  })
})

describe('a chain that cannot be read', () => {
  it('is our doubt, not the payer’s fault: 503, and nothing is opened or charged', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const blind = openShop({ RPC_URL: 'http://127.0.0.1:9' })
    const [payment] = await strangers(1)
    const response = await blind.ask('/page', { payment: payment ?? '' })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).not.toBeNull()
    expect(blind.calls).not.toContain('ACCOUNT.open')
    const regular = await newRegular(shop)
    expect((await blind.ask('/two', { payment: await regular.owes(2n * PRICE) })).status).toBe(200)
  })

  it('is no reason to take what cannot be read from the payer for a payment', async () => {
    const junk = encodeHeader({ x402Version: 2, payload: {}, accepted: {} })
    expect((await openShop({ RPC_URL: 'http://127.0.0.1:9' }).ask('/page', { payment: junk })).status).toBe(
      400,
    )
  })
})
