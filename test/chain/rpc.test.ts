/** Reading the chain through a node that may fail. */
import { describe, expect, it } from 'vitest'
import { readChannels } from '../../src/chain/channels.ts'
import { channelReads } from '../../src/chain/escrow.ts'
import { decodeReads, encodeReads, MULTICALL } from '../../src/chain/multicall.ts'
import { clientOf } from '../../src/chain/node-client.ts'
import { broadcast } from '../../src/chain/relayer/transaction.ts'
import { connect, readAt } from '../../src/chain/rpc.ts'
import type { Hex } from '../../src/protocol/evm/hex.ts'
import { chainAt, newLane, randomHex, rpc, withValue } from './harness.ts'

describe('readChannels', () => {
  it('returns zeros for a channel that was never opened', async () => {
    const [state] = await readChannels(chainAt(newLane().url), [randomHex(32)])
    const nothing = {
      balance: 0n,
      totalClaimed: 0n,
      withdrawRequestedAt: 0,
      withdrawAmount: 0n,
      refundNonce: 0n,
    }
    expect(state).toMatchObject(nothing)
  })

  it('reads hundreds of channels in few calls, all at one block', async () => {
    const lane = newLane()
    await lane.misbehave({ method: 'eth_call', does: 'delay', ms: 50 })
    const ids = Array.from({ length: 201 }, () => randomHex(32))
    const reading = readChannels(chainAt(lane.url), ids)
    // Mine a block after each call.
    for (const calls of [1, 2, 3]) {
      while ((await lane.seen('eth_call')).length < calls) await scheduler.wait(5)
      await rpc('evm_mine')
    }
    const states = await reading
    expect(states).toHaveLength(201)
    expect(new Set(states.map((state) => state.block)).size).toBe(1)
    expect(await lane.seen('eth_call')).toHaveLength(3)
  })

  it('sends no call for an empty list', async () => {
    const lane = newLane()
    expect(await readChannels(chainAt(lane.url), [])).toEqual([])
    expect(await lane.seen('eth_call')).toEqual([])
  })

  it('throws wrong_chain for a node of another chain [F9]', async () => {
    const lane = newLane()
    await lane.misbehave({ method: 'eth_chainId', does: 'answer', result: '0x2105' })
    const reading = readChannels(chainAt(lane.url), [randomHex(32)])
    await expect(reading).rejects.toMatchObject({ name: 'ChainFault', code: 'wrong_chain' })
    expect(await lane.seen('eth_call')).toEqual([])
  })

  it.each([
    ['drops the call', { does: 'drop' }],
    ['is rate limited', { does: 'answer', status: 429, body: '{}' }],
    ['answers HTML', { does: 'answer', body: '<html>' }],
    ['answers half a JSON', { does: 'answer', body: '{"jsonrpc":"2.0","id":1,"res' }],
    ['answers null', { does: 'answer', body: 'null' }],
    ['answers nothing', { does: 'answer', result: '0x' }],
    ['answers an internal error', { does: 'answer', error: { code: -32603, message: 'boom' } }],
  ] as const)('throws unreachable when the node %s [F9]', async (_, fault) => {
    const lane = newLane()
    await lane.misbehave({ method: 'eth_call', ...fault })
    const reading = readChannels(chainAt(lane.url), [randomHex(32)])
    await expect(reading).rejects.toMatchObject({ name: 'ChainFault', code: 'unreachable' })
  })

  it('throws errors without the node’s URL, which may contain a key [G4]', async () => {
    const lane = newLane()
    await lane.misbehave({ method: 'eth_call', does: 'drop' })
    const fault = await readChannels(chainAt(lane.url), [randomHex(32)]).catch((thrown: Error) => thrown)
    expect(`${(fault as Error).message} ${(fault as Error).stack} ${JSON.stringify(fault)}`).not.toContain(
      lane.url,
    )
  })

  it('throws and returns errors of a node without the key of its URL that they quote [G4]', async () => {
    const lane = newLane()
    const { rpcUrl } = chainAt(`${lane.url}?apikey=canary-of-the-node`)
    const error = { code: -32000, message: `internal error at ${rpcUrl} (canary-of-the-node)` }
    const faults = ['eth_call', 'eth_sendRawTransaction'].map(
      (method) => ({ method, does: 'answer', error }) as const,
    )
    await fetch(rpcUrl, { method: 'PUT', body: JSON.stringify(faults) })
    const fault = await readChannels(chainAt(rpcUrl), [randomHex(32)]).catch(String)
    const against = await broadcast(clientOf(rpcUrl), '0x02')
    expect(fault).toContain('internal error at')
    expect(`${fault} ${against}`).not.toContain('canary')
  })
})

