/** A node, as init asks it: the wallet, the gas money and the USDC of an address. */
import { type Address, createPublicClient, http, parseAbi } from 'viem'
import type { Network } from '../../protocol/evm/network.ts'
import { CommandError } from '../command.ts'

const USDC = parseAbi(['function balanceOf(address) view returns (uint256)'])

/** Amounts in wei and in atomic units of USDC. */
export type NodeReader = {
  isContract(address: string): Promise<boolean>
  gasOf(address: string): Promise<bigint>
  usdcOf(address: string): Promise<bigint>
}

/**
 * Connects to a node of a network.
 * @throws CommandError if it serves another chain, or does not answer. The URL is not in the message: it may hold a key
 */
export async function nodeOf(rpcUrl: string, { chainId, title, usdc }: Network): Promise<NodeReader> {
  const client = createPublicClient({ transport: http(rpcUrl, { retryCount: 2, timeout: 10_000 }) })
  const served = await client.getChainId().catch(() => null)
  if (served === null) throw new CommandError('RPC_URL must be a node that answers.')
  if (served !== chainId)
    throw new CommandError(`RPC_URL must serve ${title} (${chainId}), and serves ${served}.`)
  return {
    isContract: async (address) => (await client.getCode({ address: address as Address })) !== undefined,
    gasOf: (address) => client.getBalance({ address: address as Address }),
    usdcOf: (address) =>
      client.readContract({
        address: usdc.address,
        abi: USDC,
        functionName: 'balanceOf',
        args: [address as Address],
      }),
  }
}
