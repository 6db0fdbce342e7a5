/** The nightly run makes settled `exact` payments final, and finds those that a reorganization has undone. */
import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { encodeTransfer } from '../../../src/chain/token.ts'
import type { Authorizations } from '../../../src/ledger/exact/authorizations.ts'
import { DAY_MS } from '../../../src/platform/time.ts'
import type { Address } from '../../../src/protocol/evm/hex.ts'
import { orderOf } from '../../../src/schemes/exact/scheme.ts'
import { newKey, randomHex } from '../../chain/harness.ts'
import { newPayer, send } from '../../chain/payer.ts'
import { newReceiver, type ReceiverSetup, runOf, runWork, steps } from '../harness.ts'

const NEVER_MINED = `0x${'ab'.repeat(32)}` as const

/** A node whose newest block is final. */
const FINAL_AT_ONCE = { method: 'eth_call', does: 'ask', replace: '"finalized"', by: '"latest"' } as const

/** A payer whose page was delivered for each payment, in the transaction that a block had. */
async function newBuyer({ chain, receiver, relayer }: ReceiverSetup) {
  const payer = await newPayer()
  const name = `${chain.network}:${payer.address}`
  const memory = env.AUTHORIZATIONS.getByName(name)
  const signs = async (value: bigint) => {
    const payment = await payer.pays(receiver, value)
    const { token, nonce, validBefore, signature } = payment
    const parties = { name, token, payer: payer.address, receiver }
    const page = { request: 'GET https://site.test/one', site: 'site.test', rule: 'PRICE' }
    await memory.take({ id: randomHex(8), ...parties, nonce, amount: value, validBefore, signature, ...page })
    return payment
  }
  return {
    name,
    memory,
    payer,
    async pays(value: bigint) {
      const payment = await signs(value)
      const id = orderOf({ ...payment, payer: payer.address })
      const sent = await relayer.send({ id, to: payment.token, data: encodeTransfer(payment) }, 5_000)
      if (sent.status !== 'mined') throw new Error(sent.status)
      await memory.settled(payment.token, payment.nonce, sent.hash)
      return { ...payment, transaction: sent.hash }
    },
    /** Pays in a block that a reorganization has replaced by one without the transfer. */
    async paysInVain(value: bigint) {
      const payment = await signs(value)
      await memory.settled(payment.token, payment.nonce, NEVER_MINED)
      return payment
    },
    statuses: async () => (await memory.uses('', 10)).map(({ status }) => status).toSorted(),
  }
}

const submit = async (payment: Parameters<typeof encodeTransfer>[0]) =>
  send((await newKey()).address, payment.token, encodeTransfer(payment))

describe('Settled exact payment', () => {
  it('is final once its block is, and is asked about no more [F8]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    await buyer.pays(700n)
    await buyer.pays(30n)
    expect((await runOf(setup)).record.exact).toMatchObject({ payments: 2, received: '730' })
    expect(await buyer.memory.totals()).toMatchObject({ provisional: 2 })
    await setup.relayer.lane.misbehave(FINAL_AT_ONCE)
    const { status, record } = await runOf(setup)
    expect([status, record.findings.count]).toEqual(['settled', 0])
    expect(await buyer.memory.totals()).toMatchObject({ payments: 2, provisional: 0, inDoubt: 0 })
  })

  it('is final at once where no node of ours can show its block', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    await buyer.paysInVain(700n)
    const { book, authorizations, scope } = setup.settings
    const exact = [{ scope, book, authorizations, chain: null, relayer: null }]
    const { status, record } = await runWork({ book, channels: [], exact, bill: null })
    expect([status, record.exact]).toMatchObject(['settled', { payments: 1, received: '700' }])
    expect(await buyer.memory.totals()).toMatchObject({ provisional: 0 })
  })

  it('stays provisional while the node does not answer [B7]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    await buyer.pays(700n)
    await setup.relayer.lane.misbehave({ method: 'eth_getTransactionReceipt', does: 'drop' }, FINAL_AT_ONCE)
    const { status, record } = await runOf(setup)
    expect([status, record.findings.list]).toMatchObject([
      'in_doubt',
      [{ account: buyer.name, what: 'silent' }],
    ])
    expect(await buyer.memory.totals()).toMatchObject({ payments: 1, provisional: 1 })
  })
})

describe('Exact payment that a reorganization undid', () => {
  it('is named while it can still be paid, and counts when it is mined again [F8]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    const payment = await buyer.paysInVain(700n)
    const { status, record } = await runOf(setup)
    expect([status, record.findings.list]).toEqual([
      'in_doubt',
      [
        {
          account: buyer.name,
          what: 'unresolved',
          detail: `nonce ${payment.nonce} over 700: it was settled, and the chain lacks its transfer`,
        },
      ],
    ])
    expect(await buyer.statuses()).toEqual(['undone'])
    const transaction = await submit(payment)
    await setup.relayer.lane.misbehave(FINAL_AT_ONCE)
    const next = await runOf(setup)
    expect([next.status, next.record.exact]).toMatchObject([
      'settled',
      { payments: 1, received: '700', inDoubt: 0 },
    ])
    expect(await buyer.memory.uses('', 10)).toMatchObject([{ status: 'settled', transaction }])
  })

  it('is lost and named once its payer has used the authorization otherwise [F8, I1]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    await buyer.pays(30n)
    const lost = await buyer.paysInVain(700n)
    await submit(await buyer.payer.pays(randomHex(20) as Address, 700n, { nonce: lost.nonce }))
    await setup.relayer.lane.misbehave(FINAL_AT_ONCE)
    const twice = steps(async (_, work) => {
      await work()
      await work()
    })
    const { status, record } = await runOf(setup, twice)
    expect([status, record.exact]).toMatchObject(['settled', { payments: 1, received: '30', inDoubt: 0 }])
    expect(record.findings.list).toEqual([
      {
        account: buyer.name,
        what: 'lost',
        detail: `nonce ${lost.nonce} over 700: its transfer ${NEVER_MINED} was undone, and cannot be made again`,
      },
    ])
    expect(await buyer.statuses()).toEqual(['lost', 'settled'])
  })

  it('is named by the next run that stores its step, however old the loss is (seeds 131, 269, 721, 1370) [I1]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    const { token, nonce } = await buyer.paysInVain(700n)
    await buyer.memory.confirm({ token, nonce }, [{ token, nonce }])
    await runInDurableObject(buyer.memory, async (payments: Authorizations, { storage }) => {
      const [doubt] = await payments.doubts(1)
      await payments.close(token, nonce, doubt?.taker ?? '')
      storage.sql.exec('UPDATE loss SET at = at - ?', 3 * DAY_MS)
    })
    const killed = steps(async (name, work) => {
      await work()
      if (name === 'reconcile 1') throw new Error('killed')
    })
    await expect(runOf(setup, killed)).rejects.toThrow('killed')
    const named = async () => (await runOf(setup)).record.findings.list.map(({ what }) => what)
    expect(await named()).toEqual(['lost'])
    expect(await named()).toEqual([])
  })
})
