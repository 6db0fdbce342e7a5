/** The relayer when its node counts wrongly, or another sender uses its key. */
import { privateKeyToAccount } from 'viem/accounts'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Hex } from '../../../src/protocol/evm/hex.ts'
import { anOrder, countOf, newKey, newRelayer, type RelayerRig, rpc } from '../harness.ts'

const COUNT = 'eth_getTransactionCount'

// These tests provoke warnings on purpose.
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

/** The node overstates its count while one order is signed. Returns that order, which waits behind missing nonces. */
async function signTooHigh(relayer: RelayerRig, count: Hex) {
  await relayer.lane.misbehave({ method: COUNT, does: 'answer', result: count })
  const order = anOrder()
  const pending = await relayer.send(order, 0)
  await relayer.lane.misbehave()
  return { order, pending }
}

const noncesOf = async (relayer: RelayerRig, id: string) =>
  (await relayer.attempts(id)).map(({ nonce }) => nonce)

/** One transaction of the key that the relayer does not know. */
async function sendElsewhere(key: Hex, nonce: number): Promise<void> {
  const account = privateKeyToAccount(key)
  const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n }
  const raw = await account.signTransaction({
    type: 'eip1559',
    chainId: 84532,
    to: account.address,
    nonce,
    gas: 21_000n,
    ...fees,
  })
  await rpc('eth_sendRawTransaction', raw)
}

describe('relayer after its node overstated the transaction count', () => {
  it('mines the next order at once, at the lowest missing nonce [F9]', async () => {
    const relayer = await newRelayer()
    await relayer.send(anOrder())
    await signTooHigh(relayer, '0x6')
    const next = anOrder()
    expect(await relayer.send(next)).toMatchObject({ status: 'mined' })
    expect(await noncesOf(relayer, next.id)).toEqual([1])
  })

  it('gives concurrent orders a missing nonce each [F14]', async () => {
    const relayer = await newRelayer()
    const high = await signTooHigh(relayer, '0x4')
    const orders = Array.from({ length: 5 }, () => anOrder())
    const outcomes = await Promise.all(orders.map((order) => relayer.send(order)))
    expect(outcomes.map(({ status }) => status)).toEqual(orders.map(() => 'mined'))
    const nonces = await Promise.all(orders.map(({ id }) => noncesOf(relayer, id)))
    expect(nonces.flat().toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 5])
    expect(await relayer.outcome(high.order.id)).toMatchObject({ ...high.pending, status: 'mined' })
  })

  it('fills the missing nonces at the next alarm, and mines the order once with its first transaction [F5]', async () => {
    const relayer = await newRelayer()
    const { order, pending } = await signTooHigh(relayer, '0x5')
    expect(pending.status).toBe('pending')
    await relayer.alarm()
    expect(await relayer.outcome(order.id)).toMatchObject({ ...pending, status: 'mined' })
    expect(await relayer.attempts(order.id)).toHaveLength(1)
    expect(await countOf(relayer.address)).toBe(6)
    expect(await relayer.state()).toMatchObject({
      missing: [],
      taken: [],
      filled: [0, 1, 2, 3, 4].map((nonce) => ({ first: nonce, last: nonce })),
    })
  })

  it('fills nothing while the node contradicts itself [F9]', async () => {
    const relayer = await newRelayer()
    await relayer.send(anOrder())
    await signTooHigh(relayer, '0x3')
    await relayer.lane.misbehave({ method: COUNT, does: 'answer', result: '0x2', times: 1 })
    await relayer.alarm()
    expect(await countOf(relayer.address)).toBe(1)
    expect((await relayer.state()).missing).toMatchObject([{ first: 1, last: 2 }])
  })

  it('signs nothing when the count exceeds the final one by more than 128 [F9]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave(
      { method: COUNT, where: 'latest', does: 'answer', result: '0x81' },
      { method: COUNT, where: 'finalized', does: 'answer', result: '0x0' },
    )
    const order = anOrder()
    await expect(relayer.send(order)).rejects.toThrow('unreachable')
    expect(await relayer.outcome(order.id)).toEqual({ status: 'none' })
  })

  it('leaves more than 128 missing nonces to the operator, who fills them by one act [F9]', async () => {
    const relayer = await newRelayer()
    const { order } = await signTooHigh(relayer, '0x81')
    await relayer.alarm()
    expect(await relayer.state()).toMatchObject({
      mined: 0,
      next: 130,
      open: 1,
      missing: [{ first: 0, last: 128 }],
    })
    // The node takes the transactions and mines none, which is quick.
    await relayer.lane.misbehave({
      method: 'eth_sendRawTransaction',
      does: 'answer',
      result: `0x${'00'.repeat(32)}`,
    })
    expect(await relayer.repair()).toMatchObject({ missing: [], open: 130 })
    expect(await relayer.attempts('fill:128')).toMatchObject([{ nonce: 128 }])
    expect(await relayer.attempts(order.id)).toHaveLength(1)
  })

  it('repairs a ledger that was left with a missing nonce by an earlier version [E8]', async () => {
    const relayer = await newRelayer()
    const { order } = await signTooHigh(relayer, '0x2')
    await relayer.sql('DELETE FROM nonces')
    await relayer.alarm()
    expect(await relayer.outcome(order.id)).toMatchObject({ status: 'mined' })
  })
})

describe('relayer with a key that another deployment uses too', () => {
  it('notices at its first order that the key has sent before [F14]', async () => {
    const relayer = await newRelayer()
    await rpc('anvil_setNonce', relayer.address, '0x7')
    await relayer.send(anOrder())
    expect((await relayer.state()).taken).toMatchObject([{ first: 0, last: 6 }])
  })

  it('notices while it runs that the chain counts transactions of another sender [F14]', async () => {
    const { key } = await newKey()
    const relayer = await newRelayer({ key })
    await relayer.send(anOrder())
    await sendElsewhere(key, 1)
    const order = anOrder()
    await relayer.send(order)
    // A slow node leaves the order to the alarm.
    await relayer.alarm()
    expect(await relayer.outcome(order.id)).toMatchObject({ status: 'mined' })
    expect((await relayer.state()).taken).toMatchObject([{ first: 1, last: 1 }])
  })

  it('serves both deployments when they send at the same time [F14]', async () => {
    const { key, address } = await newKey()
    const relayers = [await newRelayer({ key }), await newRelayer({ key })]
    const sent = relayers.flatMap((relayer) =>
      Array.from({ length: 3 }, () => ({ relayer, order: anOrder() })),
    )
    await Promise.all(sent.map(({ relayer, order }) => relayer.send(order, 0)))
    // Both took the same nonces. Those that lost theirs get another one once that is final.
    await rpc('anvil_mine', '0x64')
    for (const relayer of relayers) await relayer.alarm()
    // One after the other: sent at once, they could take the same nonces again and wait for the next final block.
    for (const { relayer, order } of sent) await relayer.send(order)
    const ends = await Promise.all(sent.map(({ relayer, order }) => relayer.outcome(order.id)))
    expect(ends.map(({ status }) => status)).toEqual(sent.map(() => 'mined'))
    expect(new Set(ends.map((end) => 'hash' in end && end.hash)).size).toBe(sent.length)
    expect(await countOf(address)).toBe(sent.length)
  })
})
