/** Crawlers that pay: the unmodified `@x402` clients with their default settings, spend controls included. */
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm'
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { createPublicClient, type Hex, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'

/** A page that was paid for. `transaction` is empty when nothing went to the chain. */
export type Bought = {
  body: string
  transaction: string
  /** The tab after this page, when there is one: its channel and, in atomic units, what this page added to it. */
  tab: { channelId: Hex; charged: bigint } | undefined
}

/** Fetches a page and pays for it when asked to. Throws when it is not served. */
export type Crawler = (url: string) => Promise<Bought>

export const USER_AGENT = 'ExampleBot/1.0 (+https://crawler.example)'

/** Pays for each page at once, by a signed USDC transfer (x402 `exact`). */
export function payAtOnce(privateKey: Hex, rpc: string): Crawler {
  return crawl(new ExactEvmScheme(signerOf(privateKey, rpc)))
}

/** Puts a deposit into escrow with its first page, and pays for the rest by IOUs (x402 `batch-settlement`). */
export function runATab(privateKey: Hex, rpc: string): Crawler {
  return crawl(new BatchSettlementEvmScheme(signerOf(privateKey, rpc)))
}

function signerOf(privateKey: Hex, rpc: string) {
  const chain = createPublicClient({ chain: baseSepolia, transport: http(rpc) })
  return toClientEvmSigner(privateKeyToAccount(privateKey), chain)
}

function crawl(scheme: ExactEvmScheme | BatchSettlementEvmScheme): Crawler {
  const client = new x402Client().register('eip155:*', scheme)
  const paying = wrapFetchWithPayment(fetch, client)
  return async (url) => {
    const response = await paying(url, { headers: { 'user-agent': USER_AGENT } })
    const body = await response.text()
    const header = response.headers.get('payment-response')
    if (!response.ok || header === null) throw new Error(`${url} was not served: ${response.status} ${body}`)
    const { transaction, extra } = decodePaymentResponseHeader(header)
    const state = extra?.channelState as { channelId: Hex } | undefined
    return {
      body,
      transaction,
      tab: state && { channelId: state.channelId, charged: BigInt(String(extra?.chargedAmount)) },
    }
  }
}
