/** Opens a channel with the upstream client, and signs its vouchers ahead. */
import { randomBytes } from 'node:crypto'
import {
  decodePaymentRequiredHeader,
  decodePaymentResponseHeader,
  decodePaymentSignatureHeader,
  encodePaymentSignatureHeader,
} from '@x402/core/http'
import { toClientEvmSigner } from '@x402/evm'
import { BatchSettlementEvmScheme, signVoucher } from '@x402/evm/batch-settlement/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { createPublicClient, type Hex, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'
import { USER_AGENT } from '../pay/crawler.ts'

/** A request that pays. `total`: the channel’s total with it, in atomic units. */
export type SignedAhead = { total: bigint; headers: Record<string, string> }

type Wanted = { url: string; privateKey: Hex; rpcUrl: string; count: number }
type Config = Record<string, unknown>

/**
 * Buys the page once, on a new channel whose deposit covers `count` more pages, and signs those in ascending order.
 * @throws unless the page is sold on a channel and served
 */
export async function signAhead({ url, privateKey, rpcUrl, count }: Wanted): Promise<SignedAhead[]> {
  const chain = createPublicClient({ chain: baseSepolia, transport: http(rpcUrl) })
  const signer = toClientEvmSigner(privateKeyToAccount(privateKey), chain)
  const pages = BigInt(count + 1)
  const scheme = new BatchSettlementEvmScheme(signer, {
    salt: `0x${randomBytes(32).toString('hex')}`,
    // The client takes a multiplier from 3. The strategy below sets the deposit.
    depositPolicy: { depositMultiplier: Math.max(3, count + 1) },
    depositStrategy: ({ requestAmount, paymentRequirements: { extra } }) => {
      const [all, least] = [BigInt(requestAmount) * pages, BigInt(String(extra?.minDeposit ?? 0))]
      return all > least ? all : least
    },
  })
  let sent = ''
  const kept = (async (input, init) => {
    const request = new Request(input, init)
    sent = request.headers.get('payment-signature') ?? sent
    return fetch(request)
  }) as typeof fetch
  const pay = wrapFetchWithPayment(kept, new x402Client().register('eip155:*', scheme))
  const answer = await pay(url, { headers: { 'user-agent': USER_AGENT } })
  const receipt = answer.headers.get('payment-response')
  const state = receipt && (decodePaymentResponseHeader(receipt).extra?.channelState as Config | undefined)
  if (!answer.ok || !state)
    throw new Error(`URL must be sold on a channel, and was answered ${answer.status} ${reasonOf(answer)}.`)
  const payment = decodePaymentSignatureHeader(sent)
  const { channelConfig } = payment.payload as { channelConfig: Config }
  const { amount, network } = payment.accepted
  const [price, charged] = [BigInt(amount), BigInt(String(state.chargedCumulativeAmount))]
  const signed: SignedAhead[] = []
  for (let page = 1n; page < pages; page++) {
    const total = charged + price * page
    const voucher = await signVoucher(signer, state.channelId as Hex, `${total}`, network)
    const payload = { type: 'voucher', channelConfig, voucher }
    const header = encodePaymentSignatureHeader({ ...payment, payload })
    signed.push({ total, headers: { 'user-agent': USER_AGENT, 'payment-signature': header } })
  }
  return signed
}

function reasonOf({ headers }: Response): string {
  const required = headers.get('payment-required')
  return (required && decodePaymentRequiredHeader(required).error) || ''
}
