/** The door to an RPC node: viem's HTTP transport. Loaded when a chain is first used, never at start-up. */
import { BaseError, createClient, http, RpcRequestError } from 'viem'
import type { Hex } from '../protocol/hex.ts'
import { ChainFault } from './fault.ts'

const TIMEOUT_MS = 5_000

export type Client = ReturnType<typeof openClient>

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

function openClient(rpcUrl: string) {
  return createClient({ transport: http(rpcUrl, { timeout: TIMEOUT_MS, retryCount: 1 }) })
}

/** The node's own "no" inside what viem threw; `undefined` when no node answered. */
export function nodeErrorOf(thrown: unknown): NodeError | undefined {
  const said = thrown instanceof BaseError ? thrown.walk((each) => each instanceof RpcRequestError) : null
  if (!(said instanceof RpcRequestError)) return undefined
  return { code: said.code, message: said.details, data: revertData(said.data) }
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
