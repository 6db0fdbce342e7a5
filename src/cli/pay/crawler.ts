/** Crawlers with a wallet: the unmodified `@x402` clients with their default settings, spend controls included. */
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm'
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { createPublicClient, type Hex, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'

/** A paid page. `transaction` is empty if the payment sent nothing to the chain. */
export type PaidPage = {
  body: string
  transaction: string
  /** The channel that paid, and the amount that this page added, in atomic units. Undefined for `exact`. */
  channel: { channelId: Hex; charged: bigint } | undefined
}

/**
 * Fetches a page and pays if the response is a 402.
 * @throws if the page is not served in the end
 */
export type PayingCrawler = (url: string) => Promise<PaidPage>

/** The User-Agent of both crawlers. */
export const USER_AGENT = 'ExampleBot/1.0 (+https://crawler.example)'

/** Sends a crawler’s requests. `fetch`, or what stands in its place. */
export type Send = (request: Request) => Promise<Response>

/** Pays for each page at once by a signed USDC transfer (x402 `exact`). */
export function payAtOnce(privateKey: Hex, rpc: string, send: Send = fetch): PayingCrawler {
  return crawl(new ExactEvmScheme(signerOf(privateKey, rpc)), send)
}

/** Deposits into escrow with its first page and pays for all pages by IOUs (x402 `batch-settlement`). */
export function payByVoucher(privateKey: Hex, rpc: string, send: Send = fetch): PayingCrawler {
  return crawl(new BatchSettlementEvmScheme(signerOf(privateKey, rpc)), send)
}

function signerOf(privateKey: Hex, rpc: string) {
  const chain = createPublicClient({ chain: baseSepolia, transport: http(rpc) })
  return toClientEvmSigner(privateKeyToAccount(privateKey), chain)
}

function crawl(scheme: ExactEvmScheme | BatchSettlementEvmScheme, send: Send): PayingCrawler {
  const client = new x402Client().register('eip155:*', scheme)
  const paying = wrapFetchWithPayment((input, init) => send(new Request(input, init)), client)
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
      channel: state && { channelId: state.channelId, charged: BigInt(String(extra?.chargedAmount)) },
    }
  }
}
