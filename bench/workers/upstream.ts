/** The peer: the upstream middleware and its batch-settlement server in one isolate, in memory only. */

import type { FacilitatorClient } from '@x402/core/server'
import { BatchSettlementEvmScheme, InMemoryChannelStorage } from '@x402/evm/batch-settlement/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { type Network, paymentMiddleware, x402ResourceServer } from '@x402/hono'
import { Hono } from 'hono'

type Env = { RECEIVER: `0x${string}`; NETWORK: Network; AUTHORIZER: `0x${string}`; PRICE: string }

/** A channel in the peer's storage. */
type Channel = NonNullable<Awaited<ReturnType<InMemoryChannelStorage['get']>>>

/** A year, so that channels stay fresh and the peer verifies vouchers without its facilitator. */
const FRESH_MS = 31_536_000_000

let app: Hono | undefined

export default {
  fetch(request, env) {
    app ??= build(env)
    return app.fetch(request)
  },
} satisfies ExportedHandler<Env>

function build({ RECEIVER, NETWORK, AUTHORIZER, PRICE }: Env): Hono {
  const storage = new InMemoryChannelStorage()
  const scheme = new BatchSettlementEvmScheme(RECEIVER, { storage, onchainStateTtlMs: FRESH_MS })
  const server = new x402ResourceServer(facilitator(NETWORK, AUTHORIZER))
    .register(NETWORK, scheme)
    .register(NETWORK, new ExactEvmScheme())
  // The same two offers as the paywall.
  const accepts = ['batch-settlement', 'exact'].map((scheme) => ({
    scheme,
    price: `$${PRICE}`,
    network: NETWORK,
    payTo: RECEIVER,
  }))
  const app = new Hono()
  app.post('/channels', async (context) => {
    for (const channel of await context.req.json<Channel[]>()) {
      await storage.updateChannel(channel.channelId, () => ({ ...channel, onchainSyncedAt: Date.now() }))
    }
    return context.body(null, 204)
  })
  app.use('/articles/*', paymentMiddleware({ '/articles/*': { accepts } }, server))
  app.get('/articles/:name', (context) => context.text('An article.\n'))
  return app
}

/** Rejects verify and settle calls, which seeded channels do not need. */
function facilitator(network: Network, receiverAuthorizer: string): FacilitatorClient {
  const unused = async () => {
    throw new Error('the peer must not call its facilitator')
  }
  const kinds = [
    { x402Version: 2, scheme: 'batch-settlement', network, extra: { receiverAuthorizer } },
    { x402Version: 2, scheme: 'exact', network },
  ]
  return {
    verify: unused,
    settle: unused,
    getSupported: async () => ({ kinds, extensions: [], signers: {} }),
  }
}
