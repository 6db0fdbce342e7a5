/** Simulates, signs, sends and finds transactions of one key. The relayer loads it at the first order. */

import { concatHex, hexToBigInt, hexToNumber, keccak256, numberToHex, toRlp } from 'viem'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { sign as signDigest } from '../../protocol/evm/secp256k1.ts'
import { revertReason } from '../escrow.ts'
import { ChainFault } from '../fault.ts'
import type { Log } from '../log.ts'
import { type Client, faultOf, type NodeError, nodeErrorOf } from '../node-client.ts'
import { type Fees, GAS_CAP } from './gas.ts'
import type { TransactionOrder } from './orders.ts'

/** The next transaction's conditions: mined transactions of the key, and fees and balance in wei. */
export type Conditions = { count: number; baseFee: bigint; tip: bigint; balance: bigint }

/** The receipt of a mined transaction. */
export type Receipt = { hash: Hex; block: bigint; succeeded: boolean; logs: Log[] }

/** The type of a transaction, in front of its fields (EIP-2718). */
const EIP1559: Hex = '0x02'

// Pools reject transactions over 128 KiB.
const MAX_DATA_BYTES = 120 * 1024

/** Reads the transaction count of `from`, the current fees, and its balance. @throws ChainFault */
export async function readConditions(client: Client, from: Address): Promise<Conditions> {
  const asked = Promise.all([
    client.request({ method: 'eth_getTransactionCount', params: [from, 'latest'] }),
    client.request({ method: 'eth_getBlockByNumber', params: ['latest', false] }),
    client.request({ method: 'eth_maxPriorityFeePerGas' }),
    client.request({ method: 'eth_getBalance', params: [from, 'latest'] }),
  ])
  const [count, block, tip, balance] = await asked.catch((thrown) => {
    throw faultOf(thrown)
  })
  return {
    count: hexToNumber(count),
    baseFee: hexToBigInt(block?.baseFeePerGas ?? '0x0'),
    tip: hexToBigInt(tip),
    balance: hexToBigInt(balance),
  }
}

/** Reads the transaction count of `from`. No reorganization changes the `finalized` count. @throws ChainFault */
export async function readCount(client: Client, from: Address, tag: 'latest' | 'finalized'): Promise<number> {
  try {
    return hexToNumber(await client.request({ method: 'eth_getTransactionCount', params: [from, tag] }))
  } catch (thrown) {
    throw faultOf(thrown)
  }
}

/**
 * Simulates an order on the current state. Returns the gas used, or why it was refused: a custom error's name, a
 * `require`'s message, `too_large`, `out_of_gas` or `unknown`.
 * @throws ChainFault when no node answered
 */
export async function simulate(
  client: Client,
  from: Address,
  { to, data, gas = GAS_CAP }: TransactionOrder,
): Promise<{ gas: bigint } | { refused: string }> {
  if (data.length / 2 > MAX_DATA_BYTES) return { refused: 'too_large' }
  try {
    const call = { from, to, data, gas: numberToHex(gas) }
    return { gas: hexToBigInt(await client.request({ method: 'eth_estimateGas', params: [call] })) }
  } catch (thrown) {
    const error = nodeErrorOf(thrown)
    const refused = error && refusalOf(error)
    if (refused === undefined) throw faultOf(thrown)
    return { refused }
  }
}

/** Signs one transaction (EIP-1559). Its hash is known before it is sent. */
export function signTransaction(
  key: Hex,
  chainId: number,
  { to, data, gas, nonce, fees }: { to: Address; data: Hex; gas: bigint; nonce: number; fees: Fees },
): { hash: Hex; raw: Hex } {
  const numbers = [BigInt(chainId), BigInt(nonce), fees.tip, fees.maxFee, gas].map(integer)
  const fields = [...numbers, to, integer(0n), data, []]
  const signature = signDigest(keccak256(concatHex([EIP1559, toRlp(fields)]), 'bytes'), key)
  const [r, s] = [signature.slice(2, 66), signature.slice(66, 130)]
  const parity = signature.endsWith('1c') ? 1n : 0n
  const signed = [...fields, integer(parity), integer(BigInt(`0x${r}`)), integer(BigInt(`0x${s}`))]
  const raw = concatHex([EIP1559, toRlp(signed)])
  return { hash: keccak256(raw), raw }
}

/**
 * Sends a signed transaction to the node. Trap: the answer decides nothing. It may be lost after the node accepted the
 * transaction, and "already known" or "nonce too low" may be about this very transaction. Only receipts decide.
 * @returns the node's error, for a log
 */
export async function broadcast(client: Client, raw: Hex): Promise<string | undefined> {
  try {
    await client.request({ method: 'eth_sendRawTransaction', params: [raw] }, { retryCount: 0 })
    return undefined
  } catch (thrown) {
    return nodeErrorOf(thrown)?.message ?? faultOf(thrown).message
  }
}

/** Finds the receipt of the first of `hashes` that is mined. @throws ChainFault */
export async function findReceipt(client: Client, hashes: Hex[]): Promise<Receipt | undefined> {
  const asked = hashes.map((hash) =>
    client.request({ method: 'eth_getTransactionReceipt', params: [hash] }, { retryCount: 0 }),
  )
  const found = await Promise.all(asked).catch((thrown) => {
    throw faultOf(thrown)
  })
  const receipt = found.find((each) => each !== null)
  if (!receipt) return undefined
  return {
    hash: receipt.transactionHash,
    block: hexToBigInt(receipt.blockNumber),
    succeeded: hasSucceeded(receipt),
    logs: receipt.logs.map(({ address, topics, data }) => ({
      address: address.toLowerCase() as Address,
      topics: [...topics],
      data,
    })),
  }
}

/**
 * Whether a mined transaction succeeded. Nodes write the status as `0x1` or `0x01`, and some leave it out; only a
 * transaction that succeeded has logs then.
 * @throws ChainFault when the receipt does not show it
 */
function hasSucceeded({ status, logs }: { status?: string | null; logs: readonly unknown[] }): boolean {
  if (status && /^0x0*[01]$/.test(status)) return hexToBigInt(status as Hex) === 1n
  if (!status && logs.length > 0) return true
  throw new ChainFault(
    'unreachable',
    `the status of a receipt must be 0x0 or 0x1, not ${String(status).slice(0, 10)}`,
  )
}

/** An integer for RLP: no leading zero bytes, and no bytes for zero. */
function integer(value: bigint): Hex {
  const digits = value.toString(16)
  return value === 0n ? '0x' : `0x${digits.length % 2 ? '0' : ''}${digits}`
}

// JSON-RPC code 3 is a revert with data; other nodes use a message. Any other error is about the node, not the call.
function refusalOf({ code, message, data }: NodeError): string | undefined {
  if (/out of gas|gas required exceeds|exceeds block gas limit|intrinsic gas/i.test(message))
    return 'out_of_gas'
  if (code === 3 || /revert/i.test(message)) return revertReason(data)
  return undefined
}
