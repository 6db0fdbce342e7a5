/** Starts the local chain once and provides its address to all test files. */
import type { TestProject } from 'vitest/node'
import { type LocalChain, startChain } from '../src/testing/chain/chain.ts'
import { startRpcProxy } from '../src/testing/chain/rpc-proxy.ts'

declare module 'vitest' {
  interface ProvidedContext {
    chain: Pick<LocalChain, 'rpcUrl' | 'accounts' | 'usdc' | 'escrow' | 'collector'> & {
      relayerKey: string
      receiver: string
    }
  }
}

export default async function setup(project: TestProject) {
  const chain = await startChain({})
  const { rpcUrl, accounts, usdc, escrow, collector } = chain
  // The last two accounts are the relayer and the receiver of the Worker under test.
  const [relayer, receiver] = accounts.slice(-2)
  if (!relayer || !receiver) throw new Error('the local chain has too few accounts')
  project.provide('chain', {
    rpcUrl,
    usdc,
    escrow,
    collector,
    accounts: accounts.slice(0, -2),
    relayerKey: relayer.privateKey,
    receiver: receiver.address,
  })
  const proxy = await startRpcProxy(rpcUrl)
  project.provide('rpcProxy', proxy.url)
  return async () => {
    await proxy.stop()
    await chain.stop()
  }
}
