/** Vouchers over HTTP: which are charged, corrected or rejected, and which calls each makes. */
import { evictDurableObject } from 'cloudflare:test'
import { privateKeyToAccount } from 'viem/accounts'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  altered,
  type Crawler,
  errorOf,
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
/** An address and a 32-byte word that differ from all others here. */
const OTHER = `0x${'5a'.repeat(20)}`
const OTHER_WORD = `0x${'5a'.repeat(32)}`
const SIGNATURE = 'payload.voucher.signature'
const BATCH = 'invalid_batch_settlement_evm_'

let crawler: Crawler
beforeEach(async () => {
  crawler = await newRegular(shop)
})

async function chargedOf({ account }: Crawler): Promise<bigint | undefined> {
  return (await account().standing())?.charged
}

/** Checks that the payment is rejected with this code, without a call to the ledger or the origin. */
async function expectRejectedWithoutCalls(payment: string, code: string, status = 402) {
  const response = await shop.ask('/two', { payment })
  expect({ status: response.status, error: await errorOf(response) }).toEqual({ status, error: code })
  expect(shop.calls).toEqual([])
}

describe('Voucher payment', () => {
  it('makes one call to the ledger and returns a receipt with the totals', async () => {
    const paid = await shop.ask('/two', { payment: await crawler.owes(2n * PRICE) })
    expect(paid.status).toBe(200)
    expect(receiptOf(paid)).toMatchObject({
      success: true,
      transaction: '',
      network: 'eip155:84532',
      payer: crawler.payer.address,
      extra: {
        chargedAmount: '1000',
        channelState: { channelId: crawler.id, chargedCumulativeAmount: '2000' },
      },
    })
    expect(shop.calls.toSorted()).toEqual(['ACCOUNT.place', 'SITE.fetch'])
  })

  it.each([1n, PRICE, 2n * PRICE - 1n, 5n * PRICE])(
    'over %s instead of 2000 returns 402 with the totals and the last signature [A12]',
    async (max) => {
      const response = await shop.ask('/two', { payment: await crawler.owes(max) })
      expect(response.status).toBe(402)
      expect(response.headers.get('payment-response')).toBeNull()
      expect(response.headers.get('cache-control')).toBe('no-store')
      const { error, accepts } = requiredOf(response)
      expect(error).toBe(`${BATCH}cumulative_amount_mismatch`)
      expect(accepts).toMatchObject([
        {
          scheme: 'batch-settlement',
          amount: '1000',
          extra: {
            channelState: { channelId: crawler.id, chargedCumulativeAmount: '1000', balance: '100000' },
            voucherState: {
              signedMaxClaimable: '1000',
              signature: valueAt(await crawler.owes(PRICE), SIGNATURE),
            },
          },
        },
      ])
      expect(await chargedOf(crawler)).toBe(PRICE)
    },
  )

  it.each(['voucher', 'deposit', 'refund'])(
    'returns 402 without any state of the channel for a %s that its authorizer did not sign [A13]',
    async (type) => {
      const payments = {
        voucher: () => crawler.owes(5n * PRICE),
        deposit: () => crawler.deposits(5_000n, 5n * PRICE),
        refund: () => crawler.takesBack(PRICE),
      }
      const signed = await payments[type as keyof typeof payments]()
      const forged = altered(signed, SIGNATURE, `0x${'11'.repeat(64)}1b`)
      const response = await shop.ask('/two', { payment: forged })
      const { error, accepts } = requiredOf(response)
      expect(error).toBe(`${BATCH}voucher_signature`)
      expect(JSON.stringify(accepts) + (await response.text())).not.toMatch(
        /channelState|voucherState|signedMax/,
      )
      expect(shop.calls).toEqual([])
    },
  )

  it('charges two concurrent uses for one page once and returns both page and receipt [A11]', async () => {
    const payment = await crawler.owes(2n * PRICE)
    const answers = await Promise.all([1, 2].map(() => shop.ask('/two', { payment })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(receiptOf(answers[0] as Response)).toEqual(receiptOf(answers[1] as Response))
    expect(await chargedOf(crawler)).toBe(2n * PRICE)
  })

  it('is rejected for another path, query, host, scheme, method or body [A2]', async () => {
    const payment = await crawler.owes(2n * PRICE)
    const post = (body: string) => ({ payment, method: 'POST', body })
    expect((await shop.ask('/two?a=1', { payment })).status).toBe(200)
    for (const [url, rest] of [
      ['/other', { payment }],
      ['/two', { payment }],
      ['/two?a=2', { payment }],
      ['/two?a=1&b=2', { payment }],
      ['/Two?a=1', { payment }],
      ['/two/?a=1', { payment }],
      ['https://other.test/two?a=1', { payment }],
      ['http://site.test/two?a=1', { payment }],
      ['https://site.test:8443/two?a=1', { payment }],
      ['/two?a=1', post('x')],
      ['/two?a=1', { payment, method: 'DELETE' }],
    ] as const) {
      // Each request gets a correction and does not retry. The restart frees the retry slot for the next one.
      await evictDurableObject(crawler.account())
      const response = await shop.ask(url, rest)
      expect([url, response.status, await errorOf(response)]).toEqual([
        url,
        402,
        `${BATCH}cumulative_amount_mismatch`,
      ])
    }
    expect(await chargedOf(crawler)).toBe(2n * PRICE)
    const next = await crawler.owes(3n * PRICE)
    expect((await shop.ask('/form', { ...post('one'), payment: next })).status).toBe(200)
    expect((await shop.ask('/form', { ...post('two'), payment: next })).status).toBe(402)
    expect((await shop.ask('/form', { ...post('one'), payment: next })).status).toBe(200)
    expect(await chargedOf(crawler)).toBe(3n * PRICE)
  })

  it('above the escrow balance is rejected after one read of the chain', async () => {
    const shop = startPaywall({ MIN_DEPOSIT: '0.001' })
    const poor = await newRegular(shop, 1500n)
    const { channel } = await shop.offers()
    const response = await shop.ask('/two', { payment: await poor.owes(2n * PRICE, channel) })
    expect(await errorOf(response)).toBe(`${BATCH}cumulative_exceeds_balance`)
    expect(shop.calls.toSorted()).toEqual(['ACCOUNT.observe', 'ACCOUNT.place', 'ACCOUNT.place', 'SITE.fetch'])
    expect(await chargedOf(poor)).toBe(PRICE)
  })
})

describe('Voucher with a signature that the contract rejects', () => {
  it.each(Object.keys(twins(`0x${'00'.repeat(64)}1b`)))(
    '(%s) is rejected without any call [B1]',
    async (name) => {
      const payment = await crawler.owes(2n * PRICE)
      const twin = twins(String(valueAt(payment, SIGNATURE)))[name]
      await expectRejectedWithoutCalls(altered(payment, SIGNATURE, twin), `${BATCH}voucher_signature`)
      expect((await shop.ask('/two', { payment })).status).toBe(200)
    },
  )
})

describe('Voucher for another context', () => {
  const VOUCHER = [
    { name: 'channelId', type: 'bytes32' },
    { name: 'maxClaimableAmount', type: 'uint128' },
  ] as const
  const right = { name: 'x402 Batch Settlement', version: '1', chainId: 84532 }

  it.each([
    ['another chain', { chainId: 8453 }, 'Voucher'],
    ['another contract', { verifyingContract: `0x${'12'.repeat(20)}` as const }, 'Voucher'],
    ['another version', { version: '2' }, 'Voucher'],
    ['another name', { name: 'x402' }, 'Voucher'],
    ['another type', {}, 'Refund'],
  ] as const)('signed for %s is rejected without any call [B2]', async (_, wrong, primaryType) => {
    const verifyingContract = shop.site.config.policy.networks[0].escrow
    const signature = await privateKeyToAccount(crawler.payer.key).signTypedData({
      domain: { ...right, verifyingContract, ...wrong },
      types: { Voucher: VOUCHER, Refund: VOUCHER },
      primaryType,
      message: { channelId: crawler.id, maxClaimableAmount: 2n * PRICE },
    })
    await expectRejectedWithoutCalls(
      altered(await crawler.owes(2n * PRICE), SIGNATURE, signature),
      `${BATCH}voucher_signature`,
    )
  })

  it.each([
    ['payload.voucher.channelId', OTHER_WORD, 'channel_id_mismatch'],
    ['payload.channelConfig.salt', OTHER_WORD, 'channel_id_mismatch'],
    ['payload.channelConfig.payer', OTHER, 'channel_id_mismatch'],
    ['payload.channelConfig.payerAuthorizer', OTHER, 'channel_id_mismatch'],
    ['payload.channelConfig.receiver', OTHER, 'receiver_mismatch'],
    ['payload.channelConfig.receiverAuthorizer', OTHER, 'receiver_authorizer_mismatch'],
    ['payload.channelConfig.token', OTHER, 'token_mismatch'],
    ['payload.channelConfig.withdrawDelay', 900, 'withdraw_delay_mismatch'],
    ['payload.voucher.maxClaimableAmount', '2001', 'voucher_signature'],
  ])('with another %s is rejected without any call [B2, I12]', async (path, value, code) => {
    await expectRejectedWithoutCalls(altered(await crawler.owes(2n * PRICE), path, value), BATCH + code)
  })

  it('of a channel of a former relayer key is offered a channel of the present one [F19]', async () => {
    const path = 'payload.channelConfig.receiverAuthorizer'
    const payment = altered(await crawler.owes(2n * PRICE), path, OTHER)
    const response = await shop.ask('/two', { payment })
    expect(await errorOf(response)).toBe(`${BATCH}receiver_authorizer_mismatch`)
    const offer = requiredOf(response).accepts.find(({ scheme }) => scheme === 'batch-settlement')
    expect(offer?.extra).toMatchObject({ receiverAuthorizer: termsOf(shop).receiverAuthorizer })
  })

  it('of a contract wallet returns tab_contract_wallet, since its validity can change [B2]', async () => {
    const zero = `0x${'0'.repeat(40)}`
    const payment = altered(await crawler.owes(2n * PRICE), 'payload.channelConfig.payerAuthorizer', zero)
    await expectRejectedWithoutCalls(payment, 'tab_contract_wallet')
  })
})

describe('Voucher for an altered offer', () => {
  it.each([
    ['accepted.amount', '999'],
    ['accepted.amount', '1'],
    ['accepted.scheme', 'upto'],
    ['accepted.scheme', 'exact'],
    ['accepted.network', 'eip155:8453'],
    ['accepted.asset', OTHER],
    ['accepted.payTo', OTHER],
    ['accepted.maxTimeoutSeconds', 1],
    ['accepted.extra', {}],
    ['accepted.extra.receiverAuthorizer', OTHER],
    ['accepted.extra.withdrawDelay', 900],
    ['accepted.extra.withdrawDelay', '86400'],
    ['accepted.extra.minDeposit', '1'],
    ['accepted.extra.name', 'USD Coin'],
  ])('with another %s (%s) is rejected without any call [B9]', async (path, value) => {
    const response = await shop.ask('/two', { payment: altered(await crawler.owes(2n * PRICE), path, value) })
    expect(response.status).toBeOneOf([400, 402])
    expect(await errorOf(response)).toBeOneOf([
      'No matching payment requirements',
      'unsupported_payload_type',
    ])
    expect(shop.calls).toEqual([])
  })

  it('with extra fields or addresses in another case is charged [B9]', async () => {
    const payment = await crawler.owes(2n * PRICE)
    const asset = String(valueAt(payment, 'accepted.asset')).toUpperCase().replace('0X', '0x')
    const wordy = altered(altered(payment, 'accepted.asset', asset), 'accepted.extra.builder', 'someone')
    expect((await shop.ask('/two', { payment: wordy })).status).toBe(200)
  })
})

describe('Voucher with an ambiguous value', () => {
  const values = [
    '01',
    '1e3',
    '0x7d0',
    ' 2000',
    '2000 ',
    '-1',
    '+2000',
    '2000.0',
    '',
    '２０００',
    2000,
    null,
    String(1n << 128n),
  ]
  it.each(values)('returns 400 for the amount %j [B8]', async (value) => {
    const payment = altered(await crawler.owes(2n * PRICE), 'payload.voucher.maxClaimableAmount', value)
    await expectRejectedWithoutCalls(payment, 'invalid_payload', 400)
  })

  it.each(['0x1234', 'vitalik.eth', `0x${'g'.repeat(40)}`, `0X${'1'.repeat(40)}`, 1, null])(
    'returns 400 for the payer %j [B8]',
    async (value) => {
      const payment = altered(await crawler.owes(2n * PRICE), 'payload.channelConfig.payer', value)
      await expectRejectedWithoutCalls(payment, 'invalid_payload', 400)
    },
  )
})
