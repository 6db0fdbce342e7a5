/** The relayer with JSON-RPC as nodes speak it. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Hex } from '../../../src/protocol/evm/hex.ts'
import { anOrder, countOf, newRelayer, rpc } from '../harness.ts'

const TO_POOL = 'eth_sendRawTransaction'
const RECEIPT = 'eth_getTransactionReceipt'

// These tests provoke warnings on purpose.
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

describe('relayer', () => {
  it.each([-32601, -32600])(
    'takes the tip from the gas price when the node answers %i to its method [F9]',
    async (code) => {
      const relayer = await newRelayer()
      const error = { code, message: 'the method eth_maxPriorityFeePerGas does not exist/is not available' }
      await relayer.lane.misbehave({ method: 'eth_maxPriorityFeePerGas', does: 'answer', error })
      const order = anOrder()
      expect(await relayer.send(order)).toMatchObject({ status: 'mined' })
      const [attempt] = await relayer.attempts(order.id)
      expect(attempt?.fees.tip).toBeGreaterThan(0n)
    },
  )

  it.each([
    'eth_chainId',
    'eth_estimateGas',
    'eth_getTransactionCount',
    'eth_getBlockByNumber',
    'eth_maxPriorityFeePerGas',
    'eth_getBalance',
    TO_POOL,
  ])('asks again when the node answers null to %s [F9]', async (method) => {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ method, does: 'answer', result: null, times: 1 })
    expect(await relayer.send(anOrder())).toMatchObject({ status: 'mined' })
    expect(await countOf(relayer.address)).toBe(1)
  })

  it('sends a rate-limited broadcast again within the same call [F6]', async () => {
    const relayer = await newRelayer()
    const error = { code: -32005, message: 'rate limited' }
    await relayer.lane.misbehave({ method: TO_POOL, does: 'answer', error, times: 3 })
    const order = anOrder()
    expect(await relayer.send(order)).toMatchObject({ status: 'mined' })
    const raws = (await relayer.lane.seen(TO_POOL)).map(({ params }) => (params as [Hex])[0])
    expect(raws).toHaveLength(4)
    expect(new Set(raws).size).toBe(1)
    expect(await relayer.attempts(order.id)).toHaveLength(1)
  })

  it('does not repeat a broadcast that the node rejected [F6]', async () => {
    const relayer = await newRelayer()
    const error = { code: -32000, message: 'already known' }
    await relayer.lane.misbehave({ method: TO_POOL, does: 'answer', error })
    expect(await relayer.send(anOrder(), 300)).toMatchObject({ status: 'pending' })
    expect(await relayer.lane.seen(TO_POOL)).toHaveLength(1)
  })
})

describe('relayer receipt', () => {
  const LOG = { address: `0x${'11'.repeat(20)}`, topics: [], data: '0x' }

  /** The outcome of a mined transaction whose receipt the node writes in its own way. */
  async function outcomeWith(change: Record<string, unknown>) {
    const relayer = await newRelayer()
    await relayer.lane.misbehave({ method: RECEIPT, does: 'drop' })
    const order = anOrder()
    await relayer.send(order, 0)
    const [attempt] = await relayer.attempts(order.id)
    let receipt: object | null = null
    while (!receipt) receipt = await rpc<object | null>(RECEIPT, attempt?.hash)
    await relayer.lane.misbehave({ method: RECEIPT, does: 'answer', result: { ...receipt, ...change } })
    return (await relayer.outcome(order.id, 0)).status
  }

  it.each([
    ['mined', { status: '0x01' }],
    ['mined', { status: 1 }],
    ['mined', { status: undefined, logs: [LOG] }],
    ['mined', { status: null, logs: [LOG] }],
    ['reverted', { status: '0x00' }],
    ['pending', { status: undefined, logs: [] }],
    ['pending', { status: 'success' }],
    ['pending', { blockNumber: null, blockHash: null }],
  ])('is %s with %j [F9]', async (status, change) => {
    expect(await outcomeWith(change)).toBe(status)
  })
})
