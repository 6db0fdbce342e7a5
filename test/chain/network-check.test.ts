/** The facts of a network against the contracts of the local chain. */
import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { Relayer } from '../../src/app/objects.ts'
import { differencesOn } from '../../src/chain/network-check.ts'
import { type Network, networks } from '../../src/protocol/evm/network.ts'
import { anOrder, chainAt, randomHex } from './harness.ts'
import { chainHere } from './here.ts'

const chain = chainAt(chainHere().rpcUrl)
const network = networks.get('eip155:84532') as Network

describe('differencesOn', () => {
  it('finds none where every contract is what it must be', async () => {
    expect(await differencesOn(chain, network)).toEqual([])
  })

  it('names each address without code', async () => {
    const [token, escrow] = [randomHex(20), randomHex(20)]
    expect(await differencesOn({ ...chain, token, escrow }, network)).toEqual([
      `must have USDC at ${token}: the address is empty`,
      `must have the escrow at ${escrow}: the address is empty`,
    ])
    const unescrowed = { ...network, hasEscrow: false }
    expect(await differencesOn({ ...chain, escrow }, unescrowed)).toEqual([])
  })

  it('finds a token that signs under another domain', async () => {
    const usdc = { ...network.usdc, name: 'USD Coin' }
    expect(await differencesOn(chain, { ...network, usdc })).toEqual([
      'must have USDC with the domain "USD Coin", version "2"',
    ])
  })

  it('rejects a node of another chain, and one that does not respond', async () => {
    await expect(differencesOn({ ...chain, chainId: 8453 }, network)).rejects.toThrow('wrong_chain')
    await expect(differencesOn({ ...chain, rpcUrl: 'http://127.0.0.1:1' }, network)).rejects.toThrow(
      'unreachable',
    )
  })
})

describe('Relayer of a network whose contracts differ', () => {
  it('sends nothing', async () => {
    const own = { ...env, NETWORK: 'eip155:8453' }
    const id = env.RELAYER.newUniqueId()
    const sent = runInDurableObject(env.RELAYER.get(id), (_, state) =>
      new Relayer(state, own).send(anOrder()),
    )
    await expect(sent).rejects.toThrow('wrong_chain')
  })
})
