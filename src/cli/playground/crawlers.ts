/** Misbehaving crawlers of the lab, run by a button against the stack that is running. */
import { generateKeyPairSync } from 'node:crypto'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { BEHAVIOURS } from '../../lab/crawlers/index.ts'
import { openKit } from '../../lab/crawlers/kit.ts'
import type { Address } from '../../protocol/evm/hex.ts'
import { CHAIN_ID, COLLECTOR, mintOn } from '../../testing/chain/chain.ts'
import type { StackFacts } from '../../testing/stack/stack.ts'
import { operatorClient } from '../demo/clients.ts'
import type { Result } from './calls.ts'
import { MISBEHAVING } from './misbehaving.ts'

const BALANCE = 1_000_000n

/**
 * Runs a crawler on a channel of its own, with a key that is made for it. All that it reads is `path` with queries, so that any
 * site has its pages. Null for a name without a button.
 */
export async function misbehave(stack: StackFacts, is: string, path: string): Promise<Result | null> {
  const known = MISBEHAVING.find((one) => one.is === is)
  if (!known) return null
  const privateKey = generatePrivateKey()
  const address = privateKeyToAddress(privateKey).toLowerCase() as Address
  const { url, rpc: rpcUrl, usdc, escrow } = stack
  await mintOn(rpcUrl, usdc, address, BALANCE)
  const { kit, tally } = await openKit(
    {
      is: known.is,
      pays: 'channel',
      seed: 1,
      name: 'playground',
      url: `${url}${path}?read=`,
      wallet: { address, privateKey },
      key: generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as JsonWebKey,
      rpcUrl,
      chain: { chainId: CHAIN_ID, usdc, escrow, collector: COLLECTOR },
    },
    // The clock here is the real one, and the runtime evicts at will.
    { advance: async () => {}, evict: async () => {}, dispute: async () => {} },
  )
  await BEHAVIOURS[known.is](kit)
  const { requests, byStatus, byReason, pages, delivered, account } = tally()
  const charged = account === null ? 0n : BigInt((await operatorClient(stack).tab(account)).charged)
  const stolen = delivered > charged ? delivered - charged : 0n
  return {
    requests,
    byStatus,
    byReason,
    pages,
    delivered: `${delivered}`,
    charged: `${charged}`,
    stolen: `${stolen}`,
  }
}
