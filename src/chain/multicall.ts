/** Multicall3: reads of one block in one `eth_call`, with the block's number and time. */

import { decodeFunctionResult, encodeFunctionData, hexToBigInt, prepareEncodeFunctionData } from 'viem'
import type { Address, Hex } from '../protocol/evm/hex.ts'
import { parseAbi } from './abi.ts'
import { ChainFault } from './fault.ts'

/** One read: a contract and its calldata. */
export type ContractCall = { to: Address; data: Hex }

/** Answers of one block, in the order of the calls; `time` is its timestamp in Unix seconds. */
export type Snapshot = { block: bigint; time: bigint; answers: Hex[] }

/** The contract has this address on every supported chain. */
export const MULTICALL: Address = '0xca11bde05977b3631167028862be2a173976ca11'

const abi = parseAbi([
  'struct Call { address target; bool allowFailure; bytes callData; }',
  'struct Answer { bool success; bytes returnData; }',
  'function aggregate3(Call[] calls) payable returns (Answer[] answers)',
  'function getBlockNumber() view returns (uint256)',
  'function getCurrentBlockTimestamp() view returns (uint256)',
  'function arbBlockNumber() view returns (uint256)',
])

/** 32 bytes in hex. */
const WORD_LENGTH = 66

/** The precompile that returns the block number of Arbitrum itself. */
export const ARB_SYS: Address = '0x0000000000000000000000000000000000000064'

const ARBITRUM = 42161

// Made once: each encoding of a function by its name hashes its signature.
const aggregate = prepareEncodeFunctionData({ abi, functionName: 'aggregate3' })
const READ_BLOCK = encodeFunctionData({ abi, functionName: 'getBlockNumber' })
const READ_TIME = encodeFunctionData({ abi, functionName: 'getCurrentBlockTimestamp' })
const READ_ARBITRUM_BLOCK = encodeFunctionData({ abi, functionName: 'arbBlockNumber' })

/** Trap: to a contract on Arbitrum, `block.number` is about that of Ethereum. Receipts and logs have Arbitrum's own. */
function headOf(chainId: number): ContractCall[] {
  const block =
    chainId === ARBITRUM ? { to: ARB_SYS, data: READ_ARBITRUM_BLOCK } : { to: MULTICALL, data: READ_BLOCK }
  return [block, { to: MULTICALL, data: READ_TIME }]
}

/** Calldata of the reads on a chain. If one reverts, all do. */
export function encodeReads(calls: ContractCall[], chainId: number): Hex {
  const rows = [...headOf(chainId), ...calls].map(({ to, data }) => ({
    target: to,
    allowFailure: false,
    callData: data,
  }))
  return encodeFunctionData({ ...aggregate, args: [rows] })
}

/** Reads the answer to {@link encodeReads} of `calls` reads. @throws viem's decoding errors, ChainFault */
export function decodeReads(answer: Hex, calls: number): Snapshot {
  const rows = decodeFunctionResult({ abi, functionName: 'aggregate3', data: answer })
  const [block = '0x', time = '0x', ...answers] = rows.map((row) => row.returnData)
  const isWhole = answers.length === calls && [block, time].every((word) => word.length === WORD_LENGTH)
  if (!isWhole) throw new ChainFault('unreachable', `the node must answer each of ${calls} reads`)
  return { block: hexToBigInt(block), time: hexToBigInt(time), answers }
}
