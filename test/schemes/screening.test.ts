/** Screening where money meets a payer: over the local chain's oracle, and with the unmodified clients. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { readBalance } from '../../src/chain/token.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { chainAt, randomHex } from '../chain/harness.ts'
import { chainHere } from '../chain/here.ts'
import { ORACLE, sanction } from '../chain/oracle.ts'
import { newPayer } from '../chain/payer.ts'
import { channelFetch, exactFetch } from '../upstream.ts'
import {
  type Crawler,
  crawlerOf,
  errorOf,
  newCrawler,
  newRegular,
  PRICE,
  requiredOf,
  startPaywall,
} from './harness.ts'

const NOWHERE = `0x${'9'.repeat(40)}`

const { rpcUrl } = chainHere()
const screening = { SCREENING: { oracle: ORACLE } }

const held = (address: Address) => readBalance(chainAt(rpcUrl), address)
const payerOf = (address: Address) => env.AUTHORIZATIONS.getByName(`eip155:84532:${address}`)

async function statusAndError(response: Response): Promise<[number, string | undefined]> {
  return [response.status, response.ok ? undefined : await errorOf(response)]
}

/** The screening of a channel's payer, as lines. */
async function journal({ account, payer }: Pick<Crawler, 'account' | 'payer'>): Promise<string[]> {
  const entries = (await account().screenings(0, 100)).filter(({ address }) => address === payer.address)
  return entries.map(({ act, status, isAllowed }) => `${act} ${status}${isAllowed ? '' : ', stopped'}`)
}

describe('A payer that the oracle lists', () => {
  it('is refused an exact payment, which moves nothing and is journalled with the list, its date and the reason', async () => {
    const shop = startPaywall(screening)
    const crawler = await newCrawler(shop)
    await sanction(crawler.payer.address)
    const answer = await shop.ask('/a', { payment: await crawler.pays() })
    expect(await statusAndError(answer)).toEqual([403, 'tab_payer_refused'])
    expect(await held(crawler.payer.address)).toBe(1_000_000n)
    expect(await payerOf(crawler.payer.address).screenings(0, 10)).toMatchObject([
      {
        act: 'exact',
        address: crawler.payer.address,
        status: 'listed',
        isAllowed: false,
        list: `oracle ${ORACLE}`,
        dated: expect.any(Number),
        reason: 'sanctioned by the oracle',
      },
    ])
  })

  it('is refused a deposit, and gets no account', async () => {
    const shop = startPaywall(screening)
    const crawler = await newCrawler(shop)
    await sanction(crawler.payer.address)
    const answer = await shop.ask('/a', { payment: await crawler.deposits(100_000n, PRICE) })
    expect(await statusAndError(answer)).toEqual([403, 'tab_payer_refused'])
    expect(await crawler.account().standing()).toBeNull()
    expect(await held(crawler.payer.address)).toBe(1_000_000n)
    expect(await payerOf(crawler.payer.address).screenings(0, 10)).toMatchObject([
      { act: 'deposit', status: 'listed' },
    ])
  })

  it('gets neither the list nor the reason in its answer', async () => {
    const shop = startPaywall({ SCREEN_DENY: `0x${'12'.repeat(20)}`, ...screening })
    const crawler = await newCrawler(shop)
    await sanction(crawler.payer.address)
    const answer = await shop.ask('/a', { payment: await crawler.pays() })
    expect(await answer.json()).toEqual({
      error: 'tab_payer_refused',
      message: 'Payments of this payer are not accepted here.',
    })
  })
})

