/** Deposits over HTTP: opening, topping up, and transactions to the escrow that fail or get lost. */
import { evictDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeDeposit } from '../../../src/chain/escrow.ts'
import { encodeTransfer } from '../../../src/chain/token.ts'
import { depositNonce } from '../../../src/protocol/evm/eip712.ts'
import type { Hex } from '../../../src/protocol/evm/hex.ts'
import type { ChannelPorts } from '../../../src/schemes/channel/purchase.ts'
import { channelScheme } from '../../../src/schemes/channel/scheme.ts'
import { chainAt, newKey } from '../../chain/harness.ts'
import { send } from '../../chain/payer.ts'
import { parsePayment } from '../../protocol/payments.ts'
import {
  altered,
  errorOf,
  type Meddle,
  newCrawler,
  newRegular,
  PRICE,
  receiptOf,
  requiredOf,
  startPaywall,
  termsOf,
  twins,
  valueAt,
} from '../harness.ts'

const shop = startPaywall()
const BATCH = 'invalid_batch_settlement_evm_'
const AUTHORIZATION = 'payload.deposit.authorization.erc3009Authorization'
const DEPOSIT = 50_000n
const OTHER = `0x${'5a'.repeat(20)}` as const
/** Verification makes no calls. */
const NO_PORTS = {} as ChannelPorts

beforeEach(() => {
  shop.calls.length = 0
})

