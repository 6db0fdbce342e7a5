import { createClient, http } from 'viem'
import { multicall, readContract } from 'viem/actions'
import { baseSepolia } from 'viem/chains'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { MULTICALL } from '../../src/chain/multicall.ts'
import { ESCROW, USDC } from '../../src/testing/chain/chain.ts'
import { ESCROW_ABI, MULTICALL_ABI, USDC_ABI } from './abi.ts'
import { type Rig, startRig } from './harness.ts'
import { open } from './paper.ts'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig.chain.stop())

it('Multicall3 answers several reads of viem at one block', async () => {
  const { id } = await open(rig, 1_000n)
  const answers = await multicall(rig.client, {
    allowFailure: false,
    contracts: [
      { address: MULTICALL, abi: MULTICALL_ABI, functionName: 'getBlockNumber' },
      { address: MULTICALL, abi: MULTICALL_ABI, functionName: 'getChainId' },
      { address: ESCROW, abi: ESCROW_ABI, functionName: 'channels', args: [id] },
      { address: USDC, abi: USDC_ABI, functionName: 'decimals' },
    ],
  })
  expect(answers).toEqual([BigInt(String(await rig.chain.rpc('eth_blockNumber'))), 84532n, [1_000n, 0n], 6])
})

it('Multicall3 reports one failure beside the other answers', async () => {
  const answers = await multicall(rig.client, {
    contracts: [
      { address: USDC, abi: ESCROW_ABI, functionName: 'MIN_WITHDRAW_DELAY' },
      { address: USDC, abi: USDC_ABI, functionName: 'decimals' },
    ],
  })
  expect(answers).toMatchObject([{ status: 'failure' }, { status: 'success', result: 6 }])
})

it('Multicall3 answers single reads that viem batches', async () => {
  const transport = http(rig.chain.rpcUrl)
  const client = createClient({ chain: baseSepolia, transport, batch: { multicall: true } })
  const decimals = () => readContract(client, { address: USDC, abi: USDC_ABI, functionName: 'decimals' })
  expect(await Promise.all([decimals(), decimals()])).toEqual([6, 6])
})

const DECIMALS = { target: USDC, callData: '0x313ce567' } as const
const SIX = `0x${'6'.padStart(64, '0')}`

it('Multicall3 tryAggregate returns the answer of each call', async () => {
  const at = { address: MULTICALL, abi: MULTICALL_ABI } as const
  const answer = await readContract(rig.client, {
    ...at,
    functionName: 'tryAggregate',
    args: [true, [DECIMALS]],
  })
  expect(answer).toEqual([{ success: true, returnData: SIX }])
})

it('Multicall3 aggregate returns the block and the answer of each call', async () => {
  const at = { address: MULTICALL, abi: MULTICALL_ABI } as const
  const answer = await readContract(rig.client, { ...at, functionName: 'aggregate', args: [[DECIMALS]] })
  expect(answer).toEqual([BigInt(String(await rig.chain.rpc('eth_blockNumber'))), [SIX]])
})

it('Multicall3 reverts all calls when a required one fails', async () => {
  const at = { address: MULTICALL, abi: MULTICALL_ABI } as const
  const calls = [DECIMALS, { target: USDC, callData: '0xffffffff' }] as const
  const read = readContract(rig.client, { ...at, functionName: 'tryAggregate', args: [true, calls] })
  await expect(read).rejects.toThrow('Multicall3: call failed')
})