describe('A payer that is listed after its deposit', () => {
  it('is charged for no voucher from then on, and its account is held', async () => {
    const before = startPaywall(screening)
    const crawler = await newRegular(before)
    await sanction(crawler.payer.address)
    // Another isolate: this one keeps its answer for an hour.
    const shop = startPaywall(screening)
    const answer = await shop.ask('/b', { payment: await crawler.owes(2n * PRICE) })
    expect(await statusAndError(answer)).toEqual([403, 'tab_payer_refused'])
    const standing = await crawler.account().standing()
    expect(standing).toMatchObject({
      charged: PRICE,
      hold: { list: `oracle ${ORACLE}`, address: crawler.payer.address },
    })
    expect(await journal(crawler)).toEqual(['deposit clear', 'voucher listed, stopped'])
    // The isolate that still takes it for clear meets the hold.
    const late = await before.ask('/b', { payment: await crawler.owes(2n * PRICE) })
    expect(await statusAndError(late)).toEqual([403, 'tab_payer_refused'])
  })

  it('is refunded nothing until the operator releases the account', async () => {
    const crawler = await newRegular(startPaywall(screening))
    await sanction(crawler.payer.address)
    const shop = startPaywall(screening)
    const refund = async () => shop.ask('/b', { payment: await crawler.takesBack(PRICE) })
    expect(await statusAndError(await refund())).toEqual([403, 'tab_payer_refused'])
    expect(await held(crawler.payer.address)).toBe(900_000n)
    expect(await crawler.account().releaseHold('by the operator')).toMatchObject({ list: `oracle ${ORACLE}` })
    expect((await refund()).status).toBe(200)
    expect(await held(crawler.payer.address)).toBe(1_000_000n - PRICE)
    // The release is about this account's money. A listed payer still buys nothing.
    const bought = await shop.ask('/b', { payment: await crawler.owes(2n * PRICE) })
    expect(await statusAndError(bought)).toEqual([403, 'tab_payer_refused'])
    expect((await crawler.account().standing())?.hold).toBeUndefined()
  })
})

describe('A receiver that the oracle lists', () => {
  const listedReceiver = async () => {
    const receiver = randomHex(20) as Address
    await sanction(receiver)
    return { receiver, vars: { ...screening, RECEIVER: receiver } }
  }
  const offersIn = async (response: Response) => requiredOf(response).accepts.map(({ payTo }) => payTo)

  it('gets no exact payment, and is journalled under its own address', async () => {
    const { receiver, vars } = await listedReceiver()
    const shop = startPaywall(vars)
    const crawler = await newCrawler(shop)
    const answer = await shop.ask('/a', { payment: await crawler.pays() })
    expect(await statusAndError(answer)).toEqual([503, 'tab_receiver_unavailable'])
    expect([await held(receiver), await held(crawler.payer.address)]).toEqual([0n, 1_000_000n])
    expect(await payerOf(crawler.payer.address).screenings(0, 10)).toEqual([])
    expect(await payerOf(receiver).screenings(0, 10)).toMatchObject([
      { act: 'exact', address: receiver, status: 'listed', isAllowed: false, list: `oracle ${ORACLE}` },
    ])
  })

  it('gets no deposit', async () => {
    const { vars } = await listedReceiver()
    const shop = startPaywall(vars)
    const crawler = await newCrawler(shop)
    const answer = await shop.ask('/a', { payment: await crawler.deposits(100_000n, PRICE) })
    expect(await statusAndError(answer)).toEqual([503, 'tab_receiver_unavailable'])
    expect(await crawler.account().standing()).toBeNull()
    expect(await held(crawler.payer.address)).toBe(1_000_000n)
  })

  it('is named by no offer once an isolate has its listing in memory', async () => {
    const { receiver, vars } = await listedReceiver()
    const shop = startPaywall(vars)
    const crawler = await newCrawler(shop)
    const before = await shop.ask('/a')
    expect((await offersIn(before)).map((address) => address.toLowerCase())).toContain(receiver)
    await shop.ask('/a', { payment: await crawler.pays() })
    const after = await shop.ask('/a')
    expect(await statusAndError(after)).toEqual([503, 'tab_receiver_unavailable'])
    expect(after.headers.get('payment-required')).toBeNull()
  })

  it('on SCREEN_DENY is named by no offer from the first request on', async () => {
    const receiver = randomHex(20)
    const shop = startPaywall({ RECEIVER: receiver, SCREEN_DENY: [receiver] })
    expect((await shop.ask('/a')).status).toBe(503)
    expect(shop.calls).toEqual([])
  })

  it('is paid again after the operator has released it', async () => {
    const { receiver, vars } = await listedReceiver()
    const shop = startPaywall(vars)
    const crawler = await newCrawler(shop)
    await shop.ask('/a', { payment: await crawler.pays() })
    expect(await payerOf(receiver).releaseHold('a namesake')).not.toBeNull()
    const answer = await shop.ask('/a', { payment: await crawler.pays() })
    expect([answer.status, await held(receiver)]).toEqual([200, PRICE])
    expect((await shop.ask('/a')).status).toBe(402)
  })

  it('is clear in the journal of the payer whose payment it gets', async () => {
    const shop = startPaywall(screening)
    const crawler = await newCrawler(shop)
    expect((await shop.ask('/a', { payment: await crawler.pays() })).status).toBe(200)
    const decisions = await payerOf(crawler.payer.address).screenings(0, 10)
    expect(
      decisions.map(({ address, act, status }) => [address === crawler.payer.address, act, status]),
    ).toEqual([
      [true, 'exact', 'clear'],
      [false, 'exact', 'clear'],
    ])
  })
})

