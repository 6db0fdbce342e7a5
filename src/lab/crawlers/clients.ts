/** The unmodified upstream clients, with default settings: a payment by each scheme, sent or only signed. */
import {
  decodePaymentRequiredHeader,
  decodePaymentSignatureHeader,
  encodePaymentSignatureHeader,
} from '@x402/core/http'
import type { PaymentRequirements } from '@x402/core/types'
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm'
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { createPublicClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'
import type { Kit, Setup, SignedRequest } from './crawler.ts'

/** The User-Agent of the lab’s crawlers. */
export const LAB_AGENT = 'LabBot/1.0 (+https://crawler.example)'

/** How long a signature on credit is valid. */
const VALID_SECONDS = 60

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** A paying client. Every request goes through the `fetch` that it was made with. */
export type PayingClient = {
  /** Asks for a page and pays as the 402 demands. */
  buy(path: string): Promise<Response>
  /** Signs the payment for a page, without sending it. @throws unless the page is sold by this scheme */
  sign(path: string): Promise<SignedRequest>
}

/** Makes the client of a crawler. `signAs`: see {@link requestSigner}. */
export async function openClient(setup: Setup, send: Fetch, signAs: Kit['signAs']): Promise<PayingClient> {
  if (setup.pays === 'credit') return creditClient(setup, send, signAs)
  return walletClient(setup, send)
}

/** The price that a payment header accepts, in micro-dollars; null if it is none of ours. */
export function acceptedPrice(header: string): bigint | null {
  try {
    return BigInt(decodePaymentSignatureHeader(header).accepted.amount)
  } catch {
    return null
  }
}

/** The proof in a payment header, however its terms are spelled: the voucher of a channel, or else its payload. */
export function proofOf(header: string): string {
  try {
    const { payload } = decodePaymentSignatureHeader(header)
    return JSON.stringify(payload.voucher ?? payload)
  } catch {
    return header
  }
}

/** A payment that was signed and held back. */
class Held extends Error {
  readonly request: Request

  constructor(request: Request) {
    super('held back')
    this.request = request
  }
}

/** The wallet of a crawler, for the upstream clients. */
export function signerOf({ wallet, rpcUrl }: Pick<Setup, 'wallet' | 'rpcUrl'>) {
  const chain = createPublicClient({ chain: baseSepolia, transport: http(rpcUrl) })
  return toClientEvmSigner(privateKeyToAccount(wallet.privateKey), chain)
}

function walletClient(setup: Setup, send: Fetch): PayingClient {
  const { pays, url } = setup
  const signer = signerOf(setup)
  const scheme = pays === 'exact' ? new ExactEvmScheme(signer) : new BatchSettlementEvmScheme(signer)
  // One client, so that both know the channel's total.
  const client = new x402Client().register('eip155:*', scheme)
  const pay = wrapFetchWithPayment(send as typeof fetch, client)
  const hold = wrapFetchWithPayment(
    (async (input, init) => {
      const request = new Request(input, init)
      if (request.headers.has('payment-signature')) throw new Held(request)
      return send(request)
    }) as typeof fetch,
    client,
  )
  const init = { headers: { 'user-agent': LAB_AGENT } }
  const at = (path: string) => (path.startsWith('http') ? path : `${url}${path}`)
  let hasBought = pays === 'exact'
  return {
    async buy(path) {
      const answer = await pay(at(path), init)
      hasBought = true
      return answer
    },
    async sign(path) {
      // The total must be known, or the payment is a deposit.
      if (!hasBought) await pay(`${url}/before`, init)
      hasBought = true
      const held = await hold(at(path), init).catch((thrown: unknown) => thrown)
      if (!(held instanceof Held)) throw new Error(`${path} must be sold by ${pays}`, { cause: held })
      const { method, headers } = held.request
      return { url: held.request.url, method, headers: Object.fromEntries(headers) }
    },
  }
}

/** All that an IOU must cover: the site, the page, the crawler and the amount. It cannot serve for anything else. */
const COVERED = ['@authority', '@method', '@target-uri', 'signature-agent', 'payment-signature']

/** Signs requests by RFC 9421 as one crawler. */
export async function requestSigner({ name, key }: Pick<Setup, 'name' | 'key'>): Promise<Kit['signAs']> {
  const [{ signatureHeaders }, { signerFromJWK }] = await Promise.all([
    import('web-bot-auth'),
    import('web-bot-auth/crypto'),
  ])
  const signer = await signerFromJWK(key)
  const named = { 'user-agent': LAB_AGENT, 'signature-agent': `"https://${name}.example"` }
  return async (request, signing = {}) => {
    const { created = Math.floor(Date.now() / 1000), components = COVERED, nonce } = signing
    const { expires = created + VALID_SECONDS } = signing
    const all: Record<string, string> = { ...named, ...request.headers }
    const { signature: _, 'signature-input': __, ...headers } = all
    const { url, method } = request
    const made = await signatureHeaders(new Request(url, { method, headers }), signer, {
      created: new Date(created * 1000),
      expires: new Date(expires * 1000),
      ...(nonce !== undefined && { nonce }),
      components: [...components] as NonNullable<Parameters<typeof signatureHeaders>[2]['components']>,
    })
    return {
      url,
      method,
      headers: { ...headers, signature: made.Signature, 'signature-input': made['Signature-Input'] },
    }
  }
}

async function creditClient({ name, url }: Setup, send: Fetch, signAs: Kit['signAs']): Promise<PayingClient> {
  const named = { 'user-agent': LAB_AGENT, 'signature-agent': `"https://${name}.example"` }
  const offers = new Map<string, PaymentRequirements>()

  async function offerOf(path: string): Promise<PaymentRequirements | Response> {
    const known = offers.get(path)
    if (known) return known
    const answer = await send(`${url}${path}`, { headers: named })
    const { accepts } = decodePaymentRequiredHeader(answer.headers.get('payment-required') ?? '')
    const offer = accepts.find(({ network }) => network.endsWith(':402'))
    if (!offer) return answer
    offers.set(path, offer)
    return offer
  }

  function signed(path: string, accepted: PaymentRequirements): Promise<SignedRequest> {
    const { amount, asset } = accepted
    const payment = encodePaymentSignatureHeader({ x402Version: 2, accepted, payload: { amount, asset } })
    return signAs({ url: `${url}${path}`, method: 'GET', headers: { 'payment-signature': payment } })
  }

  return {
    async buy(path) {
      const offer = await offerOf(path)
      if (offer instanceof Response) return offer
      const { url: target, headers } = await signed(path, offer)
      return send(target, { headers })
    },
    async sign(path) {
      const offer = await offerOf(path)
      if (offer instanceof Response) throw new Error(`${path} must be sold on credit`)
      return signed(path, offer)
    },
  }
}
