/** Simulates, signs, sends and finds transactions of one key. The relayer loads it at the first order. */

import { concatHex, keccak256, numberToHex, toRlp } from 'viem'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { sign as signDigest } from '../../protocol/evm/secp256k1.ts'
import { revertReason } from '../escrow.ts'
import { ChainFault } from '../fault.ts'
import type { Log } from '../log.ts'
import {
  type Client,
  faultOf,
  isAnswer,
  isUnknownMethod,
  type NodeError,
  nodeErrorOf,
  quantity,
} from '../node-client.ts'
import { askTwo, assertFresh, type Chain, connect, onNode, readAt } from '../rpc.ts'
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

/** Reads the transaction count of `from`, the current fees, and its balance, all from one node. @throws ChainFault */
export async function readConditions(chain: Chain, from: Address): Promise<Conditions> {
  try {
    return await onNode(chain, async (client) => {
      const [count, block, tip, balance] = await Promise.all([
        client.request({ method: 'eth_getTransactionCount', params: [from, 'latest'] }),
        client.request({ method: 'eth_getBlockByNumber', params: ['latest', false] }),
        client.request({ method: 'eth_maxPriorityFeePerGas' }).catch((thrown) => {
          if (isUnknownMethod(thrown)) return null
          throw thrown
        }),
        client.request({ method: 'eth_getBalance', params: [from, 'latest'] }),
      ])
      if (block?.timestamp !== undefined) assertFresh(chain, quantity(block.timestamp))
      const baseFee = quantity(block?.baseFeePerGas ?? 0)
      return {
        count: Number(quantity(count)),
        baseFee,
        tip: tip === null ? await tipOfPrice(client, baseFee) : quantity(tip),
        balance: quantity(balance),
      }
    })
  } catch (thrown) {
    throw faultOf(thrown)
  }
}

/** A node without `eth_maxPriorityFeePerGas` names one price: the base fee and a tip. */
async function tipOfPrice(client: Client, baseFee: bigint): Promise<bigint> {
  const price = quantity(await client.request({ method: 'eth_gasPrice' }))
  return price > baseFee ? price - baseFee : 0n
}

/**
 * Reads the transaction count of `from`: the lower one of two nodes, where there are two. No reorganization changes the
 * `finalized` count.
 * @throws ChainFault
 */
export async function readCount(chain: Chain, from: Address, tag: 'latest' | 'finalized'): Promise<number> {
  const method = 'eth_getTransactionCount'
  try {
    const counts = await askTwo(
      chain,
      async (node) => Number(quantity(await (await connect(node)).request({ method, params: [from, tag] }))),
      () => null,
    )
    return Math.min(...counts)
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
    return { gas: quantity(await client.request({ method: 'eth_estimateGas', params: [call] })) }
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
 * @returns the node's error, for a log. `isBusy`: the node has not looked at the transaction, so send it again
 */
export async function broadcast(
  client: Client,
  raw: Hex,
): Promise<{ error: string; isBusy: boolean } | undefined> {
  try {
    await client.request({ method: 'eth_sendRawTransaction', params: [raw] }, { retryCount: 0 })
    return undefined
  } catch (thrown) {
    return { error: nodeErrorOf(thrown)?.message ?? faultOf(thrown).message, isBusy: !isAnswer(thrown) }
  }
}

/**
 * Finds the receipt of the first of `hashes` that is mined. Two nodes must agree, where there are two: `tries` times they
 * are asked.
 * @throws ChainFault
 */
export async function findReceipt(chain: Chain, hashes: Hex[], tries = 1): Promise<Receipt | undefined> {
  const [receipt] = await askTwo(
    chain,
    async (node) => {
      const found = await receiptOf(await connect(node), hashes)
      // Trap: a node that stands still lacks receipts. Its silence must not outvote the other node.
      if (!found && node.fallbackUrls) await readAt(node, [])
      return found
    },
    (found) => found ?? null,
    tries,
  )
  return receipt
}

async function receiptOf(client: Client, hashes: Hex[]): Promise<Receipt | undefined> {
  const asked = hashes.map((hash) =>
    client.request({ method: 'eth_getTransactionReceipt', params: [hash] }, { retryCount: 0 }),
  )
  const found = await Promise.all(asked).catch((thrown) => {
    throw faultOf(thrown)
  })
  // Some nodes answer for a transaction that waits, without a block.
  const at = found.findIndex((each) => each?.blockNumber)
  const [receipt, hash] = [found[at], hashes[at]]
  if (!receipt || !hash) return undefined
  return {
    hash,
    block: quantity(receipt.blockNumber),
    succeeded: hasSucceeded(receipt),
    logs: receipt.logs.map(({ address, topics, data }) => ({
      address: address.toLowerCase() as Address,
      topics: [...topics],
      data,
    })),
  }
}

/**
 * Whether a mined transaction succeeded. Some nodes leave the status out; only a transaction that succeeded has logs.
 * @throws ChainFault when the receipt does not show it
 */
function hasSucceeded({ status, logs }: { status?: unknown; logs: readonly unknown[] }): boolean {
  if (status !== undefined && status !== null) return quantity(status) === 1n
  if (logs.length > 0) return true
  throw new ChainFault('unreachable', 'a receipt must show whether its transaction succeeded')
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
