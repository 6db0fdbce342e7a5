/** The client of an RPC node, on viem's HTTP transport. Loaded at the first use of a chain, not at start-up. */
import { BaseError, type EIP1193RequestFn, type EIP1474Methods } from 'viem'
import { getHttpRpcClient } from 'viem/utils'
import { secretsOfUrl } from '../platform/secrets.ts'
import { ChainFault } from './fault.ts'
import { isWellFormed, type NodeError, QUANTITY, readNodeError } from './node-answers.ts'

/** See node-answers.ts. */
export type { NodeError } from './node-answers.ts'

const TIMEOUT_MS = 5_000
/** Another node is asked after this time, where there is one. */
const IMPATIENT_TIMEOUT_MS = 2_000
const RETRY_MS = 150

/** JSON-RPC codes of a node that is overloaded or broken. They are retried; all other codes are an answer. */
const BUSY = new Set([-1, 429, -32_005, -32_007, -32_603])

/** Retries a request once when it gets no answer, unless `retryCount` is 0. */
export type Client = { request: EIP1193RequestFn<EIP1474Methods> }

/** Null is a final answer to these calls. To any other call it means: ask again. */
const NULLABLE = new Set(['eth_getTransactionReceipt'])

type Question = { method: string; params?: unknown }

/** A node has answered with an error. */
class AnswerFault extends Error {
  override name = 'AnswerFault'
  readonly error: NodeError

  constructor(error: NodeError) {
    super(`the node returned error ${error.code}: ${error.message}`)
    this.error = error
  }
}

const clients = new Map<string, Client>()

/**
 * The client of a node, one per isolate. It holds no sockets and no pending work, so requests may share it. `isOneOfMany`:
 * it waits for less long.
 */
export function clientOf(rpcUrl: string, isOneOfMany = false): Client {
  const name = `${isOneOfMany} ${rpcUrl}`
  const known = clients.get(name)
  if (known) return known
  const client = openClient(rpcUrl, isOneOfMany ? IMPATIENT_TIMEOUT_MS : TIMEOUT_MS)
  clients.set(name, client)
  return client
}

// Not viem's own client: it has an error class for every code, and more code makes every cold start slower.
function openClient(rpcUrl: string, timeout: number): Client {
  const node = getHttpRpcClient(rpcUrl, { timeout })
  const secrets = secretsOfUrl(rpcUrl)
  const ask = async (body: Question): Promise<unknown> => {
    const { error, result } = (await node.request({ body })) ?? {}
    if (error) throw new AnswerFault(readNodeError(error, secrets))
    if (result === undefined || (result === null && !NULLABLE.has(body.method)))
      throw new ChainFault('unreachable', 'the node returned no result')
    if (isWellFormed(body.method, result)) return result
    throw new ChainFault('unreachable', `the node's answer to ${body.method} must follow the JSON-RPC format`)
  }
  const request = async ({ method, params }: Question, { retryCount = 1 } = {}): Promise<unknown> => {
    const body = { method, params }
    if (retryCount === 0) return ask(body)
    return ask(body).catch(async (thrown) => {
      if (isAnswer(thrown)) throw thrown
      await new Promise((over) => setTimeout(over, RETRY_MS))
      return ask(body)
    })
  }
  // The types of the protocol; `isWellFormed` checks the members that are read.
  return { request: request as Client['request'] }
}

/** Whether a node has answered the call itself with an error. Another node would answer the same. */
export function isAnswer(thrown: unknown): boolean {
  return thrown instanceof AnswerFault && !BUSY.has(thrown.error.code)
}

/** Whether the node does not know a method. Nodes answer -32601, and some -32600 or another code with these words. */
export function isUnknownMethod(thrown: unknown): boolean {
  const { code, message = '' } = nodeErrorOf(thrown) ?? {}
  return code === -32_601 || /method .*(not found|not supported|not available|does not exist)/i.test(message)
}

/**
 * A number of a node: `0x7`, and as nodes also write it `0x07`, `0X7`, `7` or a JSON number.
 * @throws ChainFault for anything else
 */
export function quantity(value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
  if (typeof value === 'string' && QUANTITY.test(value)) return BigInt(value)
  throw new ChainFault('unreachable', 'a number of the node must be hexadecimal')
}

/** The error with which a node has answered; undefined when no node answered. */
export function nodeErrorOf(thrown: unknown): NodeError | undefined {
  return thrown instanceof AnswerFault ? thrown.error : undefined
}

/** The fault for an error of a client. Keeps only viem's short message: the long one contains the node's URL. */
export function faultOf(thrown: unknown): ChainFault {
  if (thrown instanceof ChainFault) return thrown
  if (thrown instanceof AnswerFault) return new ChainFault('unreachable', thrown.message)
  if (thrown instanceof BaseError) return new ChainFault('unreachable', thrown.shortMessage)
  throw thrown
}

/** Runs a decoder of a node's answer. @throws ChainFault `unreachable` for bytes that do not decode */
export function decoded<Value>(decode: () => Value): Value {
  try {
    return decode()
  } catch (thrown) {
    throw faultOf(thrown)
  }
}
