/** Reads the escrow contract: the state of channels and the totals of a receiver. All rows of a read are of one block. */

import type { ChannelState } from '../protocol/evm/channel.ts'
import type { Address, Hex } from '../protocol/evm/hex.ts'
import { ChainFault } from './fault.ts'
import { askTwo, type Chain, connect, lowest, readAt } from './rpc.ts'

// 3 calls for each of 100 rows are some 60 kB of calldata, well below the limits of nodes.
const ROWS_PER_READ = 100

/** Nodes behind one URL may differ by this many blocks: a minute on Base. */
export const MAX_NODE_LAG_BLOCKS = 30n

/** The highest confirmed block of each node. */
const heads = new Map<string, bigint>()

/**
 * Reads the state of channels at one block, in the order of `ids`. A channel that was never opened is all zeros.
 * @throws ChainFault when unreadable, or at a block that the node itself has not reached
 */
export async function readChannels(chain: Chain, ids: Hex[]): Promise<ChannelState[]> {
  const answers = await askTwo(
    chain,
    (node) => readStates(node, ids),
    (states) => states.map(({ block: _, ...state }) => state),
  )
  return lowest(answers, (states) => states[0]?.block ?? 0n)
}

async function readStates(chain: Chain, ids: Hex[]): Promise<ChannelState[]> {
  const [{ channelReads, decodeChannel }, { decoded }] = await Promise.all([
    import('./escrow.ts'),
    import('./node-client.ts'),
  ])
  const states: ChannelState[] = []
  for (let row = 0; row < ids.length; row += ROWS_PER_READ) {
    const some = ids.slice(row, row + ROWS_PER_READ)
    const calls = some.flatMap((id) => channelReads(chain.escrow, id))
    const { block, answers } = await readAt(chain, calls, states[0]?.block ?? 'latest')
    if (states.length === 0) await confirm(chain, block)
    for (let at = 0; at < some.length; at++)
      states.push(decoded(() => decodeChannel(answers.slice(at * 3, at * 3 + 3), block)))
  }
  return states
}

/**
 * Asks the node again when a block is far above the last known one. Trap: an account ignores states of older blocks, so
 * one block number that is too high would block all later reads.
 * @throws ChainFault when the node's own block number is lower
 */
async function confirm(chain: Chain, block: bigint): Promise<void> {
  const { rpcUrl } = chain
  const known = heads.get(rpcUrl)
  if (known !== undefined && block <= known + MAX_NODE_LAG_BLOCKS) return
  const [client, { faultOf, quantity }] = await Promise.all([connect(chain), import('./node-client.ts')])
  const head = await client.request({ method: 'eth_blockNumber' }).then(quantity, (thrown) => {
    throw faultOf(thrown)
  })
  if (block > head + MAX_NODE_LAG_BLOCKS)
    throw new ChainFault('unreachable', `the node answered for block ${block}, but its head is ${head}`)
  heads.set(rpcUrl, block)
}

/**
 * Reads the totals of a receiver: claimed from channels, and swept to its address. Atomic units.
 * @throws ChainFault when unreadable
 */
export async function readReceiver(
  chain: Chain,
  receiver: Address,
): Promise<{ claimed: bigint; swept: bigint; block: bigint }> {
  const [{ receiverRead, decodeReceiver }, { decoded }] = await Promise.all([
    import('./escrow.ts'),
    import('./node-client.ts'),
  ])
  const answers = await askTwo(
    chain,
    async (node) => {
      const { block, answers } = await readAt(node, [receiverRead(chain.escrow, receiver, chain.token)])
      return { ...decoded(() => decodeReceiver(answers[0] ?? '0x')), block }
    },
    ({ block: _, ...totals }) => totals,
  )
  return lowest(answers, ({ block }) => block)
}
