/** The supported networks: chain, stablecoin and escrow, by CAIP-2 id. */
import type { Address } from './hex.ts'

/** A token of a chain, with the fields of its EIP-712 domain. */
export type Token = { chainId: number; address: Address; name: string; version: string }

/** A chain on which payments settle, with its contracts. */
export type Network = {
  /** CAIP-2, the `network` of x402 v2. */
  id: string
  /** The `network` of x402 v1; null where v1 lacks it. */
  nameV1: string | null
  /** For people. */
  title: string
  chainId: number
  usdc: Token
  /** x402BatchSettlement. */
  escrow: Address
  /** ERC3009DepositCollector, the `to` of a deposit's authorization. */
  collector: Address
  /** Whether escrow and collector are known to stand there. Without them nothing but `exact` is offered. */
  hasEscrow: boolean
  /** The token that pays for gas. Prices and budgets in it mean the same on networks that share it. */
  native: 'ETH' | 'POL' | 'AVAX'
}

// The same on every chain: both are deployed by CREATE2.
const ESCROW = '0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003'
const COLLECTOR = '0x4020806089470a89826cb9fb1f4059150b550004'

/** The facts that differ between networks. USDC has version 2 of its domain on all of them. */
type Row = Pick<Network, 'title' | 'nameV1' | 'native'> & {
  usdc: Address
  usdcName?: string
  hasEscrow?: boolean
}

function network(chainId: number, { usdc, usdcName = 'USD Coin', hasEscrow = true, ...row }: Row): Network {
  const token = { chainId, address: usdc, name: usdcName, version: '2' }
  return {
    id: `eip155:${chainId}`,
    chainId,
    usdc: token,
    escrow: ESCROW,
    collector: COLLECTOR,
    hasEscrow,
    ...row,
  }
}

const ALL = [
  network(8453, {
    title: 'Base',
    nameV1: 'base',
    native: 'ETH',
    usdc: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
  }),
  network(84532, {
    title: 'Base Sepolia',
    nameV1: 'base-sepolia',
    native: 'ETH',
    usdc: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    usdcName: 'USDC',
  }),
  network(137, {
    title: 'Polygon',
    nameV1: 'polygon',
    native: 'POL',
    usdc: '0x3c499c542cef5e3811e1192ce70d8cc03d5c3359',
  }),
  network(42161, {
    title: 'Arbitrum',
    nameV1: null,
    native: 'ETH',
    usdc: '0xaf88d065e77c8cc2239327c5edb3a432268e5831',
  }),
  network(43114, {
    title: 'Avalanche',
    nameV1: 'avalanche',
    native: 'AVAX',
    usdc: '0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e',
  }),
  network(1, {
    title: 'Ethereum',
    nameV1: null,
    native: 'ETH',
    usdc: '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48',
    hasEscrow: false,
  }),
]

/** Every network known here, by CAIP-2 id. */
export const networks: ReadonlyMap<string, Network> = new Map(ALL.map((known) => [known.id, known]))

/** The same, by the name x402 v1 has for it. */
export const networksV1: ReadonlyMap<string, Network> = new Map(
  ALL.flatMap((known) => (known.nameV1 === null ? [] : [[known.nameV1, known]])),
)