describe('readChannels at a block beyond the chain’s head', () => {
  /** The node's answer about one channel, with a block `ahead` of the true one. */
  async function aheadBy(ahead: bigint, id: Hex) {
    const { escrow } = chainAt('')
    const call = { to: MULTICALL, data: encodeReads(channelReads(escrow, id), 84532) }
    const answer = await rpc<Hex>('eth_call', call, 'latest')
    const { block } = decodeReads(answer, 3)
    return { block, result: withValue(answer, block, block + ahead) }
  }

  it('throws unreachable, since an account ignores all blocks before the one it has seen [F9]', async () => {
    const [lane, id] = [newLane(), randomHex(32)]
    const chain = chainAt(lane.url)
    const { block, result } = await aheadBy(1_000_000n, id)
    const lie = { method: 'eth_call', does: 'answer', result, times: 1 } as const
    await lane.misbehave(lie)
    await expect(readChannels(chain, [id])).rejects.toMatchObject({ code: 'unreachable' })
    const [state] = await readChannels(chain, [id])
    expect(state?.block).toBeGreaterThanOrEqual(block)
    expect(state?.block).toBeLessThan(block + 1_000_000n)
    await lane.misbehave(lie)
    await expect(readChannels(chain, [id])).rejects.toMatchObject({ code: 'unreachable' })
  })

  it('accepts a block slightly ahead, as nodes behind one URL differ', async () => {
    const [lane, id] = [newLane(), randomHex(32)]
    const { block, result } = await aheadBy(20n, id)
    await lane.misbehave({ method: 'eth_call', does: 'answer', result })
    expect(await readChannels(chainAt(lane.url), [id])).toMatchObject([{ block: block + 20n }])
  })

  it('asks for the head once while the chain is not far beyond it', async () => {
    const lane = newLane()
    for (let times = 0; times < 3; times++) await readChannels(chainAt(lane.url), [randomHex(32)])
    expect(await lane.seen('eth_blockNumber')).toHaveLength(1)
  })

  it('throws unreachable while the head cannot be read', async () => {
    const lane = newLane()
    await lane.misbehave({ method: 'eth_blockNumber', does: 'drop' })
    const reading = readChannels(chainAt(lane.url), [randomHex(32)])
    await expect(reading).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('RPC client', () => {
  it('asks for the chain id once', async () => {
    const lane = newLane()
    const chain = chainAt(lane.url)
    await connect(chain)
    await readAt(chain, [])
    expect(await lane.seen('eth_chainId')).toHaveLength(1)
  })

  it.each([
    ['drops the call', { does: 'drop' }],
    ['is rate limited', { does: 'answer', error: { code: -32005, message: 'limit exceeded' } }],
  ] as const)('retries once when the node %s', async (_, fault) => {
    const lane = newLane()
    await lane.misbehave({ method: 'eth_call', times: 1, ...fault })
    await expect(readAt(chainAt(lane.url), [])).resolves.toMatchObject({ answers: [] })
    expect(await lane.seen('eth_call')).toHaveLength(2)
  })

  it('does not retry a call that reverts', async () => {
    const lane = newLane()
    const error = { code: 3, message: 'execution reverted' }
    await lane.misbehave({ method: 'eth_call', times: 1, does: 'answer', error })
    await expect(readAt(chainAt(lane.url), [])).rejects.toMatchObject({ code: 'unreachable' })
    expect(await lane.seen('eth_call')).toHaveLength(1)
  })
})
