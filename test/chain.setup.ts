/** Starts the local chains, one for each worker that runs test files at the same time, and provides their addresses. */
import { availableParallelism } from 'node:os'
import type { TestProject } from 'vitest/node'
import { type LocalChain, startChain } from '../src/testing/chain/chain.ts'
import { startRpcProxy } from '../src/testing/chain/rpc-proxy.ts'
import { startHooks } from './hooks.ts'

export type TestChain = Pick<LocalChain, 'rpcUrl' | 'accounts' | 'usdc' | 'escrow' | 'collector'> & {
  relayerKey: string
  receiver: string
  /** A proxy in front of the chain's node, see src/testing/chain/rpc-proxy.ts. */
  rpcProxy: string
}

declare module 'vitest' {
  interface ProvidedContext {
    chains: TestChain[]
    /** The receiver of webhooks, see test/hooks.ts. */
    hooks: string
  }
}

export default async function setup(project: TestProject) {
  const workers = Number(project.config.maxWorkers) || availableParallelism()
  const started = await Promise.all(Array.from({ length: workers }, start))
  project.provide(
    'chains',
    started.map(({ chain }) => chain),
  )
  const hooks = await startHooks()
  project.provide('hooks', hooks.url)
  return async () => {
    await hooks.stop()
    await Promise.all(started.map(({ stop }) => stop()))
  }
}

/** One chain. Its relayer's nonces belong to one Worker under test alone. */
async function start(): Promise<{ chain: TestChain; stop: () => Promise<void> }> {
  const local = await startChain({})
  const { rpcUrl, accounts, usdc, escrow, collector } = local
  // The last two accounts are kept for the Worker under test: its relayer and its receiver.
  const [relayer, receiver] = accounts.slice(-2)
  if (!relayer || !receiver) throw new Error('the local chain has too few accounts')
  const proxy = await startRpcProxy(rpcUrl)
  const chain: TestChain = {
    rpcUrl,
    usdc,
    escrow,
    collector,
    accounts: accounts.slice(0, -2),
    relayerKey: relayer.privateKey,
    receiver: receiver.address,
    rpcProxy: proxy.url,
  }
  const stop = async () => {
    await proxy.stop()
    await local.stop()
  }
  return { chain, stop }
}
