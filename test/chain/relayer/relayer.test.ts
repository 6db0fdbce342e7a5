/** The relayer on a healthy chain. */
import { parseTransaction } from 'viem'
import { describe, expect, it } from 'vitest'
import { encodeClaim, encodeSweep } from '../../../src/chain/escrow.ts'
import type { Hex } from '../../../src/protocol/evm/hex.ts'
import { anOrder, chainAt, countOf, newRelayer, randomHex, rpc } from '../harness.ts'

const TO_POOL = 'eth_sendRawTransaction'

describe('relayer order', () => {
  it('is mined and returns its outcome', async () => {
    const relayer = await newRelayer()
    const outcome = await relayer.send(anOrder())
    expect(outcome).toMatchObject({ status: 'mined', logs: [] })
    expect(await countOf(relayer.address)).toBe(1)
  })

  it('returns the same transaction when it is sent again', async () => {
    const relayer = await newRelayer()
    const order = anOrder()
    const first = await relayer.send(order)
    expect(await relayer.send(order)).toEqual(first)
    expect(await relayer.outcome(order.id)).toEqual(first)
    expect(await countOf(relayer.address)).toBe(1)
  })

  it('makes one transaction when it is sent eight times at once', async () => {
    const relayer = await newRelayer()
    const order = anOrder()
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => relayer.send(order)))
    expect(new Set(outcomes.map((outcome) => 'hash' in outcome && outcome.hash)).size).toBe(1)
    expect(await countOf(relayer.address)).toBe(1)
  })

  it('throws for other content under the same id', async () => {
    const relayer = await newRelayer()
    const order = anOrder()
    await relayer.send(order)
    await expect(relayer.send({ ...order, to: randomHex(20) })).rejects.toThrow(RangeError)
    expect(await countOf(relayer.address)).toBe(1)
  })

  it('throws for other content while the first is being placed', async () => {
    const relayer = await newRelayer()
    const order = anOrder()
    const [first, second] = await Promise.allSettled([
      relayer.send(order),
      relayer.send({ ...order, to: randomHex(20) }),
    ])
    expect(first.status).toBe('fulfilled')
    expect(second.status).toBe('rejected')
  })

  it('returns none when it was never sent', async () => {
    const relayer = await newRelayer()
    expect(await relayer.outcome('order:never')).toEqual({ status: 'none' })
  })

  it('returns its outcome, not none, while it is being placed [I9]', async () => {
    const relayer = await newRelayer()
    const order = anOrder()
    const [sent, seen] = await Promise.all([relayer.send(order), relayer.outcome(order.id, 5_000)])
    expect(seen).toEqual(sent)
  })

  it('takes a nonce of its own among concurrent orders [F14]', async () => {
    const relayer = await newRelayer()
    const orders = Array.from({ length: 16 }, () => anOrder())
    const outcomes = await Promise.all(orders.map((order) => relayer.send(order)))
    expect(outcomes.map((outcome) => outcome.status)).toEqual(orders.map(() => 'mined'))
    const attempts = await Promise.all(orders.map((order) => relayer.attempts(order.id)))
    const nonces = attempts.flat().map((attempt) => attempt.nonce)
    expect(nonces.sort((a, b) => a - b)).toEqual(orders.map((_, at) => at))
  })

  it('takes a nonce of its own among concurrent orders while the node confirms its count [F14]', async () => {
    const relayer = await newRelayer()
    await rpc('anvil_setNonce', relayer.address, '0x7')
    const orders = Array.from({ length: 4 }, () => anOrder())
    const outcomes = await Promise.all(orders.map((order) => relayer.send(order)))
    expect(outcomes.map((outcome) => outcome.status)).toEqual(orders.map(() => 'mined'))
    const attempts = await Promise.all(orders.map((order) => relayer.attempts(order.id)))
    expect(
      attempts
        .flat()
        .map(({ nonce }) => nonce)
        .toSorted((a, b) => a - b),
    ).toEqual([7, 8, 9, 10])
  })

  it('takes the nonce after those that the key used elsewhere', async () => {
    const relayer = await newRelayer()
    await rpc('anvil_setNonce', relayer.address, '0x7')
    const order = anOrder()
    await relayer.send(order)
    expect((await relayer.attempts(order.id))[0]?.nonce).toBe(7)
  })
})

