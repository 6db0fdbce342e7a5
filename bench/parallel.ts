/** Counts how many of 16 concurrent requests on one channel our server and the upstream server serve. */

import { x402Facilitator } from '@x402/core/facilitator'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { BatchSettlementEvmScheme as FacilitatorScheme } from '@x402/evm/batch-settlement/facilitator'
import { BatchSettlementEvmScheme as ServerScheme } from '@x402/evm/batch-settlement/server'
import { paymentMiddleware, x402ResourceServer } from '@x402/hono'
import { Hono } from 'hono'
import { createWalletClient, http, publicActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'
import { channelFetch } from '../test/upstream.ts'
import { startWorker } from './runtime.ts'
import { NETWORK, PRICE, payerOf, type Stage } from './stage.ts'

export const AT_ONCE = 16

export type Parallel = { ours: number; upstream: number }

export async function parallel(stage: Stage): Promise<Parallel> {
  const worker = await startWorker({
    main: 'bench/workers/paywall.ts',
    vars: { ...stage.vars, ORIGIN: 'self' },
  })
  try {
    return {
      ours: await served(stage, 2, fetch, worker.url),
      upstream: await served(stage, 3, peer(stage), new URL('http://peer.test/')),
    }
  } finally {
    await worker.stop()
  }
}

/** Opens the channel with one request, then sends all others at once. */
async function served(stage: Stage, index: number, site: typeof fetch, url: URL): Promise<number> {
  const { fetch: paying } = channelFetch(site, payerOf(stage, index), stage.chain.rpcUrl)
  const ask = async (name: string) => {
    const response = await paying(new URL(`/articles/${name}`, url))
    await response.arrayBuffer()
    return response.status
  }
  const first = await ask('first')
  if (first !== 200) throw new Error(`the first request of a channel failed with ${first}`)
  const asked = Array.from({ length: AT_ONCE }, (_, at) => ask(`${at}`).catch(() => 0))
  return (await Promise.all(asked)).filter((status) => status === 200).length
}

/** The upstream server with the upstream facilitator, in this process and on the same chain. */
function peer({ chain, relayer, receiver }: Stage): typeof fetch {
  const account = privateKeyToAccount(relayer.privateKey)
  const client = createWalletClient({ account, chain: baseSepolia, transport: http(chain.rpcUrl) }).extend(
    publicActions,
  )
  const signer = toFacilitatorEvmSigner({
    ...(client as unknown as Parameters<typeof toFacilitatorEvmSigner>[0]),
    address: account.address,
  })
  const facilitator = new x402Facilitator().register(NETWORK, new FacilitatorScheme(signer, account))
  const server = new x402ResourceServer({
    verify: (payload, requirements) => facilitator.verify(payload, requirements),
    settle: (payload, requirements) => facilitator.settle(payload, requirements),
    getSupported: async () => facilitator.getSupported() as never,
  }).register(NETWORK, new ServerScheme(receiver.address))
  const accepts = {
    scheme: 'batch-settlement',
    price: `$${PRICE}`,
    network: NETWORK,
    payTo: receiver.address,
  } as const
  const app = new Hono()
  app.use('/articles/*', paymentMiddleware({ '/articles/*': { accepts } }, server))
  app.get('/articles/:name', (context) => context.text('An article.\n'))
  return async (input, init) => app.fetch(new Request(input, init))
}
