/** Refunds over HTTP: paid once from the uncharged part of the balance, only if the payer signed them. */

import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { encodeFunctionData, parseAbi } from 'viem'
import { beforeEach, describe, expect, it } from 'vitest'
import { readChannels } from '../../../src/chain/channels.ts'
import { readBalance } from '../../../src/chain/token.ts'
import { MAX_REFUNDS_PER_DAY } from '../../../src/ledger/channel/journal.ts'
import { chainAt } from '../../chain/harness.ts'
import { chainHere } from '../../chain/here.ts'
import { send } from '../../chain/payer.ts'
import {
  altered,
  type Crawler,
  errorOf,
  type Meddle,
  newRegular,
  PRICE,
  receiptOf,
  requiredOf,
  startPaywall,
  twins,
  valueAt,
} from '../harness.ts'

let does: Meddle = (_, call) => call()
const shop = startPaywall({}, (name, call) => does(name, call))
const BATCH = 'invalid_batch_settlement_evm_'
const DEPOSIT = 100_000n
const WITHDRAW = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'function initiateWithdraw(ChannelConfig config, uint128 amount)',
])

let crawler: Crawler
beforeEach(async () => {
  does = (_, call) => call()
  crawler = await newRegular(shop)
})

const held = () => readBalance(chainAt(chainHere().rpcUrl), crawler.payer.address)

