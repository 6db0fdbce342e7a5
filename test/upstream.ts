/** The unmodified upstream clients, with their default settings and without our own code. */
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm'
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { createPublicClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'

type Fetch = typeof fetch

/** The networks that a client pays on. */
type Pattern = `eip155:${string}`

export type Payer = { privateKey: `0x${string}` }

function signerOf({ privateKey }: Payer, rpcUrl: string) {
  const chain = createPublicClient({ chain: baseSepolia, transport: http(rpcUrl) })
  return toClientEvmSigner(privateKeyToAccount(privateKey), chain)
}

/** A `fetch` that pays by `exact`. */
export function exactFetch(fetch: Fetch, payer: Payer, rpcUrl: string, network: Pattern = 'eip155:*'): Fetch {
  const client = new x402Client().register(network, new ExactEvmScheme(signerOf(payer, rpcUrl)))
  return wrapFetchWithPayment(fetch, client) as Fetch
}

/** A `fetch` that pays on a channel, and the scheme behind it, which can ask for a refund. */
export function channelFetch(fetch: Fetch, payer: Payer, rpcUrl: string, network: Pattern = 'eip155:*') {
  const scheme = new BatchSettlementEvmScheme(signerOf(payer, rpcUrl))
  const client = new x402Client().register(network, scheme)
  return { fetch: wrapFetchWithPayment(fetch, client) as Fetch, scheme }
}
