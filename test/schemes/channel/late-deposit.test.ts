/** Deposits sent again after their authorization lapsed: an earlier request may have had them mined. */
import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type Crawler,
  errorOf,
  type Meddle,
  newCrawler,
  newRegular,
  PRICE,
  receiptOf,
  requiredOf,
  startPaywall,
} from '../harness.ts'

let does: Meddle = (_, call) => call()
const shop = startPaywall({}, (name, call) => does(name, call))
const DEPOSIT = 50_000n
const LATE = [402, 'invalid_batch_settlement_evm_payload_authorization_valid_before']
const VALID_MS = 20_000

beforeEach(() => {
  does = (_, call) => call()
  shop.calls.length = 0
})
afterEach(() => {
  vi.restoreAllMocks()
})

const statusAndError = async (response: Response) => [response.status, await errorOf(response)]

async function topUpOf(crawler: Crawler, max: bigint): Promise<string> {
  const { channel } = await shop.offers()
  const validBefore = BigInt(Math.floor((Date.now() + VALID_MS) / 1000))
  return crawler.deposits(DEPOSIT, max, channel, { validBefore })
}

/** Moves the Worker's clock behind the end of the deposit's authorization. */
function lapse() {
  const now = Date.now.bind(Date)
  vi.spyOn(Date, 'now').mockImplementation(() => now() + VALID_MS)
}

/** Sends the transaction and loses its outcome. */
const losing: Meddle = async (name, call) => {
  if (name !== 'RELAYER.send') return call()
  await call()
  return { status: 'pending', hash: `0x${'ee'.repeat(32)}` }
}

describe('Lapsed deposit', () => {
  it('is charged when it was mined and its outcome was lost [A3, I9]', async () => {
    const crawler = await newRegular(shop)
    does = losing
    const payment = await topUpOf(crawler, 2n * PRICE)
    expect((await shop.ask('/two', { payment })).status).toBe(503)
    does = (_, call) => call()
    lapse()
    const served = await shop.ask('/two', { payment })
    expect(served.status).toBe(200)
    expect(receiptOf(served)).toMatchObject({ transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) })
    expect(await crawler.account().standing()).toMatchObject({ charged: 2n * PRICE, unresolved: null })
  })

  it('returns its page again when only the answer was lost [A3]', async () => {
    const crawler = await newCrawler(shop)
    const payment = await topUpOf(crawler, PRICE)
    const first = receiptOf(await shop.ask('/one', { payment }))
    lapse()
    const again = await shop.ask('/one', { payment })
    expect([again.status, receiptOf(again)]).toEqual([200, first])
    expect(await crawler.account().standing()).toMatchObject({ charged: PRICE })
  })

  it('returns 503 while its transaction is pending [I9]', async () => {
    const crawler = await newRegular(shop)
    const payment = await topUpOf(crawler, 2n * PRICE)
    const pending: Meddle = async (name, call) =>
      name.startsWith('RELAYER.') ? { status: 'pending', hash: '0x' } : call()
    does = pending
    expect((await shop.ask('/two', { payment })).status).toBe(503)
    lapse()
    const unknown = await shop.ask('/two', { payment })
    expect(await statusAndError(unknown)).toEqual([503, 'settlement_pending'])
    expect(unknown.headers.get('retry-after')).not.toBeNull()
  })

  it('is late when it was never sent, and blocks its channel no longer [A9]', async () => {
    const crawler = await newRegular(shop)
    const payment = await topUpOf(crawler, 2n * PRICE)
    does = async (name, call) => (name === 'RELAYER.send' ? { status: 'pending', hash: '0x' } : call())
    expect((await shop.ask('/two', { payment })).status).toBe(503)
    does = (_, call) => call()
    lapse()
    expect(await statusAndError(await shop.ask('/two', { payment }))).toEqual(LATE)
    expect(await crawler.account().standing()).toMatchObject({ charged: PRICE, unresolved: null })
  })

  it('of an unknown channel is late without a call to the relayer or the chain [H1]', async () => {
    const crawler = await newCrawler(shop)
    const payment = await topUpOf(crawler, PRICE)
    lapse()
    shop.calls.length = 0
    expect(await statusAndError(await shop.ask('/one', { payment }))).toEqual(LATE)
    expect(shop.calls).toEqual(['ACCOUNT.standing'])
  })
})

describe('Deposit that another request has closed as never sent', () => {
  /** A top-up that was sent, whose outcome is unknown, and whose voucher is behind by a page. */
  async function behind() {
    const crawler = await newRegular(shop)
    const payment = await topUpOf(crawler, 2n * PRICE)
    does = losing
    expect((await shop.ask('/two', { payment })).status).toBe(503)
    // A restarted account refuses the voucher as busy, and the relayer does not have the deposit yet.
    await evictDurableObject(crawler.account())
    does = async (name, call) => (name === 'RELAYER.outcome' ? { status: 'none' } : call())
    expect((await shop.ask('/three', { payment: await crawler.owes(2n * PRICE) })).status).toBe(200)
    does = (_, call) => call()
    return { crawler, payment }
  }

  it('is not refused while it may still be mined [I9, sim seed 194]', async () => {
    const { payment } = await behind()
    does = async (name, call) =>
      name === 'RELAYER.outcome' ? { status: 'pending', hash: `0x${'ee'.repeat(32)}` } : call()
    const unknown = await shop.ask('/two', { payment })
    expect(await statusAndError(unknown)).toEqual([503, 'settlement_pending'])
  })

  it('is in the balance that a corrective 402 states once it was mined [I9, sim seed 194]', async () => {
    const { payment } = await behind()
    const corrective = requiredOf(await shop.ask('/two', { payment }))
    expect(corrective.accepts[0]?.extra.channelState).toMatchObject({
      balance: '150000',
      chargedCumulativeAmount: `${2n * PRICE}`,
    })
  })
})

describe('Refused deposit', () => {
  it('asks the relayer within the bucket of its channel, and gets 503 beyond it [H1, I9]', async () => {
    const crawler = await newRegular(shop)
    const keys: string[] = []
    const limit = async ({ key }: { key: string }) => ({ success: keys.push(key) <= 2 })
    const limited = startPaywall({
      CHANNEL_READS: { limit },
      CHAIN_READS: { limit: async () => ({ success: false }) },
    })
    const payment = await topUpOf(crawler, 5n * PRICE)
    const asked = async () => {
      limited.calls.length = 0
      const refused = await statusAndError(await limited.ask('/two', { payment }))
      return [refused[0], limited.calls.filter((call) => call.startsWith('RELAYER.')).length]
    }
    expect([await asked(), await asked(), await asked()]).toEqual([
      [402, 1],
      [402, 1],
      [503, 0],
    ])
    expect(keys).toEqual([crawler.id, crawler.id, crawler.id])
    const other = await newRegular(shop)
    const unlike = await limited.ask('/two', { payment: await other.owes(2n * PRICE) })
    expect(unlike.status).toBe(200)
  })
})