describe('Deposit payment', () => {
  it('opens the channel and pays for its page', async () => {
    const crawler = await newCrawler(shop)
    const response = await shop.ask('/one', { payment: await crawler.deposits(DEPOSIT, PRICE) })
    expect(response.status).toBe(200)
    expect(receiptOf(response)).toMatchObject({
      success: true,
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      amount: '50000',
      extra: { chargedAmount: '1000', channelState: { balance: '50000', chargedCumulativeAmount: '1000' } },
    })
  })

  it('raises the balance of an open channel', async () => {
    const crawler = await newRegular(shop)
    const response = await shop.ask('/two', { payment: await crawler.deposits(DEPOSIT, 2n * PRICE) })
    expect(receiptOf(response).extra).toMatchObject({
      channelState: { balance: '150000', chargedCumulativeAmount: '2000' },
    })
  })

  it('deposits and charges once when the payer sends it again [A3]', async () => {
    const crawler = await newCrawler(shop)
    const payment = await crawler.deposits(DEPOSIT, PRICE)
    const first = await shop.ask('/one', { payment })
    const again = await shop.ask('/one', { payment })
    expect(again.status).toBe(200)
    expect(receiptOf(again)).toEqual(receiptOf(first))
    expect(shop.calls.filter((call) => call === 'RELAYER.send')).toHaveLength(1)
  })

  it('deposits and charges once when sent eight times at once [A11]', async () => {
    const crawler = await newCrawler(shop)
    const payment = await crawler.deposits(DEPOSIT, PRICE)
    const answers = await Promise.all(Array.from({ length: 8 }, () => shop.ask('/one', { payment })))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(await crawler.account().standing()).toMatchObject({ charged: PRICE, state: { balance: DEPOSIT } })
  })

  it('opens no account when the payer has too little money', async () => {
    const crawler = await newCrawler(shop, DEPOSIT - 1n)
    const response = await shop.ask('/one', { payment: await crawler.deposits(DEPOSIT, PRICE) })
    expect([response.status, await errorOf(response)]).toEqual([402, `${BATCH}deposit_transaction_failed`])
    expect(await crawler.account().standing()).toBeNull()
    expect(shop.calls).not.toContain('SITE.fetch')
  })

  it('opens no account when its authorization is already used', async () => {
    const crawler = await newCrawler(shop)
    const payment = await crawler.deposits(DEPOSIT, PRICE)
    const salt = valueAt(payment, `${AUTHORIZATION}.salt`) as Hex
    const transfer = await crawler.payer.pays(OTHER, 1n, { nonce: depositNonce(crawler.id, salt) })
    await send((await newKey()).address, transfer.token, encodeTransfer(transfer))
    const response = await shop.ask('/one', { payment })
    expect([response.status, await errorOf(response)]).toEqual([402, `${BATCH}deposit_transaction_failed`])
    expect(await crawler.account().standing()).toBeNull()
  })

  it('returns cumulative_amount_mismatch and deposits nothing when its voucher does not match the chain', async () => {
    const crawler = await newCrawler(shop)
    const response = await shop.ask('/one', { payment: await crawler.deposits(DEPOSIT, 2n * PRICE) })
    expect(requiredOf(response)).toMatchObject({ error: `${BATCH}cumulative_amount_mismatch` })
    expect(requiredOf(response).accepts[0]?.extra).not.toHaveProperty('channelState')
    expect(shop.calls).not.toContain('RELAYER.send')
  })

  it('below what its gas costs opens no account, and the answer states the amount that does [H2]', async () => {
    let relayer = async (call: () => Promise<unknown>): Promise<unknown> => call()
    const dear = startPaywall({}, (name, call) => (name === 'RELAYER.declines' ? relayer(call) : call()))
    relayer = async () => ({ status: 'declined', reason: 'below_gas', least: 60_000n })
    const crawler = await newCrawler(dear)
    const response = await dear.ask('/one', { payment: await crawler.deposits(DEPOSIT, PRICE) })
    expect([response.status, await errorOf(response)]).toEqual([402, `${BATCH}deposit_below_min_deposit`])
    const [raised] = requiredOf(response).accepts
    expect(raised).toMatchObject({ extra: { minDeposit: '60000' } })
    expect(await crawler.account().standing()).toBeNull()
    relayer = (call) => call()
    const payment = await crawler.deposits(60_000n, PRICE, raised)
    expect((await dear.ask('/one', { payment })).status).toBe(200)
  })

  it('that the relayer declines is refused, and the channel can still charge [F13]', async () => {
    let declines = false
    const short = startPaywall({}, (name, call) =>
      declines && name === 'RELAYER.send'
        ? Promise.resolve({ status: 'declined', reason: 'reserve', least: 0n })
        : call(),
    )
    const crawler = await newRegular(short)
    declines = true
    const response = await short.ask('/two', { payment: await crawler.deposits(DEPOSIT, 2n * PRICE) })
    expect([response.status, await errorOf(response)]).toEqual([503, 'tab_gas_unavailable'])
    expect((await short.ask('/two', { payment: await crawler.owes(2n * PRICE) })).status).toBe(200)
  })

  it('below the minimum is rejected without any call', async () => {
    const crawler = await newCrawler(shop)
    shop.calls.length = 0
    const response = await shop.ask('/one', { payment: await crawler.deposits(9_999n, PRICE) })
    expect(await errorOf(response)).toBe(`${BATCH}deposit_below_min_deposit`)
    expect(shop.calls).toEqual([])
  })

  it.each(Object.keys(twins(`0x${'00'.repeat(64)}1b`)))(
    'with a signature that the token rejects (%s) is rejected without any call [B1]',
    async (name) => {
      const crawler = await newCrawler(shop)
      const payment = await crawler.deposits(DEPOSIT, PRICE)
      const twin = twins(String(valueAt(payment, `${AUTHORIZATION}.signature`)))[name]
      shop.calls.length = 0
      const response = await shop.ask('/one', {
        payment: altered(payment, `${AUTHORIZATION}.signature`, twin),
      })
      expect(await errorOf(response)).toBe(`${BATCH}receive_authorization_signature`)
      expect(shop.calls).toEqual([])
    },
  )

  it.each([
    ['payload.deposit.amount', '60000'],
    [`${AUTHORIZATION}.salt`, `0x${'77'.repeat(32)}`],
    [`${AUTHORIZATION}.validBefore`, '99999999999'],
    [`${AUTHORIZATION}.validAfter`, '1'],
  ])('signed with another %s is rejected without any call [B2]', async (path, value) => {
    const crawler = await newCrawler(shop)
    const payment = altered(await crawler.deposits(DEPOSIT, PRICE), path, value)
    shop.calls.length = 0
    expect(await errorOf(await shop.ask('/one', { payment }))).toBe(`${BATCH}receive_authorization_signature`)
    expect(shop.calls).toEqual([])
  })

  it('without an ERC-3009 authorization is rejected without any call', async () => {
    const crawler = await newCrawler(shop)
    const payment = altered(await crawler.deposits(DEPOSIT, PRICE), 'payload.deposit.authorization', {
      permit2Authorization: {},
    })
    shop.calls.length = 0
    expect(await errorOf(await shop.ask('/one', { payment }))).toBe(`${BATCH}erc3009_authorization_required`)
    expect(shop.calls).toEqual([])
  })
})

describe('channelScheme.verify', () => {
  it('checks the validity of a deposit authorization to the second [A9]', async () => {
    const crawler = await newCrawler(shop)
    const header = await crawler.deposits(DEPOSIT, PRICE)
    const parsed = parsePayment(header)
    if (!parsed.ok || parsed.value.scheme !== 'channel') throw new Error('payment must be a channel payment')
    const payment = parsed.value
    const scheme = channelScheme(termsOf(shop), NO_PORTS)
    const validBefore = Number(valueAt(header, `${AUTHORIZATION}.validBefore`))
    // Later ones are left to the account, which knows whether this very deposit was mined.
    const day = 86_400
    expect(scheme.verify(payment, PRICE, validBefore + day)).toMatchObject({ ok: true })
    expect(scheme.verify(payment, PRICE, validBefore + day + 1)).toMatchObject({
      refusal: { reason: 'deposit_too_late' },
    })
    expect(scheme.verify(payment, PRICE, 0)).toMatchObject({ ok: true })
    expect(scheme.verify(payment, PRICE, -1)).toMatchObject({ refusal: { reason: 'deposit_too_early' } })
  })
})

