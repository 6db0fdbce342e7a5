/** Compares the facts that are known of a network with its chain: a wrong address would cost payers money. */
import { decodeFunctionResult, encodeFunctionData } from 'viem'
import { tokenSeparator } from '../protocol/evm/eip712.ts'
import type { Address, Hex } from '../protocol/evm/hex.ts'
import type { Network } from '../protocol/evm/network.ts'
import { parseAbi } from './abi.ts'
import { ChainFault } from './fault.ts'
import { MULTICALL } from './multicall.ts'
import { decoded, faultOf } from './node-client.ts'
import { type Chain, connect, readAt } from './rpc.ts'

const abi = parseAbi([
  'function decimals() view returns (uint8)',
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)',
])

const DECIMALS = 6

/**
 * Reads code, decimals and EIP-712 domains of the contracts at one network. Returns what differs, as phrases that follow the
 * network's name; none where all is as it must be. The escrow counts only where channels are offered.
 * @throws ChainFault when the chain cannot be read, or the node serves another one
 */
export async function differencesOn(chain: Chain, { usdc, hasEscrow }: Network): Promise<string[]> {
  const contracts: (readonly [name: string, address: Address])[] = [
    ['Multicall3', MULTICALL],
    ['USDC', chain.token],
    ...(hasEscrow
      ? ([
          ['the escrow', chain.escrow],
          ['the deposit collector', chain.collector],
        ] as const)
      : []),
  ]
  const codes = await Promise.all(contracts.map(([, address]) => codeAt(chain, address)))
  const bare = contracts.filter((_, at) => codes[at] === '0x')
  // A call to an address without code succeeds and answers nothing.
  if (bare.length > 0)
    return bare.map(([name, address]) => `must have ${name} at ${address}: the address is empty`)
  const read = (functionName: 'decimals' | 'DOMAIN_SEPARATOR' | 'eip712Domain', to: Address) => ({
    to,
    data: encodeFunctionData({ abi, functionName }),
  })
  const { answers } = await readAt(chain, [
    read('decimals', chain.token),
    read('DOMAIN_SEPARATOR', chain.token),
    ...(hasEscrow ? [read('eip712Domain', chain.escrow)] : []),
  ])
  return decoded(() => {
    const [decimals = '0x', separator = '0x', domain] = answers
    const places = decodeFunctionResult({ abi, functionName: 'decimals', data: decimals })
    return [
      ...(places === DECIMALS ? [] : [`must have USDC with ${DECIMALS} decimals, and has ${places}`]),
      ...(separator === tokenSeparator(usdc)
        ? []
        : [`must have USDC with the domain "${usdc.name}", version "${usdc.version}"`]),
      ...(domain && !isOurs(chain, domain)
        ? ['must have an escrow with the domain "x402 Batch Settlement", version "1"']
        : []),
    ]
  })
}

/** @throws ChainFault `wrong_chain` where a contract is not what it must be */
export async function assertNetwork(chain: Chain, network: Network): Promise<void> {
  const [first] = await differencesOn(chain, network)
  if (first) throw new ChainFault('wrong_chain', `${network.title} ${first}`)
}

/** The code at an address; `0x` for a wallet. @throws ChainFault when the chain cannot be read */
export async function codeAt(chain: Chain, address: Address): Promise<Hex> {
  const client = await connect(chain)
  return client.request({ method: 'eth_getCode', params: [address, 'latest'] }).catch((thrown) => {
    throw faultOf(thrown)
  })
}

function isOurs({ chainId, escrow }: Chain, data: Hex): boolean {
  const [, name, version, id, contract] = decodeFunctionResult({ abi, functionName: 'eip712Domain', data })
  return (
    name === 'x402 Batch Settlement' &&
    version === '1' &&
    id === BigInt(chainId) &&
    contract.toLowerCase() === escrow
  )
}
