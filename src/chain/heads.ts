/** The newest block of each node of a chain. Nothing is decided by it: it shows whether the nodes are well. */

import { type Chain, connect } from './rpc.ts'

/** The newest block of one node; null if it did not answer. `time` in Unix milliseconds. The rest of the URL may be a key. */
export type NodeHead = { host: string; head: { block: bigint; time: number } | null }

/** Asks every node of a chain by itself, however old its block is. Never throws for a node that fails. */
export async function readHeads(chain: Chain): Promise<NodeHead[]> {
  const { rpcUrl, fallbackUrls = [] } = chain
  return Promise.all(
    [rpcUrl, ...fallbackUrls].map(async (url) => ({
      host: new URL(url).host,
      head: await headAt({ ...chain, rpcUrl: url, fallbackUrls: [] }).catch(() => null),
    })),
  )
}

async function headAt(chain: Chain): Promise<NodeHead['head']> {
  const [client, { quantity }] = await Promise.all([connect(chain), import('./node-client.ts')])
  const block = await client.request({ method: 'eth_getBlockByNumber', params: ['latest', false] })
  if (block?.timestamp === undefined) return null
  return { block: quantity(block.number), time: Number(quantity(block.timestamp)) * 1000 }
}