describe('Screening', () => {
  it('lets unmodified clients pay that no list names', async () => {
    const shop = startPaywall(screening)
    const visit = ((input: RequestInfo, init?: RequestInit) => {
      const request = new Request(input, init)
      request.headers.set('user-agent', 'crawler/1.0')
      return shop.site.gate(request, shop.site.origin)
    }) as typeof fetch
    const key = await newPayer(10_000_000n)
    const payer = { privateKey: key.key }
    expect((await exactFetch(visit, payer, rpcUrl)('https://site.test/1')).status).toBe(200)
    expect((await channelFetch(visit, payer, rpcUrl).fetch('https://site.test/2')).status).toBe(200)
    await sanction(key.address)
    const other = startPaywall({ ...screening, SCHEMES: ['exact'] })
    const refused = await exactFetch(
      (async (input, init) =>
        other.site.gate(new Request(input as RequestInfo, init), other.site.origin)) as typeof fetch,
      payer,
      rpcUrl,
    )('https://site.test/3')
    expect(refused.status).toBe(403)
  })

  it('asks nothing for an unpaid request, and once for many paid ones', async () => {
    const shop = startPaywall(screening)
    const crawler = await newRegular(shop)
    const calls = []
    for (let nth = 2n; nth <= 4n; nth++) {
      shop.calls.length = 0
      const answer = await shop.ask(`/${nth}`, { payment: await crawler.owes(nth * PRICE) })
      expect(answer.status).toBe(200)
      calls.push(shop.calls.filter((call) => call !== 'SITE.fetch'))
    }
    expect(calls).toEqual([['ACCOUNT.place'], ['ACCOUNT.place'], ['ACCOUNT.place']])
    expect(await journal(crawler)).toEqual(['deposit clear'])
  })

  it('stops what fails closed where the oracle does not answer, and lets pass what fails open', async () => {
    const shop = startPaywall({ SCREENING: { oracle: NOWHERE, deposit: 'open' } })
    const crawler = await newCrawler(shop)
    const exact = await shop.ask('/a', { payment: await crawler.pays() })
    expect(await statusAndError(exact)).toEqual([503, 'tab_screening_unavailable'])
    expect(exact.headers.get('retry-after')).toBe('2')
    const deposit = await shop.ask('/a', { payment: await crawler.deposits(100_000n, PRICE) })
    expect(deposit.status).toBe(200)
    expect((await shop.ask('/b', { payment: await crawler.owes(2n * PRICE) })).status).toBe(200)
    expect(await journal(crawler)).toEqual(['deposit unknown', 'voucher unknown'])
    const refund = await shop.ask('/b', { payment: await crawler.takesBack(2n * PRICE) })
    expect(await statusAndError(refund)).toEqual([503, 'tab_screening_unavailable'])
  })

  it('follows the own deny list of the operator, and its allow list before every other source', async () => {
    const key = await newPayer()
    const denying = startPaywall({ SCREEN_DENY: [key.address] })
    const denied = await crawlerOf(denying, key)
    expect(await statusAndError(await denying.ask('/a', { payment: await denied.pays() }))).toEqual([
      403,
      'tab_payer_refused',
    ])
    await sanction(key.address)
    const allowing = startPaywall({ ...screening, SCREEN_ALLOW: [key.address] })
    const allowed = await crawlerOf(allowing, key)
    expect((await allowing.ask('/a', { payment: await allowed.pays() })).status).toBe(200)
  })

  it('is off without settings: a listed payer is served and nothing is journalled', async () => {
    const shop = startPaywall()
    const crawler = await newCrawler(shop)
    await sanction(crawler.payer.address)
    expect((await shop.ask('/a', { payment: await crawler.pays() })).status).toBe(200)
    expect(await payerOf(crawler.payer.address).screenings(0, 10)).toEqual([])
  })
})
