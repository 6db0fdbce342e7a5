/** Payments by `exact` whose Worker was killed under way: what the night makes of them, on the real chain. */
import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { ExactPayment } from '../../../src/chain/facilitator/facilitator.ts'
import { encodeTransfer } from '../../../src/chain/token.ts'
import { LEASE_MS } from '../../../src/ledger/exact/authorizations.ts'
import type { Address } from '../../../src/protocol/evm/hex.ts'
import { orderOf } from '../../../src/schemes/exact/scheme.ts'
import type { Payers } from '../../../src/settlement/context.ts'
import { newKey, randomHex } from '../../chain/harness.ts'
import { newPayer, send } from '../../chain/payer.ts'
import { type Night, newNight, received, runOf, runWork, steps } from '../harness.ts'

const NEVER = 10n ** 10n
const REQUEST = 'GET https://site.test/one'

/** A payer of one night whose requests take authorizations and are killed. */
async function newBuyer({ chain, receiver, relayer }: Night) {
  const payer = await newPayer()
  const id = `${chain.network}:${payer.address}`
  const memory = env.AUTHORIZATIONS.getByName(id)
  return {
    id,
    memory,
    pays: payer.pays,
    /** Takes an authorization, as the request would have, long ago. */
    async takes(value: bigint, rest: Partial<ExactPayment> = {}): Promise<ExactPayment> {
      const payment = await payer.pays(receiver, value, rest)
      const { token, nonce, validBefore, signature } = payment
      const parties = { name: id, token, payer: payer.address, receiver }
      const use = { ...parties, nonce, amount: value, validBefore: NEVER, signature, request: REQUEST }
      await memory.take({ id: randomHex(8), ...use })
      await runInDurableObject(memory, (_, { storage }) => {
        storage.sql.exec(
          'UPDATE authorization SET at = at - ?, valid_before = ?',
          LEASE_MS,
          String(validBefore),
        )
      })
      return payment
    },
    /** Hands a payment to our own relayer, as the request would have. */
    sends: (payment: ExactPayment) =>
      relayer.send(
        {
          id: orderOf({ ...payment, payer: payer.address }),
          to: payment.token,
          data: encodeTransfer(payment),
        },
        1_000,
      ),
    statuses: async () => (await memory.uses('', 10)).map(({ status }) => status),
  }
}

/** Somebody else puts a payment on the chain. */
async function submit(payment: ExactPayment) {
  return send((await newKey()).address, payment.token, encodeTransfer(payment))
}

