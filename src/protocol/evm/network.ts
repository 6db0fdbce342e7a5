/** The supported networks: chain, stablecoin and escrow, by CAIP-2 id. */
import type { Address } from './hex.ts'

/** A token of a chain, with the fields of its EIP-712 domain. */
export type Token = { chainId: number; address: Address; name: string; version: string }

/** A chain on which payments settle, with its contracts. */
export type Network = {
  /** CAIP-2, the `network` of x402 v2. */
  id: string
  /** The `network` of x402 v1. */
  nameV1: string
  chainId: number
  usdc: Token
  /** x402BatchSettlement. */
  escrow: Address
  /** ERC3009DepositCollector, the `to` of a deposit's authorization. */
  collector: Address
}

const ESCROW = '0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003'
const COLLECTOR = '0x4020806089470a89826cb9fb1f4059150b550004'

function network(nameV1: string, chainId: number, usdc: Address, usdcName: string): Network {
  const token = { chainId, address: usdc, name: usdcName, version: '2' }
  return { id: `eip155:${chainId}`, nameV1, chainId, usdc: token, escrow: ESCROW, collector: COLLECTOR }
}

const ALL = [
  network('base', 8453, '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913', 'USD Coin'),
  network('base-sepolia', 84532, '0x036cbd53842c5426634e7929541ec2318f3dcf7e', 'USDC'),
]

/** Every network known here, by CAIP-2 id. */
export const networks: ReadonlyMap<string, Network> = new Map(ALL.map((known) => [known.id, known]))

/** The same, by the name x402 v1 has for it. */
export const networksV1: ReadonlyMap<string, Network> = new Map(ALL.map((known) => [known.nameV1, known]))
