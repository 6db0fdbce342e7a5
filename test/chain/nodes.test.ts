/** A chain with two nodes, and nodes that stand still. */
import { encodeFunctionData } from 'viem'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { readChannels } from '../../src/chain/channels.ts'
import { decodeReads, encodeReads, MULTICALL } from '../../src/chain/multicall.ts'
import { type Chain, readAt } from '../../src/chain/rpc.ts'
import { readHolding, tokenAbi } from '../../src/chain/token.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { anOrder, chainAt, type Lane, newLane, newRelayer, randomHex, rpc, withValue } from './harness.ts'

const RECEIPT = 'eth_getTransactionReceipt'
const COUNT = 'eth_getTransactionCount'

// These tests provoke warnings on purpose.
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

function twoNodes(rest: Partial<Chain> = {}): { chain: Chain; first: Lane; second: Lane } {
  const [first, second] = [newLane(), newLane()]
  return { chain: { ...chainAt(first.url), fallbackUrls: [second.url], ...rest }, first, second }
}

/** The node's answer to a read of nothing, with a block that is `seconds` old. */
async function answerOfAge(seconds: number): Promise<Hex> {
  await rpc('evm_mine')
  const call = { to: MULTICALL, data: encodeReads([], 84532) }
  const answer = await rpc<Hex>('eth_call', call, 'latest')
  const { time } = decodeReads(answer, 0)
  return withValue(answer, time, BigInt(Math.floor(Date.now() / 1000) - seconds))
}

describe('node that stands still', () => {
  it('is stale once its newest block is older than the limit [F9]', async () => {
    const lane = newLane()
    const chain = { ...chainAt(lane.url), maxHeadAgeSeconds: 60 }
    await lane.misbehave({ method: 'eth_call', does: 'answer', result: await answerOfAge(50) })
    await expect(readAt(chain, [])).resolves.toMatchObject({ answers: [] })
    await lane.misbehave({ method: 'eth_call', does: 'answer', result: await answerOfAge(70) })
    await expect(readAt(chain, [])).rejects.toMatchObject({ code: 'stale' })
    await expect(readAt(chainAt(lane.url), [])).resolves.toMatchObject({ answers: [] })
  })

  it('is not asked for a nonce either [F9]', async () => {
    const lane = newLane()
    const relayer = await newRelayer({ chain: { ...chainAt(lane.url), maxHeadAgeSeconds: 60 } })
    const result = { timestamp: '0x1', baseFeePerGas: '0x1' }
    await lane.misbehave({ method: 'eth_getBlockByNumber', does: 'answer', result })
    const order = anOrder()
    await expect(relayer.send(order)).rejects.toThrow('stale')
    expect(await relayer.outcome(order.id)).toEqual({ status: 'none' })
  })

  it('gives way to the other node [F9]', async () => {
    const { chain, first, second } = twoNodes({ maxHeadAgeSeconds: 60 })
    await first.misbehave({ method: 'eth_call', does: 'answer', result: await answerOfAge(70) })
    await expect(readAt(chain, [])).resolves.toMatchObject({ answers: [] })
    expect(await second.seen('eth_call')).toHaveLength(1)
  })
})

describe('chain with two nodes', () => {
  it.each([
    ['drops calls', { method: 'eth_call', does: 'drop' }],
    ['serves another chain', { method: 'eth_chainId', does: 'answer', result: '0x1' }],
    ['answers junk', { method: 'eth_call', does: 'answer', result: '0x' }],
  ] as const)('is read through the second while the first %s, which rests then [F9]', async (_, fault) => {
    const { chain, first, second } = twoNodes()
    await first.misbehave(fault)
    await expect(readAt(chain, [])).resolves.toMatchObject({ answers: [] })
    const asked = (await first.seen(fault.method)).length
    await expect(readAt(chain, [])).resolves.toMatchObject({ answers: [] })
    expect(await first.seen(fault.method)).toHaveLength(asked)
    expect(await second.seen('eth_call')).toHaveLength(2)
  })

  it('throws unreachable when both fail [F9]', async () => {
    const { chain, first, second } = twoNodes()
    for (const node of [first, second]) await node.misbehave({ method: 'eth_call', does: 'drop' })
    await expect(readAt(chain, [])).rejects.toMatchObject({ code: 'unreachable' })
    await expect(readChannels(chain, [randomHex(32)])).rejects.toMatchObject({ code: 'unreachable' })
  })

  it('asks no second node about a call that the first answers with an error', async () => {
    const { chain, first, second } = twoNodes()
    await first.misbehave({ method: 'eth_call', does: 'answer', error: { code: 3, message: 'reverted' } })
    await expect(readAt(chain, [])).rejects.toMatchObject({ code: 'unreachable' })
    expect(await second.seen('eth_call')).toHaveLength(0)
  })
})

