/** Reads from the escrow's logs which payers have started to withdraw. */
import { numberToHex, toEventSelector } from 'viem'
import { type Hex, isHex } from '../protocol/evm/hex.ts'
import { ChainFault } from './fault.ts'
import { type Chain, connect } from './rpc.ts'

const INITIATED = toEventSelector('WithdrawInitiated(bytes32,uint128,uint40)')

/** The number of the newest block. @throws ChainFault when unreadable */
export async function readHead(chain: Chain): Promise<number> {
  const [client, { faultOf }] = await Promise.all([connect(chain), import('./node-client.ts')])
  const head = await client.request({ method: 'eth_blockNumber' }).catch((thrown) => {
    throw faultOf(thrown)
  })
  return Number(BigInt(head))
}

/**
 * The ids of channels whose payers started to withdraw in the blocks from `first` to `last`, each once. The contract is
 * shared, so they are channels of all receivers. A log is a hint: a reorganization may remove it, so read the channel.
 * @throws ChainFault when unreadable, or when the node does not permit that many blocks in one request
 */
export async function findWithdrawals(chain: Chain, first: number, last: number): Promise<Hex[]> {
  const [client, { faultOf }] = await Promise.all([connect(chain), import('./node-client.ts')])
  const [fromBlock, toBlock] = [numberToHex(first), numberToHex(last)]
  const filter = { address: chain.escrow, topics: [INITIATED], fromBlock, toBlock }
  // Without a second attempt: the caller asks for fewer blocks.
  const logs = await client
    .request({ method: 'eth_getLogs', params: [filter] }, { retryCount: 0 })
    .catch((thrown) => {
      throw faultOf(thrown)
    })
  if (!Array.isArray(logs))
    throw new ChainFault('unreachable', 'the node returned a list of logs that is not one')
  const ids = logs.map(({ topics }) => topics[1]?.toLowerCase())
  return [...new Set(ids.filter((id): id is Hex => id !== undefined && isHex(id, 32)))]
}