describe('relayer waits', () => {
  it('are settings: for a block, and between two looks at open transactions', async () => {
    const relayer = await newRelayer({ waits: { minedMs: 0, tendMs: 60_000 } })
    await relayer.lane.misbehave({ method: 'eth_getTransactionReceipt', does: 'answer', result: null })
    const sentAt = Date.now()
    expect(await relayer.send(anOrder())).toMatchObject({ status: 'pending' })
    expect(await relayer.alarmAt()).toBeGreaterThanOrEqual(sentAt + 60_000)
  })
})

describe('relayer order that would fail', () => {
  const toEscrow = { to: chainAt('').escrow, data: encodeClaim([]) }

  it('is refused with the name of the contract’s error, and nothing is signed [F12]', async () => {
    const relayer = await newRelayer()
    const order = anOrder(toEscrow)
    expect(await relayer.send(order)).toEqual({ status: 'refused', reason: 'EmptyBatch' })
    expect(await relayer.attempts(order.id)).toEqual([])
    expect(await relayer.lane.seen(TO_POOL)).toEqual([])
    expect(await relayer.outcome(order.id)).toEqual({ status: 'none' })
  })

  it('can be sent again under the same id', async () => {
    const relayer = await newRelayer()
    const order = anOrder(toEscrow)
    await relayer.send(order)
    const again = await relayer.send({ ...order, ...anOrder(), id: order.id })
    expect(again.status).toBe('mined')
  })

  it('returns reverted when the chain changed after the simulation [F12]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ method: 'eth_estimateGas', does: 'answer', result: '0x186a0' })
    const order = anOrder(toEscrow)
    expect(await relayer.send(order)).toMatchObject({ status: 'reverted' })
    expect(await relayer.outcome(order.id)).toMatchObject({ status: 'reverted' })
  })

  it('is refused as too_large above the size limit of pools', async () => {
    const relayer = await newRelayer()
    const order = anOrder({ data: `0x${'00'.repeat(130_000)}` })
    expect(await relayer.send(order)).toEqual({ status: 'refused', reason: 'too_large' })
  })

  it('is refused as out_of_gas when it needs more gas than its limit', async () => {
    const relayer = await newRelayer()
    const order = anOrder({ ...toEscrow, gas: 21_500n })
    expect(await relayer.send(order)).toEqual({ status: 'refused', reason: 'out_of_gas' })
  })
})

describe('relayer before signing', () => {
  it('throws wrong_chain for a node of another chain [F9]', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ method: 'eth_chainId', does: 'answer', result: '0x1' })
    const order = anOrder()
    await expect(relayer.send(order)).rejects.toThrow('wrong_chain')
    expect(await relayer.lane.seen(TO_POOL)).toEqual([])
  })

  it('throws unreachable when the node does not answer, and the order stays unsent', async () => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ method: 'eth_estimateGas', does: 'drop' })
    const order = anOrder()
    await expect(relayer.send(order)).rejects.toThrow('unreachable')
    expect(await relayer.outcome(order.id)).toEqual({ status: 'none' })
  })

  it('throws unfunded without money for gas, and takes no nonce [F13]', async () => {
    const relayer = await newRelayer()
    await rpc('anvil_setBalance', relayer.address, '0x1')
    const order = anOrder()
    await expect(relayer.send(order)).rejects.toThrow('unfunded')
    expect(await relayer.attempts(order.id)).toEqual([])
  })

  it('throws fee_too_high when gas costs more than the maximum fee [F7]', async () => {
    const relayer = await newRelayer({ gas: { maxFee: 1n } })
    await expect(relayer.send(anOrder())).rejects.toThrow('fee_too_high')
  })
})

describe('relayer gas', () => {
  it('covers a transfer in a sweep that was simulated with nothing to sweep [F10]', async () => {
    const relayer = await newRelayer()
    const { escrow, token } = chainAt('')
    const outcome = await relayer.send(anOrder({ to: escrow, data: encodeSweep(randomHex(20), token) }))
    expect(outcome.status).toBe('mined')
    const [raw] = (await relayer.lane.seen(TO_POOL)).flatMap((call) => call.params as [Hex])
    expect(parseTransaction(raw ?? '0x').gas).toBeGreaterThanOrEqual(120_000n)
  })
})
