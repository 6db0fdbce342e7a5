/** Unresolved `exact` payments of aborted requests, resolved by the nightly run on the real chain. */
import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { SignedTransfer } from '../../../src/chain/facilitator/facilitator.ts'
import { encodeTransfer } from '../../../src/chain/token.ts'
import { LEASE_MS } from '../../../src/ledger/exact/authorizations.ts'
import type { Address } from '../../../src/protocol/evm/hex.ts'
import { orderOf } from '../../../src/schemes/exact/scheme.ts'
import type { Payers } from '../../../src/settlement/context.ts'
import { MAX_PAYMENTS } from '../../../src/settlement/exact/in-doubt.ts'
import { newKey, randomHex } from '../../chain/harness.ts'
import { newPayer, send } from '../../chain/payer.ts'
import { newReceiver, type ReceiverSetup, received, runOf, runWork, steps } from '../harness.ts'

const NEVER = 10n ** 10n
const REQUEST = 'GET https://site.test/one'

/** A node whose newest block is final. */
const FINAL_AT_ONCE = { method: 'eth_call', does: 'ask', replace: '"finalized"', by: '"latest"' } as const

/** A payer whose requests take authorizations and are then aborted. */
async function newBuyer({ chain, receiver, relayer }: ReceiverSetup) {
  const payer = await newPayer()
  const id = `${chain.network}:${payer.address}`
  const memory = env.AUTHORIZATIONS.getByName(id)
  return {
    id,
    memory,
    pays: payer.pays,
    /** Takes an authorization as a request whose lease is over. */
    async takes(value: bigint, rest: Partial<SignedTransfer> = {}): Promise<SignedTransfer> {
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
    /** Sends a payment through the site's relayer, as the request would have. */
    sends: (payment: SignedTransfer) =>
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

/** Sends a payment from another account. */
async function submit(payment: SignedTransfer) {
  return send((await newKey()).address, payment.token, encodeTransfer(payment))
}

describe('Unresolved exact payment', () => {
  it('is counted once and recorded as undelivered when it was sent [E2]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    const sent = await buyer.sends(await buyer.takes(700n))
    if (sent.status !== 'mined') throw new Error(sent.status)
    for (let times = 0; times < 2; times++) {
      const { status, record } = await runOf(setup)
      expect([status, record.findings.list]).toEqual([
        'settled',
        [{ account: buyer.id, what: 'undelivered', detail: '1 paid for' }],
      ])
      expect(record.exact).toEqual({ payers: 1, payments: 1, received: '700', inDoubt: 0, undelivered: 1 })
    }
    expect(await received(setup)).toBe(700n)
    expect(await buyer.memory.uses('', 10)).toMatchObject([
      { status: 'undelivered', amount: 700n, request: REQUEST, transaction: sent.hash },
    ])
  })

  it('is found by its nonce when another account sent it [A7, F16]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    const transaction = await submit(await buyer.takes(700n))
    expect((await runOf(setup)).record.exact).toMatchObject({ received: '700', inDoubt: 0, undelivered: 1 })
    expect(await buyer.memory.uses('', 10)).toMatchObject([{ status: 'undelivered', transaction }])
  })

  it('is in the record when the step that resolved it runs twice [E1]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    await submit(await buyer.takes(700n))
    const twice = steps(async (_, work) => {
      await work()
      await work()
    })
    expect((await runOf(setup, twice)).record).toMatchObject({
      exact: { payments: 1, received: '700', undelivered: 1 },
      findings: { list: [{ what: 'undelivered' }] },
    })
  })

  it('costs no other payment its answer when its payer is reset meanwhile [E3]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    for (const value of [700n, 30n]) await submit(await buyer.takes(value))
    const { AUTHORIZATIONS } = env
    let isReset = false
    // As the runtime does: a stub stays broken once its object was reset.
    const getByName = (name: string) => {
      const stub = AUTHORIZATIONS.getByName(name)
      let isBroken = false
      const found = async (...key: Parameters<typeof stub.found>) => {
        if (isReset && !isBroken) return stub.found(...key)
        isReset = isBroken = true
        throw new Error('The object was reset.')
      }
      return new Proxy(stub, {
        get: (all, method) => (method === 'found' ? found : Reflect.get(all, method)),
      })
    }
    const authorizations = new Proxy(AUTHORIZATIONS, {
      get: (all, name) => (name === 'getByName' ? getByName : Reflect.get(all, name)),
    })
    const { record } = await runOf({ ...setup, settings: { ...setup.settings, authorizations } })
    expect(record.exact).toMatchObject({ payments: 1, inDoubt: 1 })
    expect(record.findings.list.map(({ what }) => what)).toContain('silent')
  })

  it('is a finding when its payer has more of them than one run looks for', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    for (let count = 0; count <= MAX_PAYMENTS; count++) await buyer.takes(1n, { validBefore: 1n })
    const first = await runOf(setup)
    expect([first.status, first.record.exact.inDoubt]).toEqual(['in_doubt', 1])
    expect(first.record.findings.list).toMatchObject([{ account: buyer.id, what: 'unresolved' }])
    const second = await runOf(setup)
    expect([second.status, second.record.exact.inDoubt]).toEqual(['settled', 0])
  })

  it('stays unresolved in every run while it can still be used [F6]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    const payment = await buyer.takes(700n)
    for (let times = 0; times < 2; times++)
      expect((await runOf(setup)).record.exact).toMatchObject({ payments: 0, inDoubt: 1 })
    await submit(payment)
    expect((await runOf(setup)).record.exact).toMatchObject({ received: '700', inDoubt: 0 })
  })

  it('is given up once it expired unused in a final block [A9]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    await buyer.takes(700n, { validBefore: 1n })
    await setup.relayer.lane.misbehave({ method: 'eth_call', where: 'finalized', does: 'drop' })
    expect((await runOf(setup)).record).toMatchObject({
      exact: { inDoubt: 1 },
      findings: { list: [{ account: buyer.id, what: 'silent' }] },
    })
    await setup.relayer.lane.misbehave()
    const { status, record } = await runOf(setup)
    expect([status, record.findings.count, record.exact.inDoubt]).toEqual(['settled', 0, 0])
    expect(await buyer.statuses()).toEqual([])
  })

  it('is not given up while its own transaction is pending, even when expired [F6]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    const payment = await buyer.takes(700n, { validBefore: 1n })
    await setup.relayer.lane.misbehave(
      { method: 'eth_estimateGas', does: 'answer', result: '0x30d40', times: 1 },
      { method: 'eth_sendRawTransaction', does: 'drop' },
    )
    expect(await buyer.sends(payment)).toMatchObject({ status: 'pending' })
    await runOf(setup)
    expect(await buyer.statuses()).toEqual(['taken'])
    await setup.relayer.lane.misbehave()
    // The relayer sends it again and the token reverts it.
    await setup.relayer.alarm()
    expect(await setup.relayer.outcome(orderOf({ ...payment, payer: payment.from }), 1_000)).toMatchObject({
      status: 'reverted',
    })
    await runOf(setup)
    expect(await buyer.statuses()).toEqual([])
  })

  it('is given up when another transfer used its nonce [A8]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    const { nonce } = await buyer.takes(700n)
    await submit(await buyer.pays(randomHex(20) as Address, 700n, { nonce }))
    expect((await runOf(setup)).record.exact).toMatchObject({ payments: 0, received: '0', inDoubt: 1 })
    await setup.relayer.lane.misbehave(FINAL_AT_ONCE)
    expect((await runOf(setup)).record.exact).toMatchObject({ payments: 0, received: '0', inDoubt: 0 })
    expect(await buyer.statuses()).toEqual([])
  })

  it('is a finding while the node shows its use and no transaction [F9]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    const payment = await buyer.takes(700n)
    await submit(payment)
    await setup.relayer.lane.misbehave({ method: 'eth_getLogs', does: 'answer', result: [] })
    const { status, record } = await runOf(setup)
    expect([status, record.exact]).toMatchObject(['in_doubt', { payments: 0, inDoubt: 1 }])
    expect(record.findings.list).toEqual([
      { account: buyer.id, what: 'unresolved', detail: expect.stringContaining(payment.nonce) },
    ])
    await setup.relayer.lane.misbehave()
    expect((await runOf(setup)).record.exact).toMatchObject({ payments: 1, inDoubt: 0 })
  })

  it('is left to a request that has taken it again [E4]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
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
    expect((await runOf(setup)).record.exact).toMatchObject({ inDoubt: 1 })
    expect(await buyer.statuses()).toEqual(['doubtful'])
  })

  it('stays unresolved when the node does not answer for it, and blocks no other [B7]', async () => {
    const setup = await newReceiver()
    const [buyer, other] = [await newBuyer(setup), await newBuyer(setup)]
    const hidden = await buyer.takes(700n)
    for (const payment of [hidden, await buyer.takes(30n), await other.takes(4n)]) await submit(payment)
    await setup.relayer.lane.misbehave({ method: 'eth_call', where: hidden.nonce.slice(2), does: 'drop' })
    const { status, record } = await runOf(setup)
    expect(status).toBe('in_doubt')
    expect(record.exact).toMatchObject({ payers: 2, payments: 2, received: '34', inDoubt: 1 })
    expect(record.findings.list).toContainEqual(
      expect.objectContaining({ account: buyer.id, what: 'silent' }),
    )
    await setup.relayer.lane.misbehave()
    const next = await runOf(setup)
    expect([next.status, next.record.exact]).toMatchObject(['settled', { received: '734', inDoubt: 0 }])
    expect(await received(setup)).toBe(734n)
  })
})

