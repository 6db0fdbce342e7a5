/** On-chain lookups for unknown or outdated channels, and the limit on lookups that unknown payers cause. */
import { env, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readChannels } from '../../../src/chain/channels.ts'
import { encodeDeposit } from '../../../src/chain/escrow.ts'
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
  PRICE,
  receiptOf,
  startPaywall,
  valueAt,
} from '../harness.ts'

const { rpcUrl } = chainHere()
const shop = startPaywall()
const BATCH = 'invalid_batch_settlement_evm_'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Counts the contract calls that the chain's node gets. The first of them in a while is followed by questions about its head. */
function readsOfChain() {
  const seen = vi.spyOn(globalThis, 'fetch')
  return () =>
    seen.mock.calls.filter(
      ([to, init]) => String(to).startsWith(rpcUrl) && String(init?.body).includes('"eth_call"'),
    ).length
}

/** Funds a channel without the Worker, by a separate transaction. */
async function fund(crawler: Crawler, amount: bigint): Promise<void> {
  const { escrow, collector } = chainAt(rpcUrl)
  const authorization = await crawler.payer.deposits(crawler.config, amount)
  const data = encodeDeposit(crawler.config, amount, collector, authorization)
  await send((await newKey()).address, escrow, data)
}

async function stateOf({ id }: Crawler) {
  const [state] = await readChannels(chainAt(rpcUrl), [id])
  if (!state) throw new Error('the chain must know the channel')
  return state
}

/** Vouchers of one payer, each on its own unfunded channel. */
async function unfunded(count: number): Promise<string[]> {
  const payer = await newPayer(0n)
  return Promise.all(Array.from({ length: count }, async () => (await crawlerOf(shop, payer)).owes(PRICE)))
}

