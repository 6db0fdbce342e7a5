/** Calldata and logs of the contracts. viem hashes every signature of an ABI for each call that it decodes; here each is hashed once. */
import {
  type Abi,
  type AbiFunction,
  decodeFunctionData,
  encodeAbiParameters,
  pad,
  toEventSelector,
  toFunctionSelector,
} from 'viem'
import { parseAbi } from '../../src/chain/abi.ts'
import { escrowAbi } from '../../src/chain/escrow.ts'
import type { Log } from '../../src/chain/log.ts'
import { tokenAbi } from '../../src/chain/token.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'

/** Multicall3, as far as it is used. */
export const multicallAbi = parseAbi([
  'struct Call { address target; bool allowFailure; bytes callData; }',
  'struct Answer { bool success; bytes returnData; }',
  'function aggregate3(Call[] calls) payable returns (Answer[] answers)',
  'function getBlockNumber() view returns (uint256)',
  'function getCurrentBlockTimestamp() view returns (uint256)',
])

/** The facts that a token and an escrow state of themselves. */
export const metadataAbi = parseAbi([
  'function decimals() view returns (uint8)',
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)',
])

const functions = new Map<string, AbiFunction>()
for (const item of [...escrowAbi, ...tokenAbi, ...multicallAbi, ...metadataAbi] as Abi)
  if (item.type === 'function') functions.set(toFunctionSelector(item), item)

/** A call as it was encoded. */
export type DecodedCall = { name: string; args: readonly unknown[] }

/** Decodes a call of any of the contracts. @throws RangeError for an unknown function */
export function decodeCall(data: Hex): DecodedCall {
  const item = functions.get(data.slice(0, 10))
  if (!item) throw new RangeError(`the model must know ${data.slice(0, 10)}`)
  const { args = [] } = decodeFunctionData({ abi: [item], data })
  return { name: item.name, args }
}

const selectors = new Map<string, Hex>()

/** An event's log: its signature, its indexed words, and its amounts. */
export function logOf(
  address: Address,
  event: string,
  indexed: readonly Hex[],
  amounts: readonly bigint[],
): Log {
  let selector = selectors.get(event)
  if (!selector) {
    selector = toEventSelector(event)
    selectors.set(event, selector)
  }
  const data: Hex = `0x${amounts.map((amount) => amount.toString(16).padStart(64, '0')).join('')}`
  return { address, topics: [selector, ...indexed.map((word) => pad(word))], data }
}

/** The data of a revert with a message. */
export function messageData(message: string): Hex {
  return `0x08c379a0${encodeAbiParameters([{ type: 'string' }], [message]).slice(2)}`
}