describe('Refund request', () => {
  it('pays the uncharged balance to the payer, claims the charges and skips the origin', async () => {
    const before = await held()
    const response = await shop.ask('/any', { payment: await crawler.takesBack(PRICE) })
    expect(response.status).toBe(200)
    expect(await held()).toBe(before + DEPOSIT - PRICE)
    const receipt = receiptOf(response)
    expect(receipt).toMatchObject({
      success: true,
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      amount: '99000',
      extra: { channelState: { balance: '1000', totalClaimed: '1000', chargedCumulativeAmount: '1000' } },
    })
    expect(receipt.extra).not.toHaveProperty('chargedAmount')
    expect(shop.calls).not.toContain('SITE.fetch')
    expect(await crawler.account().standing()).toMatchObject({
      charged: PRICE,
      redeemed: PRICE,
      unresolved: null,
    })
  })

  it('over a part leaves a channel that can still pay', async () => {
    const part = await shop.ask('/any', { payment: await crawler.takesBack(PRICE, 40_000n) })
    expect(receiptOf(part)).toMatchObject({ amount: '40000', extra: { channelState: { balance: '60000' } } })
    const paid = await shop.ask('/two', { payment: await crawler.owes(2n * PRICE) })
    expect(paid.status).toBe(200)
    const rest = await shop.ask('/any', { payment: await crawler.takesBack(2n * PRICE, 58_000n) })
    expect(receiptOf(rest)).toMatchObject({
      extra: { channelState: { balance: '2000', totalClaimed: '2000' } },
    })
  })

  it('keeps the charged total for the next deposit and makes old vouchers stale [A14]', async () => {
    await shop.ask('/any', { payment: await crawler.takesBack(PRICE) })
    const again = await shop.ask('/two', { payment: await crawler.deposits(DEPOSIT, 2n * PRICE) })
    expect(receiptOf(again).extra).toMatchObject({
      channelState: { balance: '101000', totalClaimed: '1000', chargedCumulativeAmount: '2000' },
    })
    const old = await shop.ask('/three', { payment: await crawler.owes(PRICE) })
    expect(await errorOf(old)).toBe(`${BATCH}cumulative_amount_mismatch`)
  })

  it('returns refund_no_balance when sent again', async () => {
    const payment = await crawler.takesBack(PRICE)
    expect((await shop.ask('/any', { payment })).status).toBe(200)
    const again = await shop.ask('/any', { payment })
    expect([again.status, await errorOf(again)]).toEqual([402, `${BATCH}refund_no_balance`])
  })

  it('pays once when sent twice at once', async () => {
    const before = await held()
    const payments = await Promise.all([crawler.takesBack(PRICE), crawler.takesBack(PRICE)])
    const answers = await Promise.all(payments.map((payment) => shop.ask('/any', { payment })))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 402])
    expect(await held()).toBe(before + DEPOSIT - PRICE)
  })

  it('that races another gets a transaction of its own, and neither takes from what was charged [F18]', async () => {
    const before = await held()
    const payments = await Promise.all(
      [40_000n, 30_000n, 50_000n].map((amount) => crawler.takesBack(PRICE, amount)),
    )
    const answers = await Promise.all(payments.map((payment) => shop.ask('/any', { payment })))
    const paid = answers.filter(({ status }) => status === 200).map(receiptOf)
    // Two of the three fit into what was left, whichever came first.
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 402])
    expect(new Set(paid.map(({ transaction }) => transaction)).size).toBe(2)
    const sum = paid.reduce((sum, { amount = '0' }) => sum + BigInt(amount), 0n)
    expect(await held()).toBe(before + sum)
    expect(await crawler.account().standing()).toMatchObject({
      charged: PRICE,
      redeemed: PRICE,
      unresolved: null,
      state: { balance: DEPOSIT - sum },
    })
  })

  it('leaves the charged amount in escrow when it races a charge [F18]', async () => {
    const [refund, voucher] = [await crawler.takesBack(PRICE), await crawler.owes(2n * PRICE)]
    const answers = await Promise.all([
      shop.ask('/any', { payment: refund }),
      shop.ask('/two', { payment: voucher }),
    ])
    const { charged, state } = (await crawler.account().standing()) ?? { charged: 0n, state: { balance: 0n } }
    expect(state.balance).toBeGreaterThanOrEqual(charged)
    expect(charged === 2n * PRICE).toBe(answers[1]?.status === 200)
  })

  it.each([['0'], ['99001'], ['340282366920938463463374607431768211455']])(
    'over %s returns refund_amount_invalid',
    async (amount) => {
      const payment = altered(await crawler.takesBack(PRICE, 1n), 'payload.amount', amount)
      const response = await shop.ask('/any', { payment })
      expect([response.status, await errorOf(response)]).toEqual([402, `${BATCH}refund_amount_invalid`])
      expect(shop.calls).toEqual(['ACCOUNT.place'])
    },
  )

  it('below MIN_REFUND is refused with the least amount, and at it is paid [F13]', async () => {
    const small = await shop.ask('/any', { payment: await crawler.takesBack(PRICE, 4_999n) })
    expect([small.status, await errorOf(small)]).toEqual([402, 'tab_refund_too_small'])
    expect(requiredOf(small).accepts).toMatchObject([{ extra: { minRefund: '5000' } }])
    expect(shop.calls).toEqual(['ACCOUNT.place'])
    expect((await shop.ask('/any', { payment: await crawler.takesBack(PRICE, 5_000n) })).status).toBe(200)
  })

  it('is paid three times a day, and a payer can withdraw on chain after that [F13]', async () => {
    const payment = await crawler.takesBack(PRICE, 10_000n)
    for (let times = 0; times < MAX_REFUNDS_PER_DAY; times++)
      expect((await shop.ask('/any', { payment })).status).toBe(200)
    shop.calls.length = 0
    const entries = (await crawler.account().entries(0, 100)).length
    for (let times = 0; times < 5; times++) {
      const refused = await shop.ask('/any', { payment })
      expect([refused.status, await errorOf(refused)]).toEqual([402, 'tab_refund_limit'])
    }
    expect(new Set(shop.calls)).toEqual(new Set(['ACCOUNT.place']))
    expect(await crawler.account().entries(0, 100)).toHaveLength(entries)
    const args = [crawler.config, 1_000n] as const
    const data = encodeFunctionData({ abi: WITHDRAW, functionName: 'initiateWithdraw', args })
    await send(crawler.payer.address, chainHere().escrow, data)
    const [state] = await readChannels(chainAt(chainHere().rpcUrl), [crawler.id])
    expect(state?.withdrawAmount).toBe(1_000n)
  })

  it('is paid again a day later [F13]', async () => {
    const payment = await crawler.takesBack(PRICE, 10_000n)
    for (let times = 0; times < MAX_REFUNDS_PER_DAY; times++) await shop.ask('/any', { payment })
    await runInDurableObject(crawler.account(), (_, { storage }) => {
      storage.sql.exec('UPDATE entry SET at = at - 86400000')
    })
    expect((await shop.ask('/any', { payment })).status).toBe(200)
  })

  it.each([
    ['payer_budget', 402, 'tab_gas_budget'],
    ['reserve', 503, 'tab_gas_unavailable'],
    ['below_gas', 402, 'tab_refund_too_small'],
  ])(
    'that the relayer declines for %s returns %d %s and leaves the channel open [F13]',
    async (reason, ...answer) => {
      does = async (name, call) =>
        name === 'RELAYER.send' ? { status: 'declined', reason, least: 77_000n } : call()
      const declined = await shop.ask('/any', { payment: await crawler.takesBack(PRICE) })
      expect([declined.status, await errorOf(declined)]).toEqual(answer)
      expect((await shop.ask('/two', { payment: await crawler.owes(2n * PRICE) })).status).toBe(200)
    },
  )

  it('with a voucher above or below the charged total is corrected [A12]', async () => {
    for (const max of [0n, 2n * PRICE]) {
      const response = await shop.ask('/any', { payment: await crawler.takesBack(max) })
      expect(await errorOf(response)).toBe(`${BATCH}cumulative_amount_mismatch`)
    }
    expect(shop.calls).not.toContain('RELAYER.send')
  })

  it('with a malformed signature is rejected without any call [B1]', async () => {
    const payment = await crawler.takesBack(PRICE)
    for (const twin of Object.values(twins(String(valueAt(payment, 'payload.voucher.signature'))))) {
      const forged = altered(payment, 'payload.voucher.signature', twin)
      expect(await errorOf(await shop.ask('/any', { payment: forged }))).toBe(`${BATCH}voucher_signature`)
    }
    expect(shop.calls).toEqual([])
  })

  it('with a pending transaction holds charges until its outcome is known', async () => {
    const payment = await crawler.takesBack(PRICE)
    does = async (name, call) => {
      if (name !== 'RELAYER.send') return call()
      await call()
      return { status: 'pending', hash: `0x${'ee'.repeat(32)}` }
    }
    const unknown = await shop.ask('/any', { payment })
    expect([unknown.status, await errorOf(unknown)]).toEqual([503, 'settlement_pending'])
    does = (_, call) => call()
    await evictDurableObject(crawler.account())
    const over = await shop.ask('/two', { payment: await crawler.owes(2n * PRICE) })
    expect([over.status, await errorOf(over)]).toEqual([402, `${BATCH}cumulative_exceeds_balance`])
    expect(await crawler.account().standing()).toMatchObject({ unresolved: null, state: { balance: PRICE } })
  })

  it('holds charges while its transaction is not sent yet', async () => {
    let signs = () => {}
    const signed = new Promise<void>((resolve) => {
      signs = resolve
    })
    does = async (name, call) => {
      if (name === 'RELAYER.send') await signed
      return call()
    }
    const refund = shop.ask('/any', { payment: await crawler.takesBack(PRICE) })
    while (!shop.calls.includes('RELAYER.send')) await scheduler.wait(1)
    await evictDurableObject(crawler.account())
    const meanwhile = await shop.ask('/two', { payment: await crawler.owes(2n * PRICE) })
    expect([meanwhile.status, await errorOf(meanwhile)]).toEqual([503, `${BATCH}channel_busy`])
    signs()
    expect((await refund).status).toBe(200)
    expect(await crawler.account().standing()).toMatchObject({
      charged: PRICE,
      redeemed: PRICE,
      unresolved: null,
    })
  })
})
