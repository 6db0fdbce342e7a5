/** The table of networks against the facts that the upstream packages and viem know. */
import { DEFAULT_ASSETS } from '@x402/evm'
import { EVM_NETWORK_CHAIN_ID_MAP } from '@x402/evm/v1'
import { arbitrum, avalanche, base, baseSepolia, mainnet, polygon } from 'viem/chains'
import { describe, expect, it } from 'vitest'
import { networks } from '../../../src/protocol/evm/network.ts'

const CHAINS = [arbitrum, avalanche, base, baseSepolia, mainnet, polygon]

describe('Known network', () => {
  it.each([...networks.values()])('$title has the USDC that upstream clients pay with', ({ id, usdc }) => {
    const [, assets] = Object.entries(DEFAULT_ASSETS).find(([known]) => known === id) ?? []
    expect(assets?.map(({ asset, ...known }) => ({ ...known, asset: asset.toLowerCase() }))).toContainEqual(
      expect.objectContaining({ asset: usdc.address, name: usdc.name, version: usdc.version, decimals: 6 }),
    )
  })

  it.each([...networks.values()])('$title has the native token that viem knows', ({ chainId, native }) => {
    expect(CHAINS.find(({ id }) => id === chainId)?.nativeCurrency.symbol).toBe(native)
  })

  it('has the name of v1 that upstream facilitators read', () => {
    const names = [...networks.values()].flatMap(({ nameV1, chainId }) => (nameV1 ? [[nameV1, chainId]] : []))
    expect(EVM_NETWORK_CHAIN_ID_MAP).toMatchObject(Object.fromEntries(names))
  })
})
