/** Reads of the escrow contract: the state of channels, and what a receiver was paid. All of one read are of one block. */

import type { ChannelState } from '../protocol/evm/channel.ts'
import type { Address, Hex } from '../protocol/evm/hex.ts'
import { ChainFault } from './fault.ts'
import { type Chain, connect, readAt } from './rpc.ts'

// 3 calls for each of 100 rows are some 60 kB of calldata, well inside what nodes take.
const ROWS_PER_READ = 100

/** Blocks by which the nodes behind one address may differ: a minute on Base. */
const APART = 30n

/** By node, the highest block that it has said twice. */
const heads = new Map<string, bigint>()

/**
 * What the chain says of channels, in the order asked and all at one block. A channel that was never opened is all zeros.
 * @throws ChainFault when unreadable, or at a block that the node itself has not reached
 */
export async function readChannels(chain: Chain, ids: Hex[]): Promise<ChannelState[]> {
  const { channelReads, decodeChannel } = await import('./escrow.ts')
  const states: ChannelState[] = []
  for (let row = 0; row < ids.length; row += ROWS_PER_READ) {
    const some = ids.slice(row, row + ROWS_PER_READ)
    const calls = some.flatMap((id) => channelReads(chain.escrow, id))
    const { block, answers } = await readAt(chain, calls, states[0]?.block ?? 'latest')
    if (states.length === 0) await confirm(chain, block)
    for (let at = 0; at < some.length; at++)
      states.push(decodeChannel(answers.slice(at * 3, at * 3 + 3), block))
  }
  return states
}

/**
 * Has the node say a block again that is far above the last one known: an account that has heard of it hears nothing that is
 * said of earlier ones.
 * @throws ChainFault when it does not
 */
async function confirm(chain: Chain, block: bigint): Promise<void> {
  const { rpcUrl } = chain
  const known = heads.get(rpcUrl)
  if (known !== undefined && block <= known + APART) return
  const [client, { faultOf }] = await Promise.all([connect(chain), import('./node-client.ts')])
  const head = await client.request({ method: 'eth_blockNumber' }).catch((thrown) => {
    throw faultOf(thrown)
  })
  if (block > BigInt(head) + APART)
    throw new ChainFault('unreachable', `the node answered for block ${block}, and is at ${BigInt(head)}`)
  heads.set(rpcUrl, block)
}

/**
 * What was claimed for a receiver and what of it was swept to it, in all. Atomic units.
 * @throws ChainFault when unreadable
 */
export async function readReceiver(
  chain: Chain,
  receiver: Address,
): Promise<{ claimed: bigint; swept: bigint; block: bigint }> {
  const { receiverRead, decodeReceiver } = await import('./escrow.ts')
  const { block, answers } = await readAt(chain, [receiverRead(chain.escrow, receiver, chain.token)])
  return { ...decodeReceiver(answers[0] ?? '0x'), block }
}
