/** Reading a chain: the check that it is the right one, and many reads at one block. Light: viem is loaded at first use. */
import type { ChannelState } from '../protocol/evm/channel.ts'
import type { Address, Hex } from '../protocol/evm/hex.ts'
import { ChainFault } from './fault.ts'
import type { Client } from './node-client.ts'

/** Where payments are settled. */
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

export type Call = { to: Address; data: Hex }

/** Answers to {@link readAt}, all of one block; `time` is its timestamp in Unix seconds. */
export type Snapshot = { block: bigint; time: bigint; answers: Hex[] }

/** Which state is read: `finalized` can never be taken back. */
export type Tag = 'latest' | 'finalized' | bigint

// 3 calls for each of 100 rows are some 60 kB of calldata, well inside what nodes take.
const ROWS_PER_READ = 100

/** Blocks by which the nodes behind one address may differ: a minute on Base. */
const APART = 30n

const checked = new Set<string>()

/** By node, the highest block that it has said twice. */
const heads = new Map<string, bigint>()

/**
 * The client of a chain, once its node has said that it is that chain. Only the verdict is kept between requests, never a
 * pending check: Workers must not wait for another request's I/O.
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
    throw new ChainFault('wrong_chain', `the node speaks for chain ${BigInt(answer)}, not ${chain.chainId}`)
  }
  checked.add(verdict)
  return client
}

/**
 * Any number of reads in one round trip, all at one block.
 * @throws ChainFault when the chain cannot be read, or any of the calls reverts
 */
export async function readAt(chain: Chain, calls: Call[], tag: Tag = 'latest'): Promise<Snapshot> {
  const [client, { faultOf }, { encodeReads, decodeReads, MULTICALL }] = await Promise.all([
    connect(chain),
    import('./node-client.ts'),
    import('./multicall.ts'),
  ])
  const block = typeof tag === 'bigint' ? (`0x${tag.toString(16)}` as const) : tag
  try {
    const params = [{ to: MULTICALL, data: encodeReads(calls) }, block] as const
    return decodeReads(await client.request({ method: 'eth_call', params: [...params] }))
  } catch (thrown) {
    throw faultOf(thrown)
  }
}

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
