/** Reads a chain through one or several nodes, with many reads at one block. Loads viem at the first use. */

import { writeJson } from '../platform/json.ts'
import type { Address } from '../protocol/evm/hex.ts'
import { ChainFault } from './fault.ts'
import type { ContractCall, Snapshot } from './multicall.ts'
import type { Client } from './node-client.ts'

/** The chain on which payments settle, and its contracts. */
export type Chain = {
  /** CAIP-2. */
  network: string
  chainId: number
  /** The node that is asked first. */
  rpcUrl: string
  /** Nodes that are asked when it fails, and for a second answer about money. */
  fallbackUrls?: readonly string[]
  /** A node whose newest block is older is not used. Without it, any age is accepted: a local chain mines on demand. */
  maxHeadAgeSeconds?: number | undefined
  /** USDC. */
  token: Address
  escrow: Address
  collector: Address
}

/** The block to read at. No reorganization changes a `finalized` block. */
export type Tag = 'latest' | 'finalized' | bigint

/** A node that failed is asked last for this time. */
const REST_MS = 30_000
const AGAIN_MS = 500

const checked = new Set<string>()
/** When a node that failed may be asked first again, in Unix ms. */
const resting = new Map<string, number>()

/**
 * The client of a chain. Calls go to the first node that answers.
 * @throws ChainFault `wrong_chain`, `unreachable`
 */
export async function connect(chain: Chain): Promise<Client> {
  if (!chain.fallbackUrls?.length) return clientAt(chain, chain.rpcUrl)
  const request = (...call: unknown[]) =>
    onNode(chain, (client) => (client.request as (...call: unknown[]) => Promise<unknown>)(...call))
  return { request: request as Client['request'] }
}

/**
 * Does `work` at the first node that can. A node that fails, lags or serves another chain is asked last for a while. An error
 * that answers the call itself is thrown at once.
 */
export async function onNode<Value>(chain: Chain, work: (client: Client) => Promise<Value>): Promise<Value> {
  const { isAnswer } = await import('./node-client.ts')
  let fault: unknown
  for (const url of nodesOf(chain)) {
    try {
      return await work(await clientAt(chain, url))
    } catch (thrown) {
      if (isAnswer(thrown)) throw thrown
      fault = thrown
      resting.set(url, Date.now() + REST_MS)
    }
  }
  throw fault
}

/**
 * Asks two nodes where the chain has several, as a decision about money needs. Returns their answers, which are the same by
 * `say`: one answer if the others do not respond. Nodes learn of a block at different times, so they are asked `tries` times.
 * @throws ChainFault `disagreement`, or the fault of the last node if none responds
 */
export async function askTwo<Value>(
  chain: Chain,
  ask: (chain: Chain) => Promise<Value>,
  say: (answer: Value) => unknown,
  tries = 3,
): Promise<[Value, ...Value[]]> {
  if (!chain.fallbackUrls?.length) return [await ask(chain)]
  for (let left = tries; left > 0; left--) {
    const [first, ...rest] = await firstTwo(chain, ask)
    if (rest.every((other) => writeJson(say(other)) === writeJson(say(first)))) return [first, ...rest]
    if (left > 1) await scheduler.wait(AGAIN_MS)
  }
  throw new ChainFault('disagreement', 'two nodes answer differently')
}

/** The answer of the lower block: both nodes have that one. */
export function lowest<Value>(
  [first, ...rest]: [Value, ...Value[]],
  blockOf: (answer: Value) => bigint,
): Value {
  return rest.reduce((low, other) => (blockOf(other) < blockOf(low) ? other : low), first)
}

async function firstTwo<Value>(
  chain: Chain,
  ask: (chain: Chain) => Promise<Value>,
): Promise<[Value, ...Value[]]> {
  const nodes = nodesOf(chain, true)
  const asked = [nodes.slice(0, 1), nodes.slice(1)].flatMap(([rpcUrl, ...fallbackUrls]) =>
    rpcUrl === undefined ? [] : ask({ ...chain, rpcUrl, fallbackUrls }),
  )
  const settled = await Promise.allSettled(asked)
  const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  // Trap: `undefined` is an answer too, such as for a receipt that no node has yet.
  if (isSome(answers)) return answers
  throw settled.find((one) => one.status === 'rejected')?.reason
}

function isSome<Value>(answers: Value[]): answers is [Value, ...Value[]] {
  return answers.length > 0
}

/** The chain's nodes, those that failed lately last, or with `wellOnly` left out if another is well. */
function nodesOf({ rpcUrl, fallbackUrls = [] }: Chain, wellOnly = false): string[] {
  const now = Date.now()
  const all = [rpcUrl, ...fallbackUrls]
  const well = all.filter((url) => (resting.get(url) ?? 0) <= now)
  if (wellOnly && well.length > 0) return well
  return [...well, ...all.filter((url) => !well.includes(url))]
}

/**
 * The client of a node, after it has confirmed the chain id. Trap: keep only the result between requests, never a pending
 * check. Workers must not wait for another request's I/O.
 */
async function clientAt({ chainId, fallbackUrls }: Chain, url: string): Promise<Client> {
  const { clientOf, faultOf, quantity } = await import('./node-client.ts')
  const client = clientOf(url, fallbackUrls !== undefined)
  const verdict = `${chainId} ${url}`
  if (checked.has(verdict)) return client
  const answer = await client.request({ method: 'eth_chainId' }).catch((thrown) => {
    throw faultOf(thrown)
  })
  const served = quantity(answer)
  if (served !== BigInt(chainId))
    throw new ChainFault('wrong_chain', `the node must serve chain ${chainId}, but serves ${served}`)
  checked.add(verdict)
  return client
}

/** @throws ChainFault `stale` when a node's newest block, of `time` in Unix seconds, is too old */
export function assertFresh({ maxHeadAgeSeconds }: Chain, time: bigint): void {
  const age = Math.floor(Date.now() / 1000) - Number(time)
  if (maxHeadAgeSeconds && age > maxHeadAgeSeconds)
    throw new ChainFault('stale', `the node's newest block is ${age} seconds old`)
}

/**
 * Makes any number of reads in one round trip, all at one block.
 * @throws ChainFault when the chain cannot be read, or any of the calls reverts
 */
export async function readAt(chain: Chain, calls: ContractCall[], tag: Tag = 'latest'): Promise<Snapshot> {
  const [{ faultOf }, { encodeReads, decodeReads, MULTICALL }] = await Promise.all([
    import('./node-client.ts'),
    import('./multicall.ts'),
  ])
  const block = typeof tag === 'bigint' ? (`0x${tag.toString(16)}` as const) : tag
  const params = [{ to: MULTICALL, data: encodeReads(calls, chain.chainId) }, block] as const
  try {
    return await onNode(chain, async (client) => {
      const read = decodeReads(
        await client.request({ method: 'eth_call', params: [...params] }),
        calls.length,
      )
      if (tag === 'latest') assertFresh(chain, read.time)
      return read
    })
  } catch (thrown) {
    throw faultOf(thrown)
  }
}