describe('Exact payment without funds', () => {
  it('stores nothing, adds no row to the read model and never reaches the relayer [H1]', async () => {
    const before = (await listings(env.BOOK, '', 10_000)).length
    const asked = startPaywall()
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

  it('reads the chain within the rate limit, and known payers still pay [H1]', async () => {
    let left = 2
    const CHAIN_READS = { limit: async () => ({ success: left-- > 0 }) }
    const limited = startPaywall({ CHAIN_READS })
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

describe('Voucher on an unfunded channel', () => {
  it('returns channel_not_found, opens no account and adds no row to the read model [H1]', async () => {
    const before = (await listings(env.BOOK, '', 10_000)).length
    for (const payment of await unfunded(12)) {
      const response = await shop.ask('/page', { payment })
      expect([response.status, await errorOf(response)]).toEqual([402, `${BATCH}channel_not_found`])
      const account = env.ACCOUNT.getByName(String(valueAt(payment, 'payload.voucher.channelId')))
      expect(await account.standing()).toBeNull()
    }
    expect(shop.calls).not.toContain('ACCOUNT.open')
    expect((await listings(env.BOOK, '', 10_000)).length).toBe(before)
  })

  it('reads the chain within the rate limit [H1]', async () => {
    let left = 5
    const CHAIN_READS = { limit: async () => ({ success: left-- > 0 }) }
    const limited = startPaywall({ CHAIN_READS })
    const payments = await unfunded(12)
    const reads = readsOfChain()
    const answers = await Promise.all(payments.map((payment) => limited.ask('/page', { payment })))
    const unread = answers.filter(({ status }) => status === 503)
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(5)
    expect(unread).toHaveLength(7)
    for (const answer of unread) {
      expect(await errorOf(answer)).toBe('tab_too_many_unknown_channels')
      expect(answer.headers.get('retry-after')).not.toBeNull()
    }
    expect(reads()).toBe(5)
  })

  it('with an uncovered deposit is rejected after three reads of the chain [H1]', async () => {
    const poor = await newCrawler(shop, 0n)
    const reads = readsOfChain()
    const response = await shop.ask('/page', { payment: await poor.deposits(50_000n, PRICE) })
    expect(await errorOf(response)).toBe(`${BATCH}deposit_transaction_failed`)
    expect(reads()).toBe(3)
    expect(await poor.account().standing()).toBeNull()
  })

  it('does not stop known channels when the rate limit is used up [H1]', async () => {
    const closed = startPaywall({ CHAIN_READS: { limit: async () => ({ success: false }) } })
    const regular = await newRegular(shop)
    expect((await closed.ask('/two', { payment: await regular.owes(2n * PRICE) })).status).toBe(200)
    const [unknown] = await unfunded(1)
    expect((await closed.ask('/page', { payment: unknown ?? '' })).status).toBe(503)
    const fresh = await newCrawler(shop)
    const late = await closed.ask('/page', { payment: await fresh.deposits(50_000n, PRICE) })
    expect([late.status, await errorOf(late)]).toEqual([503, 'tab_too_many_unknown_channels'])
  })
})

describe('Channel funded without the Worker', () => {
  it('returns 503 while the rate limit prevents its lookup, then opens [H1, I9]', async () => {
    const closed = startPaywall({ CHAIN_READS: { limit: async () => ({ success: false }) } })
    const crawler = await newCrawler(shop)
    await fund(crawler, 30_000n)
    const payment = await crawler.owes(PRICE)
    const unread = await closed.ask('/page', { payment })
    expect([unread.status, await errorOf(unread)]).toEqual([503, 'tab_too_many_unknown_channels'])
    expect((await shop.ask('/page', { payment })).status).toBe(200)
  })

  it('is read again from a bucket of its own, whatever strangers use up [H1, I9]', async () => {
    const keys: string[] = []
    let isOpen = false
    const CHANNEL_READS = {
      limit: async ({ key }: { key: string }) => {
        keys.push(key)
        return { success: isOpen }
      },
    }
    const closed = { limit: async () => ({ success: false }) }
    const limited = startPaywall({ CHAIN_READS: closed, CHANNEL_READS })
    const crawler = await newRegular(shop, 10_000n)
    await crawler.account().observe({ ...(await stateOf(crawler)), balance: PRICE })
    const payment = await crawler.owes(2n * PRICE)
    const unread = await limited.ask('/two', { payment })
    expect([unread.status, await errorOf(unread)]).toEqual([503, 'tab_too_many_unknown_channels'])
    expect(unread.headers.get('retry-after')).not.toBeNull()
    isOpen = true
    expect((await limited.ask('/two', { payment })).status).toBe(200)
    expect(keys).toEqual([crawler.id, crawler.id])
  })

  it('is opened by its first voucher', async () => {
    const crawler = await newCrawler(shop)
    await fund(crawler, 30_000n)
    const paid = await shop.ask('/page', { payment: await crawler.owes(PRICE) })
    expect(receiptOf(paid).extra).toMatchObject({
      channelState: { balance: '30000', chargedCumulativeAmount: '1000' },
    })
  })

  it('stays unknown below MIN_DEPOSIT: no account, no row in the read model [H2]', async () => {
    for (const [amount, status] of [
      [9_999n, 402],
      [10_000n, 200],
    ] as const) {
      const crawler = await newCrawler(shop)
      await fund(crawler, amount)
      const response = await shop.ask('/one', { payment: await crawler.owes(PRICE) })
      expect(response.status).toBe(status)
      const row = await env.BOOK.prepare('SELECT id FROM account WHERE id = ?').bind(crawler.id).first()
      expect([(await crawler.account().standing()) !== null, row !== null]).toEqual([
        status === 200,
        status === 200,
      ])
    }
  })

  it('is read again when a voucher exceeds the stored balance', async () => {
    const crawler = await newRegular(shop, 10_000n)
    await fund(crawler, 30_000n)
    for (let page = 2n; page <= 12n; page++) {
      expect((await shop.ask(`/${page}`, { payment: await crawler.owes(page * PRICE) })).status).toBe(200)
    }
    expect(shop.calls.filter((call) => call === 'ACCOUNT.observe')).toHaveLength(1)
  })

  it('is read again when the account stores a pending withdrawal', async () => {
    const crawler = await newRegular(shop)
    await crawler
      .account()
      .observe({ ...(await stateOf(crawler)), withdrawRequestedAt: 1_700_000_000, withdrawAmount: 1n })
    const paid = await shop.ask('/two', { payment: await crawler.owes(2n * PRICE) })
    expect(paid.status).toBe(200)
  })
})

describe('Unreachable chain', () => {
  it('makes the Worker return 503 for an unknown channel and open nothing', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const blind = startPaywall({ RPC_URL: 'http://127.0.0.1:9' })
    const [payment] = await unfunded(1)
    const response = await blind.ask('/page', { payment: payment ?? '' })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).not.toBeNull()
    expect(blind.calls).not.toContain('ACCOUNT.open')
    const regular = await newRegular(shop)
    expect((await blind.ask('/two', { payment: await regular.owes(2n * PRICE) })).status).toBe(200)
  })

  it('does not change the 400 for a malformed payment', async () => {
    const junk = encodeHeader({ x402Version: 2, payload: {}, accepted: {} })
    expect(
      (await startPaywall({ RPC_URL: 'http://127.0.0.1:9' }).ask('/page', { payment: junk })).status,
    ).toBe(400)
  })
})
