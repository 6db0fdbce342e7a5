/** The local chain of the worker that runs this test file. */
import { env } from 'cloudflare:workers'
import { inject } from 'vitest'
import type { TestChain } from '../chain.setup.ts'

export function chainHere(): TestChain {
  const chain = inject('chains').find(({ rpcUrl }) => rpcUrl === env.RPC_URL)
  if (!chain) throw new Error('a chain must run for this worker')
  return chain
}
