/** `exact` payments settled by our own relayer. */
import { encodeFunctionData, parseAbi, toHex } from 'viem'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { SignedTransfer } from '../../../src/chain/facilitator/facilitator.ts'
import { relayed } from '../../../src/chain/facilitator/self.ts'
import { encodeTransfer, moved, readBalance } from '../../../src/chain/token.ts'
import type { Address } from '../../../src/protocol/evm/hex.ts'
import { chainAt, newKey, newRelayer, randomHex, rpc } from '../harness.ts'
import { newPayer, send } from '../payer.ts'

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

/** A node whose newest block is final. */
const FINAL_AT_ONCE = { method: 'eth_call', does: 'ask', replace: '"finalized"', by: '"latest"' } as const

async function setUp(funds = 10_000n) {
  const [relayer, payer] = await Promise.all([newRelayer(), newPayer(funds)])
  const chain = chainAt(relayer.lane.url)
  const receiver: Address = randomHex(20)
  return {
    relayer,
    payer,
    chain,
    receiver,
    facilitator: relayed(chain, relayer),
    id: `exact:${randomHex(6)}`,
  }
}

describe('own facilitator verify', () => {
  it('accepts a payment that would settle, in one round trip', async () => {
    const { facilitator, payer, receiver, relayer } = await setUp()
    expect(await facilitator.verify(await payer.pays(receiver, 10_000n))).toEqual({ ok: true, value: null })
    expect(await relayer.lane.seen('eth_call')).toHaveLength(1)
  })

  it('returns exact_insufficient_funds for more than the payer holds', async () => {
    const { facilitator, payer, receiver } = await setUp()
    const verdict = await facilitator.verify(await payer.pays(receiver, 10_001n))
    expect(verdict).toMatchObject({ refusal: { reason: 'exact_insufficient_funds' } })
  })

  it('returns exact_used for an authorization that paid somebody else', async () => {
    const { facilitator, payer, receiver } = await setUp()
    const payment = await payer.pays(receiver, 1n)
    await submit(await payer.pays(randomHex(20), 1n, { nonce: payment.nonce }))
    expect(await facilitator.verify(payment)).toMatchObject({ refusal: { reason: 'exact_used' } })
  })

  it('accepts an authorization that has already paid the receiver [A7]', async () => {
    const { facilitator, payer, receiver } = await setUp()
    const payment = await payer.pays(receiver, 1n)
    await submit(payment)
    expect(await facilitator.verify(payment)).toEqual({ ok: true, value: null })
  })

  it('returns chain_unreadable while the node fails [B7]', async () => {
    const { facilitator, payer, receiver, relayer } = await setUp()
    await relayer.lane.misbehave({ method: 'eth_call', does: 'drop' })
    const verdict = await facilitator.verify(await payer.pays(receiver, 1n))
    expect(verdict).toMatchObject({ refusal: { reason: 'chain_unreadable' } })
  })
})

