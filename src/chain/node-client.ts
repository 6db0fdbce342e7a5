/** The door to an RPC node: viem's HTTP transport. Loaded when a chain is first used, never at start-up. */
import { BaseError, type EIP1193RequestFn, type EIP1474Methods, RpcRequestError } from 'viem'
import { getHttpRpcClient } from 'viem/utils'
import type { Hex } from '../protocol/evm/hex.ts'
import { ChainFault } from './fault.ts'

const TIMEOUT_MS = 5_000
const RETRY_MS = 150

/** Codes that say of the node that it could not answer now, where others are its answer. */
const BUSY = new Set([-1, 429, -32_005, -32_007, -32_603])

/** What got no answer is asked once more, unless with `retryCount: 0`. */
export type Client = { request: EIP1193RequestFn<EIP1474Methods> }

type Question = { method: string; params?: unknown }

/** What a node said no with: JSON-RPC code, message, and the revert's data where it has any. */
export type NodeError = { code: number; message: string; data: Hex | undefined }

const clients = new Map<string, Client>()

/** One client per node and isolate. It holds no sockets and no pending work, so that requests may share it. */
export function clientOf(rpcUrl: string): Client {
  const known = clients.get(rpcUrl)
  if (known) return known
  const client = openClient(rpcUrl)
  clients.set(rpcUrl, client)
  return client
}

// Not viem's own client: it brings an error class for every code there is, and all code weighs on every cold start.
function openClient(rpcUrl: string): Client {
  const node = getHttpRpcClient(rpcUrl, { timeout: TIMEOUT_MS })
  const ask = async (body: Question): Promise<unknown> => {
    const { error, result } = (await node.request({ body })) ?? {}
    if (error) throw new RpcRequestError({ body, error, url: rpcUrl })
    if (result === undefined) throw new ChainFault('unreachable', 'the node gave no result')
    return result
  }
  const request = async ({ method, params }: Question, { retryCount = 1 } = {}): Promise<unknown> => {
    const body = { method, params }
    if (retryCount === 0) return ask(body)
    return ask(body).catch(async (thrown) => {
      if (thrown instanceof RpcRequestError && !BUSY.has(thrown.code)) throw thrown
      await new Promise((over) => setTimeout(over, RETRY_MS))
      return ask(body)
    })
  }
  // The types are those of the protocol: what nodes answer is believed to have them.
  return { request: request as Client['request'] }
}

/** The node's own "no" inside what viem threw; `undefined` when no node answered. */
export function nodeErrorOf(thrown: unknown): NodeError | undefined {
  if (!(thrown instanceof RpcRequestError)) return undefined
  return { code: thrown.code, message: thrown.details, data: revertData(thrown.data) }
}

/** What viem threw, as a fault. Only its short words are kept: the long ones quote the node's URL. */
export function faultOf(thrown: unknown): ChainFault {
  if (thrown instanceof ChainFault) return thrown
  if (!(thrown instanceof BaseError)) throw thrown
  const said = nodeErrorOf(thrown)
  return new ChainFault(
    'unreachable',
    said ? `the node said ${said.code} ${said.message}` : thrown.shortMessage,
  )
}

// Nodes put the data of a revert at `error.data` or one level below it.
function revertData(data: unknown): Hex | undefined {
  const found = typeof data === 'object' && data !== null && 'data' in data ? data.data : data
  return typeof found === 'string' && /^0x([0-9a-fA-F]{2})*$/.test(found) ? (found as Hex) : undefined
}