describe('a payment whose Worker was killed', () => {
  it('after it had sent it is received once, and shown as paid for and not delivered [E2]', async () => {
    const night = await newNight()
    const buyer = await newBuyer(night)
    const sent = await buyer.sends(await buyer.takes(700n))
    if (sent.status !== 'mined') throw new Error(sent.status)
    for (let nights = 0; nights < 2; nights++) {
      const { status, record } = await runOf(night)
      expect([status, record.findings.list]).toEqual([
        'settled',
        [{ account: buyer.id, what: 'undelivered', detail: '1 paid for' }],
      ])
      expect(record.exact).toEqual({ payers: 1, payments: 1, received: '700', inDoubt: 0, undelivered: 1 })
    }
    expect(await received(night)).toBe(700n)
    expect(await buyer.memory.uses('', 10)).toMatchObject([
      { status: 'undelivered', amount: 700n, request: REQUEST, transaction: sent.hash },
    ])
  })

  it('is found by its nonce, whoever put it on the chain [A7, F16]', async () => {
    const night = await newNight()
    const buyer = await newBuyer(night)
    const transaction = await submit(await buyer.takes(700n))
    expect((await runOf(night)).record.exact).toMatchObject({ received: '700', inDoubt: 0, undelivered: 1 })
    expect(await buyer.memory.uses('', 10)).toMatchObject([{ status: 'undelivered', transaction }])
  })

  it('is told of in the record also where the step died that had concluded it [E1]', async () => {
    const night = await newNight()
    const buyer = await newBuyer(night)
    await submit(await buyer.takes(700n))
    const twice = steps(async (_, work) => {
      await work()
      await work()
    })
    expect((await runOf(night, twice)).record).toMatchObject({
      exact: { payments: 1, received: '700', undelivered: 1 },
      findings: { list: [{ what: 'undelivered' }] },
    })
  })

  it('stays in doubt while it may still be used, however many nights [F6]', async () => {
    const night = await newNight()
    const buyer = await newBuyer(night)
    const payment = await buyer.takes(700n)
    for (let nights = 0; nights < 2; nights++)
      expect((await runOf(night)).record.exact).toMatchObject({ payments: 0, inDoubt: 1 })
    await submit(payment)
    expect((await runOf(night)).record.exact).toMatchObject({ received: '700', inDoubt: 0 })
  })

  it('is given up once it has lapsed unused and that is final [A9]', async () => {
    const night = await newNight()
    const buyer = await newBuyer(night)
    await buyer.takes(700n, { validBefore: 1n })
    await night.relayer.lane.misbehave({ method: 'eth_call', where: 'finalized', does: 'drop' })
    expect((await runOf(night)).record).toMatchObject({
      exact: { inDoubt: 1 },
      findings: { list: [{ account: buyer.id, what: 'silent' }] },
    })
    await night.relayer.lane.misbehave()
    const { status, record } = await runOf(night)
    expect([status, record.findings.count, record.exact.inDoubt]).toEqual(['settled', 0, 0])
    expect(await buyer.statuses()).toEqual(['released'])
  })

  it('is not given up while our own transaction may be mined, lapsed or not [F6]', async () => {
    const night = await newNight()
    const buyer = await newBuyer(night)
    const payment = await buyer.takes(700n, { validBefore: 1n })
    await night.relayer.lane.misbehave(
      { method: 'eth_estimateGas', does: 'answer', result: '0x30d40', times: 1 },
      { method: 'eth_sendRawTransaction', does: 'drop' },
    )
    expect(await buyer.sends(payment)).toMatchObject({ status: 'pending' })
    await runOf(night)
    expect(await buyer.statuses()).toEqual(['taken'])
    await night.relayer.lane.misbehave()
    // It is sent again, and the token refuses it.
    await night.relayer.alarm()
    expect(await night.relayer.outcome(orderOf({ ...payment, payer: payment.from }), 1_000)).toMatchObject({
      status: 'reverted',
    })
    await runOf(night)
    expect(await buyer.statuses()).toEqual(['released'])
  })

  it('is given up when its nonce moved something else [A8]', async () => {
    const night = await newNight()
    const buyer = await newBuyer(night)
    const { nonce } = await buyer.takes(700n)
    await submit(await buyer.pays(randomHex(20) as Address, 700n, { nonce }))
    expect((await runOf(night)).record.exact).toMatchObject({ payments: 0, received: '0', inDoubt: 0 })
    expect(await buyer.statuses()).toEqual(['released'])
  })

  it('is left to the request that has taken it again [E4]', async () => {
    const night = await newNight()
    const buyer = await newBuyer(night)
    const {
      token,
      nonce,
      from: payer,
      to,
      validBefore,
      signature,
    } = await buyer.takes(700n, {
      validBefore: 1n,
    })
    const parties = { name: buyer.id, token, payer, receiver: to }
    const use = { ...parties, nonce, amount: 700n, validBefore, signature, request: REQUEST }
    await buyer.memory.take({ id: 'again', ...use })
    expect((await runOf(night)).record.exact).toMatchObject({ inDoubt: 1 })
    expect(await buyer.statuses()).toEqual(['doubtful'])
  })

  it('that the node does not tell of stays in doubt, and stops no other [B7]', async () => {
    const night = await newNight()
    const [buyer, other] = [await newBuyer(night), await newBuyer(night)]
    const hidden = await buyer.takes(700n)
    for (const payment of [hidden, await buyer.takes(30n), await other.takes(4n)]) await submit(payment)
    await night.relayer.lane.misbehave({ method: 'eth_call', where: hidden.nonce.slice(2), does: 'drop' })
    const { status, record } = await runOf(night)
    expect(status).toBe('in_doubt')
    expect(record.exact).toMatchObject({ payers: 2, payments: 2, received: '34', inDoubt: 1 })
    expect(record.findings.list).toContainEqual(
      expect.objectContaining({ account: buyer.id, what: 'silent' }),
    )
    await night.relayer.lane.misbehave()
    const next = await runOf(night)
    expect([next.status, next.record.exact]).toMatchObject(['settled', { received: '734', inDoubt: 0 }])
    expect(await received(night)).toBe(734n)
  })
})

describe('a payment in doubt that a facilitator was to settle', () => {
  const nightWith = ({ settings: { book, authorizations, chain } }: Night, parts: Partial<Payers> = {}) =>
    runWork({
      book,
      channels: null,
      exact: { book, authorizations, chain, relayer: null, ...parts },
      bill: null,
    })

  it('is found on our own node, or given up when it has lapsed', async () => {
    const night = await newNight()
    const [buyer, late] = [await newBuyer(night), await newBuyer(night)]
    await submit(await buyer.takes(700n))
    await late.takes(30n, { validBefore: 1n })
    const { status, record } = await nightWith(night)
    expect([status, record.exact]).toEqual([
      'settled',
      { payers: 2, payments: 1, received: '700', inDoubt: 0, undelivered: 1 },
    ])
    expect(record.findings.list).toEqual([{ account: buyer.id, what: 'undelivered', detail: '1 paid for' }])
    expect(await late.statuses()).toEqual(['released'])
  })

  it('is counted and left in doubt where there is no node: to ask the facilitator again would move money', async () => {
    const night = await newNight()
    const buyer = await newBuyer(night)
    await submit(await buyer.takes(700n))
    const { status, record } = await nightWith(night, { chain: null })
    expect([status, record.exact]).toEqual([
      'settled',
      { payers: 1, payments: 0, received: '0', inDoubt: 1, undelivered: 0 },
    ])
    expect(await buyer.statuses()).toEqual(['taken'])
  })
})