describe('Unresolved facilitator payment', () => {
  const runWith = (
    { settings: { book, authorizations, chain, scope } }: ReceiverSetup,
    parts: Partial<Payers> = {},
    through = steps(),
  ) => {
    const exact = [{ scope, book, authorizations, chain, relayer: null, ...parts }]
    return runWork({ book, channels: [], exact, bill: null }, through)
  }

  it('has its payer named who was listed again, though every step runs twice [E1, E12]', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    await buyer.takes(30n, { validBefore: 1n })
    await env.BOOK.prepare('UPDATE account SET relisted_at = 1').run()
    const twice = steps(async (_, work) => {
      await work()
      await work()
    })
    const { findings } = (await runWith(setup, {}, twice)).record
    expect(findings.list).toMatchObject([{ account: buyer.id, what: 'relisted' }])
    expect((await runWith(setup)).record.findings.count).toBe(0)
  })

  it('is found on the configured node, or given up when it expired', async () => {
    const setup = await newReceiver()
    const [buyer, late] = [await newBuyer(setup), await newBuyer(setup)]
    await submit(await buyer.takes(700n))
    await late.takes(30n, { validBefore: 1n })
    const { status, record } = await runWith(setup)
    expect([status, record.exact]).toEqual([
      'settled',
      { payers: 2, payments: 1, received: '700', inDoubt: 0, undelivered: 1 },
    ])
    expect(record.findings.list).toEqual([{ account: buyer.id, what: 'undelivered', detail: '1 paid for' }])
    expect(await late.statuses()).toEqual([])
  })

  it('stays unresolved without a node, since a second facilitator call could move money', async () => {
    const setup = await newReceiver()
    const buyer = await newBuyer(setup)
    await submit(await buyer.takes(700n))
    const { status, record } = await runWith(setup, { chain: null })
    expect([status, record.exact]).toEqual([
      'in_doubt',
      { payers: 1, payments: 0, received: '0', inDoubt: 1, undelivered: 0 },
    ])
    const detail = expect.stringContaining('set RPC_URL')
    expect(record.findings.list).toEqual([{ account: buyer.id, what: 'unresolved', detail }])
    expect(await buyer.statuses()).toEqual(['taken'])
  })
})