describe('Deposit with a pending transaction', () => {
  const HASH = `0x${'ee'.repeat(32)}`
  let does: Meddle = (_, call) => call()
  const stalled = startPaywall({ MIN_DEPOSIT: '0.001' }, (name, call) => does(name, call))
  const pending: Meddle = async (name, call) =>
    name.startsWith('RELAYER.') ? { status: 'pending', hash: HASH } : call()

  it('returns 503, adds no balance, and is given up when it was never sent [F17]', async () => {
    const crawler = await newRegular(stalled, 2500n)
    const { channel } = await stalled.offers()
    does = pending
    const topUp = await crawler.deposits(DEPOSIT, 2n * PRICE, channel)
    const unknown = await stalled.ask('/two', { payment: topUp })
    expect([unknown.status, await errorOf(unknown)]).toEqual([503, 'settlement_pending'])
    expect(unknown.headers.get('retry-after')).not.toBeNull()
    expect(await crawler.account().standing()).toMatchObject({
      charged: PRICE,
      state: { balance: 2500n },
      unresolved: { kind: 'deposit' },
    })

    await evictDurableObject(crawler.account())
    const voucher = await crawler.owes(2n * PRICE, channel)
    const busy = await stalled.ask('/two', { payment: voucher })
    expect([busy.status, await errorOf(busy)]).toEqual([503, `${BATCH}channel_busy`])

    does = (_, call) => call()
    expect((await stalled.ask('/two', { payment: voucher })).status).toBe(200)
    const beyond = await stalled.ask('/three', { payment: await crawler.owes(3n * PRICE, channel) })
    expect([beyond.status, await errorOf(beyond)]).toEqual([402, `${BATCH}cumulative_exceeds_balance`])
    expect(await crawler.account().standing()).toMatchObject({ charged: 2n * PRICE, unresolved: null })
  })

  it('deposits once when the payer sends it again after it was mined [F17]', async () => {
    const crawler = await newRegular(stalled, 2500n)
    const { channel } = await stalled.offers()
    const topUp = await crawler.deposits(DEPOSIT, 2n * PRICE, channel)
    // The transaction is mined, but its reply is lost.
    does = async (name, call) => {
      if (name !== 'RELAYER.send') return call()
      await call()
      return { status: 'pending', hash: HASH }
    }
    expect((await stalled.ask('/two', { payment: topUp })).status).toBe(503)
    does = (_, call) => call()
    const again = await stalled.ask('/two', { payment: topUp })
    expect(again.status).toBe(200)
    expect(await crawler.account().standing()).toMatchObject({
      charged: 2n * PRICE,
      state: { balance: 52_500n },
      unresolved: null,
    })
  })
})

describe('Deposit that cannot be sent', () => {
  it('does not block the next voucher of the channel', { timeout: 5_000 }, async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    let does: Meddle = (_, call) => call()
    const unlucky = startPaywall({}, (name, call) => does(name, call))
    const crawler = await newRegular(unlucky)
    does = async (name, call) => {
      if (name === 'RELAYER.send') throw new Error('the chain cannot be reached')
      return call()
    }
    const topUp = await crawler.deposits(DEPOSIT, 2n * PRICE)
    expect((await unlucky.ask('/two', { payment: topUp })).status).toBe(503)
    expect((await unlucky.ask('/two', { payment: await crawler.owes(2n * PRICE) })).status).toBe(200)
    vi.restoreAllMocks()
  })
})

describe('Deposit that another account sends', () => {
  it('is credited at the next voucher, and its own payment is rejected', async () => {
    const crawler = await newCrawler(shop)
    const header = await crawler.deposits(DEPOSIT, PRICE)
    const erc3009 = valueAt(header, AUTHORIZATION) as Record<
      'validAfter' | 'validBefore' | 'salt' | 'signature',
      string
    >
    const { escrow, collector } = chainAt('')
    const data = encodeDeposit(crawler.config, DEPOSIT, collector, {
      validAfter: BigInt(erc3009.validAfter),
      validBefore: BigInt(erc3009.validBefore),
      salt: erc3009.salt as `0x${string}`,
      signature: erc3009.signature as `0x${string}`,
    })
    await send((await newKey()).address, escrow, data)
    const refused = await shop.ask('/one', { payment: header })
    expect([refused.status, await errorOf(refused)]).toEqual([402, `${BATCH}deposit_transaction_failed`])
    expect(shop.calls).not.toContain('SITE.fetch')
    const paid = await shop.ask('/one', { payment: await crawler.owes(PRICE) })
    expect(receiptOf(paid).extra).toMatchObject({ channelState: { balance: '50000' } })
  })
})
