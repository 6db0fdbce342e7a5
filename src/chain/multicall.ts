/** Multicall3: reads of one block in one `eth_call`, with the block's number and time. */

import { decodeFunctionResult, encodeFunctionData, hexToBigInt } from 'viem'
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
])

/** 32 bytes in hex. */
const WORD_LENGTH = 66

const HEAD: ContractCall[] = [
  { to: MULTICALL, data: encodeFunctionData({ abi, functionName: 'getBlockNumber' }) },
  { to: MULTICALL, data: encodeFunctionData({ abi, functionName: 'getCurrentBlockTimestamp' }) },
]

/** Calldata of the reads. If one reverts, all do. */
export function encodeReads(calls: ContractCall[]): Hex {
  const rows = [...HEAD, ...calls].map(({ to, data }) => ({
    target: to,
    allowFailure: false,
    callData: data,
  }))
  return encodeFunctionData({ abi, functionName: 'aggregate3', args: [rows] })
}

/** Reads the answer to {@link encodeReads} of `calls` reads. @throws viem's decoding errors, ChainFault */
export function decodeReads(answer: Hex, calls: number): Snapshot {
  const rows = decodeFunctionResult({ abi, functionName: 'aggregate3', data: answer })
  const [block = '0x', time = '0x', ...answers] = rows.map((row) => row.returnData)
  const isWhole = answers.length === calls && [block, time].every((word) => word.length === WORD_LENGTH)
  if (!isWhole) throw new ChainFault('unreachable', `the node must answer each of ${calls} reads`)
  return { block: hexToBigInt(block), time: hexToBigInt(time), answers }
}
