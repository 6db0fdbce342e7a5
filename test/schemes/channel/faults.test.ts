/** A channel's payments while the calls of the Worker fail. */
import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { type Crawler, errorOf, newCrawler, newRegular, PRICE } from '../harness.ts'
import { LOSSES, loseEachCall, meddle, type Scenario, shop } from '../lost-calls.ts'

const DEPOSIT = 50_000n
const regular = () => newRegular(shop)
const newcomer = () => newCrawler(shop)
const voucher = (crawler: Crawler, charged: bigint) => crawler.owes(charged + PRICE)

const scenarios: Scenario[] = [
  { name: 'a voucher', crawler: regular, isRegular: true, payment: voucher, spends: 0n, charges: PRICE },
  {
    name: 'a voucher for a POST',
    crawler: regular,
    isRegular: true,
    payment: voucher,
    ask: { method: 'POST', body: 'x' },
    spends: 0n,
    charges: PRICE,
  },
  {
    name: 'a voucher while the origin fails',
    crawler: regular,
    isRegular: true,
    payment: voucher,
    spends: 0n,
    charges: PRICE,
    origin: async () => new Response('broken', { status: 500 }),
  },
  {
    name: 'a first deposit',
    crawler: newcomer,
    payment: (crawler) => crawler.deposits(DEPOSIT, PRICE),
    spends: DEPOSIT,
    charges: PRICE,
  },
  {
    name: 'a top-up',
    crawler: regular,
    isRegular: true,
    payment: (crawler, charged) => crawler.deposits(DEPOSIT, charged + PRICE),
    spends: DEPOSIT,
    charges: PRICE,
  },
]

describe.each(scenarios)('Payment by $name', (scenario) => {
  it.each(LOSSES)(
    'charges once when a call fails %s it acts, %s in a row, with flags %j [D12, E1, E3, I4]',
    { timeout: 60_000 },
    async (...loss) => loseEachCall(scenario, loss),
  )
})

describe('Account that does not answer', () => {
  it.each([
    [{}, 2],
    [{ retryable: true }, 2],
    [{ durableObjectReset: true }, 2],
    [{ overloaded: true }, 1],
  ])('(error flags %j) is called %s times before the Worker returns 503 [E3]', async (flags, times) => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    meddle((_, call) => call())
    const crawler = await regular()
    meddle(async (name, call) => {
      if (name === 'ACCOUNT.place') throw Object.assign(new Error('no answer'), flags)
      return call()
    })
    const response = await shop.ask('/page', { payment: await voucher(crawler, PRICE) })
    expect([response.status, await errorOf(response)]).toEqual([503, 'tab_ledger_unavailable'])
    expect(response.headers.get('retry-after')).not.toBeNull()
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(shop.calls.filter((call) => call === 'ACCOUNT.place')).toHaveLength(times)
    vi.restoreAllMocks()
  })
})

/** Fails each write to the tables of an account, until the object restarts. */
async function fill({ account }: Crawler): Promise<void> {
  await runInDurableObject(account(), (_, { storage }) => {
    const exec = storage.sql.exec.bind(storage.sql)
    Object.defineProperty(storage.sql, 'exec', {
      value: (query: string, ...bindings: SqlStorageValue[]) => {
        if (/^\s*INSERT/.test(query)) throw new Error('database or disk is full: SQLITE_FULL')
        return exec(query, ...bindings)
      },
    })
  })
}

describe('Account whose storage is full', () => {
  it('answers 503 without the page, and charges the same payment once when there is room again [E10]', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    meddle((_, call) => call())
    const crawler = await regular()
    const payment = await voucher(crawler, PRICE)
    meddle(async (name, call) => {
      if (name === 'ACCOUNT.place') await fill(crawler)
      return call()
    })
    const full = await shop.ask('/page', { payment })
    expect([full.status, await errorOf(full)]).toEqual([503, 'tab_ledger_unavailable'])
    meddle((_, call) => call())
    expect((await shop.ask('/page', { payment })).status).toBe(200)
    expect((await crawler.account().standing())?.charged).toBe(2n * PRICE)
    vi.restoreAllMocks()
  })
})
