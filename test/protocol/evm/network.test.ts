import { getAddress } from 'viem'
import { base, baseSepolia } from 'viem/chains'
import { describe, expect, it } from 'vitest'
import { networks, networksV1 } from '../../../src/protocol/evm/network.ts'

describe('networks', () => {
  it.each([
    [base.id, 'base', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913', 'USD Coin'],
    [baseSepolia.id, 'base-sepolia', '0x036CbD53842c5426634e7929541eC2318f3dCF7e', 'USDC'],
  ])('lists USDC on chain %d, which v1 calls %s', (chainId, nameV1, address, name) => {
    const network = networks.get(`eip155:${chainId}`)
    expect(network?.usdc).toEqual({ chainId, address: address.toLowerCase(), name, version: '2' })
    expect(networksV1.get(nameV1)).toBe(network)
  })

  it('lists the escrow and its collector at their canonical addresses, in lower case', () => {
    for (const { escrow, collector, usdc } of networks.values()) {
      expect(getAddress(escrow)).toBe('0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003')
      expect(getAddress(collector)).toBe('0x4020806089470a89826cB9fB1f4059150b550004')
      for (const address of [escrow, collector, usdc.address]) expect(address).toBe(address.toLowerCase())
    }
  })
})
