/** Reads a chain, after checking its id, with many reads at one block. Loads viem at the first use. */

import type { Address } from '../protocol/evm/hex.ts'
import { ChainFault } from './fault.ts'
import type { ContractCall, Snapshot } from './multicall.ts'
import type { Client } from './node-client.ts'

/** The chain on which payments settle, and its contracts. */
export type Chain = {
  /** CAIP-2. */
  network: string
  chainId: number
  rpcUrl: string
  /** USDC. */
  token: Address
  escrow: Address
  collector: Address
}

/** The block to read at. No reorganization changes a `finalized` block. */
export type Tag = 'latest' | 'finalized' | bigint

const checked = new Set<string>()

/**
 * The client of a chain, after its node has confirmed the chain id. Trap: keep only the result between requests, never a
 * pending check. Workers must not wait for another request's I/O.
 * @throws ChainFault `wrong_chain`, `unreachable`
 */
export async function connect(chain: Chain): Promise<Client> {
  const { clientOf, faultOf } = await import('./node-client.ts')
  const client = clientOf(chain.rpcUrl)
  const verdict = `${chain.chainId} ${chain.rpcUrl}`
  if (checked.has(verdict)) return client
  const answer = await client.request({ method: 'eth_chainId' }).catch((thrown) => {
    throw faultOf(thrown)
  })
  if (BigInt(answer) !== BigInt(chain.chainId)) {
    throw new ChainFault(
      'wrong_chain',
      `the node must serve chain ${chain.chainId}, but serves ${BigInt(answer)}`,
    )
  }
  checked.add(verdict)
  return client
}

/**
 * Makes any number of reads in one round trip, all at one block.
 * @throws ChainFault when the chain cannot be read, or any of the calls reverts
 */
export async function readAt(chain: Chain, calls: ContractCall[], tag: Tag = 'latest'): Promise<Snapshot> {
  const [client, { faultOf }, { encodeReads, decodeReads, MULTICALL }] = await Promise.all([
    connect(chain),
    import('./node-client.ts'),
    import('./multicall.ts'),
  ])
  const block = typeof tag === 'bigint' ? (`0x${tag.toString(16)}` as const) : tag
  try {
    const params = [{ to: MULTICALL, data: encodeReads(calls) }, block] as const
    return decodeReads(await client.request({ method: 'eth_call', params: [...params] }), calls.length)
  } catch (thrown) {
    throw faultOf(thrown)
  }
}