describe('own facilitator settle', () => {
  it('transfers the money and returns the transaction', async () => {
    const { facilitator, payer, receiver, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    const settled = await facilitator.settle(payment, id)
    expect(settled).toMatchObject({ status: 'settled' })
    expect(await readBalance(chain, receiver)).toBe(700n)
    expect(await facilitator.lookup(payment, id)).toEqual(settled)
  })

  it('transfers the money once for repeated calls with the same id [A1]', async () => {
    const { facilitator, payer, receiver, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    const all = await Promise.all(Array.from({ length: 5 }, () => facilitator.settle(payment, id)))
    all.push(await facilitator.settle(payment, id))
    expect(new Set(all.map((settled) => JSON.stringify(settled))).size).toBe(1)
    expect(await readBalance(chain, receiver)).toBe(700n)
  })

  it('returns exact_insufficient_funds when the payer moved the money after verify [A8]', async () => {
    const { facilitator, payer, receiver, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    expect(await facilitator.verify(payment)).toMatchObject({ ok: true })
    await send(payer.address, chain.token, transferAll(10_000n))
    const refused = { status: 'refused', reason: 'exact_insufficient_funds' }
    expect(await facilitator.settle(payment, id)).toMatchObject(refused)
    expect(await facilitator.lookup(payment, id)).toMatchObject({ status: 'refused' })
  })

  it('returns exact_used when the payer used the nonce for another authorization [A8]', async () => {
    const { facilitator, payer, receiver, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    await submit(await payer.pays(randomHex(20), 1n, { nonce: payment.nonce }))
    const used = { status: 'refused', reason: 'exact_used', isFinal: false }
    expect(await facilitator.settle(payment, id)).toMatchObject(used)
  })

  it('refuses for good once the other use of the nonce is in a final block [A8]', async () => {
    const { facilitator, payer, receiver, relayer, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    await submit(await payer.pays(randomHex(20), 1n, { nonce: payment.nonce }))
    await relayer.lane.misbehave(FINAL_AT_ONCE)
    const used = { status: 'refused', reason: 'exact_used', isFinal: true }
    expect(await facilitator.settle(payment, id)).toMatchObject(used)
  })

  it('returns settled when another account submitted the authorization first [A7]', async () => {
    const { facilitator, payer, receiver, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    const transaction = await submit(payment)
    expect(await facilitator.settle(payment, id)).toEqual({ status: 'settled', transaction })
    expect(await readBalance(chain, receiver)).toBe(700n)
  })

  it('returns settled when another submission is mined just before ours [A7]', async () => {
    const { facilitator, payer, receiver, relayer, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    await relayer.lane.misbehave({ method: 'eth_estimateGas', does: 'answer', result: '0x186a0' })
    const transaction = await submit(payment)
    expect(await facilitator.settle(payment, id)).toEqual({ status: 'settled', transaction })
    expect(await readBalance(chain, receiver)).toBe(700n)
  })

  it.each([
    ['its own transfer reverted', true],
    ['its simulation failed', false],
  ])(
    'returns unknown while the node that is searched lacks the block for which %s (seeds 743, 1320, 1507, 1670) [I9]',
    async (_, isSent) => {
      const { facilitator, payer, receiver, relayer, id } = await setUp()
      const payment = await payer.pays(receiver, 700n)
      const transaction = await submit(payment)
      const isBehind = { method: 'eth_call', does: 'stale', blocks: 20 } as const
      const signsAnyway = { method: 'eth_estimateGas', does: 'answer', result: '0x186a0' } as const
      await relayer.lane.misbehave(isBehind, ...(isSent ? [signsAnyway] : []))
      expect(await facilitator.settle(payment, id)).toEqual({ status: 'unknown' })
      if (isSent) expect(await facilitator.lookup(payment, id)).toEqual({ status: 'unknown' })
      await relayer.lane.misbehave()
      expect(await facilitator.lookup(payment, id)).toEqual({ status: 'settled', transaction })
    },
  )

  it.each([
    ['the nonce was used for another authorization', 'exact_used', true],
    ['the payer had moved the money away', 'exact_insufficient_funds', false],
  ])(
    'returns unknown until the block is final in which its own transfer reverted, because %s (seed 20019) [A8, I9]',
    async (_, reason, isFinal) => {
      const { facilitator, payer, receiver, relayer, chain, id } = await setUp()
      const payment = await payer.pays(receiver, 700n)
      if (isFinal) await submit(await payer.pays(randomHex(20), 1n, { nonce: payment.nonce }))
      else await send(payer.address, chain.token, transferAll(10_000n))
      const signsAnyway = { method: 'eth_estimateGas', does: 'answer', result: '0x186a0' } as const
      await relayer.lane.misbehave(signsAnyway)
      expect(await facilitator.settle(payment, id)).toEqual({ status: 'unknown' })
      expect(await facilitator.lookup(payment, id)).toEqual({ status: 'unknown' })
      await relayer.lane.misbehave(FINAL_AT_ONCE)
      expect(await facilitator.lookup(payment, id)).toMatchObject({ status: 'refused', reason, isFinal })
    },
  )

  it('refuses a lapsed authorization, for good once the lapse is final [A9]', async () => {
    const { facilitator, payer, receiver, id } = await setUp()
    const payment = await payer.pays(receiver, 700n, { validBefore: 1n })
    const late = { status: 'refused', reason: 'exact_too_late', isFinal: true }
    expect(await facilitator.settle(payment, id)).toMatchObject(late)
  })

  it('refuses an unused authorization without calling it final, since others may submit it [I9]', async () => {
    const { facilitator, payer, receiver, id } = await setUp(699n)
    const payment = await payer.pays(receiver, 700n)
    const refused = { status: 'refused', reason: 'exact_insufficient_funds', isFinal: false }
    expect(await facilitator.settle(payment, id)).toMatchObject(refused)
    expect(await facilitator.find(payment, id)).toMatchObject(refused)
  })

  it('returns settled after a reverted transfer that a reorganization revived [F8]', async () => {
    const { facilitator, payer, receiver, relayer, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    // Before the reorganization, the same transaction is in a block where it reverts, and the nonce is unused.
    await relayer.lane.misbehave(
      { method: 'eth_getTransactionReceipt', does: 'alter', set: { status: '0x0', logs: [] } },
      { method: 'eth_call', does: 'ask', replace: payment.nonce.slice(2), by: randomHex(32).slice(2) },
    )
    expect(await facilitator.settle(payment, id)).toEqual({ status: 'unknown' })
    await relayer.lane.misbehave()
    expect(await facilitator.find(payment, id)).toMatchObject({ status: 'settled' })
    expect(await facilitator.lookup(payment, id)).toMatchObject({ status: 'settled' })
  })

  it.each([
    ['0x01', true],
    [null, true],
    ['0x2', false],
  ])(
    'returns settled for a receipt with the status %s only if it shows a success [F9]',
    async (status, isSuccess) => {
      const { facilitator, payer, receiver, relayer, chain, id } = await setUp()
      const impatient = relayed(chain, { ...relayer, send: (order) => relayer.send(order, 0) })
      const payment = await payer.pays(receiver, 700n)
      await relayer.lane.misbehave({ method: 'eth_getTransactionReceipt', does: 'alter', set: { status } })
      const outcome = isSuccess ? 'settled' : 'unknown'
      expect(await (isSuccess ? facilitator : impatient).settle(payment, id)).toMatchObject({
        status: outcome,
      })
      await relayer.lane.misbehave()
      expect(await facilitator.lookup(payment, id)).toMatchObject({ status: 'settled' })
    },
  )

  it('returns unknown while the receipt lacks its logs, since the token shows the use [F9]', async () => {
    const { facilitator, payer, receiver, relayer, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    await relayer.lane.misbehave({ method: 'eth_getTransactionReceipt', does: 'alter', set: { logs: [] } })
    expect(await facilitator.settle(payment, id)).toMatchObject({ status: 'unknown' })
    await relayer.lane.misbehave()
    expect(await facilitator.lookup(payment, id)).toMatchObject({ status: 'settled' })
  })

  it('refuses when the token succeeds and moves nothing [A10]', async () => {
    const { facilitator, payer, receiver, relayer, id } = await setUp()
    const emptyToken = randomHex(20)
    // Every call returns 32 zero bytes: nothing is held, and no authorization is used.
    await rpc('anvil_setCode', emptyToken, '0x60205ff3')
    const payment = { ...(await payer.pays(receiver, 700n)), token: emptyToken }
    await relayer.lane.misbehave(FINAL_AT_ONCE)
    const refused = { status: 'refused', isFinal: false, detail: expect.stringContaining('moved nothing') }
    expect(await facilitator.settle(payment, id)).toMatchObject(refused)
  })

  it('returns unknown until the receipt can be read, then settled [F6]', async () => {
    const { facilitator, payer, receiver, relayer, chain, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    await relayer.lane.misbehave({ method: 'eth_getTransactionReceipt', does: 'drop' })
    const impatient = relayed(chain, { ...relayer, send: (order) => relayer.send(order, 0) })
    expect(await impatient.settle(payment, id)).toEqual({ status: 'unknown' })
    await relayer.lane.misbehave()
    expect(await facilitator.lookup(payment, id)).toMatchObject({ status: 'settled' })
    expect(await readBalance(chain, receiver)).toBe(700n)
  })

  it('returns unknown while the node is unreachable, and settles afterwards [B7]', async () => {
    const { facilitator, payer, receiver, relayer, id } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    await relayer.lane.misbehave({ method: 'eth_estimateGas', does: 'drop' })
    expect(await facilitator.settle(payment, id)).toEqual({ status: 'unknown' })
    await relayer.lane.misbehave()
    expect(await facilitator.lookup(payment, id)).toMatchObject({ status: 'refused', isFinal: false })
    expect(await facilitator.settle(payment, id)).toMatchObject({ status: 'settled' })
  })

  it('returns unknown when the relayer throws [E3]', async () => {
    const { chain, payer, receiver, id } = await setUp()
    const broken = () => Promise.reject(new Error('the object was reset'))
    const facilitator = relayed(chain, { send: broken, outcome: broken })
    const payment = await payer.pays(receiver, 700n)
    expect(await facilitator.settle(payment, id)).toEqual({ status: 'unknown' })
    expect(await facilitator.lookup(payment, id)).toEqual({ status: 'unknown' })
  })
})

describe('moved', () => {
  it('requires one authorization and one transfer of this payment, logged by the token [A6]', async () => {
    const { relayer, payer, receiver } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    const outcome = await relayer.send({ id: 'one', to: payment.token, data: encodeTransfer(payment) })
    const logs = outcome.status === 'mined' ? outcome.logs : []
    expect(moved(logs, payment)).toBe(true)
    expect(moved(logs, { ...payment, value: 699n })).toBe(false)
    expect(moved(logs, { ...payment, to: randomHex(20) })).toBe(false)
    expect(moved(logs, { ...payment, from: randomHex(20) })).toBe(false)
    expect(moved(logs, { ...payment, nonce: randomHex(32) })).toBe(false)
    expect(moved(logs, { ...payment, token: randomHex(20) })).toBe(false)
    expect(moved(logs.slice(1), payment)).toBe(false)
    expect(moved(logs.slice(0, 1), payment)).toBe(false)
  })

  it('counts each transfer of one transaction for its own authorization alone [A6]', async () => {
    const { relayer, payer, receiver } = await setUp()
    const payments = [await payer.pays(receiver, 700n), await payer.pays(receiver, 700n)] as const
    const logs: Parameters<typeof moved>[0] = []
    for (const payment of payments) {
      const order = { id: randomHex(4), to: payment.token, data: encodeTransfer(payment) }
      const outcome = await relayer.send(order)
      if (outcome.status === 'mined') logs.push(...outcome.logs)
    }
    const [use, transfer, otherUse, otherTransfer] = logs
    if (!use || !transfer || !otherUse || !otherTransfer) throw new Error('there must be four logs')
    expect(payments.map((payment) => moved(logs, payment))).toEqual([true, true])
    // Both authorizations moved money elsewhere, beside one transfer to the receiver.
    const elsewhere = {
      ...transfer,
      topics: [transfer.topics[0], transfer.topics[1], `0x${'5a'.repeat(32)}`],
    }
    const crowded = [use, elsewhere, otherUse, elsewhere, transfer] as typeof logs
    expect(payments.map((payment) => moved(crowded, payment))).toEqual([false, false])
  })

  it('refuses a transfer of which the token has kept a fee [A10]', async () => {
    const { relayer, payer, receiver } = await setUp()
    const payment = await payer.pays(receiver, 700n)
    const outcome = await relayer.send({ id: 'one', to: payment.token, data: encodeTransfer(payment) })
    const logs = outcome.status === 'mined' ? outcome.logs : []
    const less = logs.map((log, at) => (at === 1 ? { ...log, data: toHex(693n, { size: 32 }) } : log))
    expect([moved(logs, payment), moved(less, payment)]).toEqual([true, false])
  })
})

/** Sends a payment from another account. */
async function submit(payment: SignedTransfer) {
  return send((await newKey()).address, payment.token, encodeTransfer(payment))
}

function transferAll(value: bigint) {
  const abi = parseAbi(['function transfer(address to, uint256 value) returns (bool)'])
  return encodeFunctionData({ abi, args: [randomHex(20), value] })
}