describe('decision about money', () => {
  /** The answer about a payer who holds nothing. */
  async function nothingHeld(token: Address, nonce: Hex): Promise<Hex> {
    const from = randomHex(20)
    const calls = [
      { to: token, data: encodeFunctionData({ abi: tokenAbi, functionName: 'balanceOf', args: [from] }) },
      {
        to: token,
        data: encodeFunctionData({ abi: tokenAbi, functionName: 'authorizationState', args: [from, nonce] }),
      },
    ]
    return rpc<Hex>('eth_call', { to: MULTICALL, data: encodeReads(calls, 84532) }, 'latest')
  }

  async function payer() {
    const { chain, first, second } = twoNodes()
    const { token, escrow: from } = chain
    const nonce = randomHex(32)
    await rpc('anvil_setBalance', from, '0xde0b6b3a7640000')
    const data = encodeFunctionData({
      abi: [
        {
          type: 'function',
          name: 'mint',
          inputs: [{ type: 'address' }, { type: 'uint256' }],
          outputs: [],
          stateMutability: 'nonpayable',
        },
      ],
      functionName: 'mint',
      args: [from, 5n],
    })
    const minter = randomHex(20)
    await rpc('anvil_setBalance', minter, '0xde0b6b3a7640000')
    const hash = await rpc<Hex>('eth_sendTransaction', { from: minter, to: token, data })
    while ((await rpc(RECEIPT, hash)) === null) await scheduler.wait(5)
    return { chain, first, second, held: { token, from, nonce }, lie: await nothingHeld(token, nonce) }
  }

  it('is a disagreement while two nodes answer differently [F9]', async () => {
    const { chain, second, held, lie } = await payer()
    await second.misbehave({ method: 'eth_call', does: 'answer', result: lie })
    await expect(readHolding(chain, held)).rejects.toMatchObject({ code: 'disagreement' })
  })

  it('waits for a node that learns of a block later [F9]', async () => {
    const { chain, second, held, lie } = await payer()
    await second.misbehave({ method: 'eth_call', does: 'answer', result: lie, times: 1 })
    expect((await readHolding(chain, held)).balance).toBeGreaterThanOrEqual(5n)
  })

  it('takes one answer while the other node does not respond [F9]', async () => {
    const { chain, second, held } = await payer()
    await second.misbehave({ method: 'eth_call', does: 'drop' })
    expect((await readHolding(chain, held)).balance).toBeGreaterThanOrEqual(5n)
  })

  it('counts a transaction as mined once both nodes have its receipt [F9]', async () => {
    const { chain, second } = twoNodes()
    const relayer = await newRelayer({ chain })
    await second.misbehave({ method: RECEIPT, does: 'answer', result: null })
    const order = anOrder()
    expect(await relayer.send(order, 300)).toMatchObject({ status: 'pending' })
    await second.misbehave()
    expect(await relayer.outcome(order.id)).toMatchObject({ status: 'mined' })
  })

  it('leaves a transaction pending while neither node has its receipt [F9]', async () => {
    const { chain, first, second } = twoNodes()
    const relayer = await newRelayer({ chain })
    for (const node of [first, second])
      await node.misbehave({ method: RECEIPT, does: 'answer', result: null })
    const order = anOrder()
    expect(await relayer.send(order, 300)).toMatchObject({ status: 'pending' })
    for (const node of [first, second]) await node.misbehave()
    expect(await relayer.outcome(order.id)).toMatchObject({ status: 'mined' })
  })

  it('does not wait for the receipts of a node that stands still [F9]', async () => {
    const { chain, second } = twoNodes({ maxHeadAgeSeconds: 60 })
    const relayer = await newRelayer({ chain })
    await second.misbehave(
      { method: RECEIPT, does: 'answer', result: null },
      { method: 'eth_call', does: 'answer', result: await answerOfAge(70) },
    )
    expect(await relayer.send(anOrder())).toMatchObject({ status: 'mined' })
  })

  it('signs no nonce that only one node counts up to [F9]', async () => {
    const { chain, first } = twoNodes()
    const relayer = await newRelayer({ chain })
    await first.misbehave({ method: COUNT, does: 'answer', result: '0x5' })
    const order = anOrder()
    await expect(relayer.send(order)).rejects.toThrow('unreachable')
    expect(await relayer.outcome(order.id)).toEqual({ status: 'none' })
  })
})
