/** A crawler on credit, with a name and a key but no wallet: `web-bot-auth` signs requests, `@x402/core` encodes IOUs. */
import {
  decodePaymentRequiredHeader,
  decodePaymentResponseHeader,
  encodePaymentSignatureHeader,
} from '@x402/core/http'
import type { PaymentRequirements } from '@x402/core/types'
import { signatureHeaders } from 'web-bot-auth'
import { signerFromJWK } from 'web-bot-auth/crypto'

/** A signature expires after this time. */
const VALID_SECONDS = 60

/** An IOU covers the site, the page, the crawler and the amount, so a signature cannot serve for anything else. */
const COVERED: NonNullable<Parameters<typeof signatureHeaders>[2]['components']> = [
  '@authority',
  '@method',
  '@target-uri',
  'signature-agent',
  'payment-signature',
]

/** A page with the amount charged in micro-dollars, or a refusal with the offers that remain. */
export type CreditAnswer =
  | { served: true; body: string; charged: bigint }
  | { served: false; error: string; offers: PaymentRequirements[] }

/** A crawler that signs its requests. */
export type SigningCrawler = {
  /** The `Signature-Agent` that it claims. */
  url: string
  publicKey: JsonWebKey
  /**
   * Requests a page with an IOU for its price.
   * @throws for any response but a page and a 402
   */
  read(page: string): Promise<CreditAnswer>
}

/** Makes a crawler of that name and host, with this private Ed25519 key or a new one. `send`: in place of `fetch`. */
export async function signingCrawler(
  name: string,
  host: string,
  key?: JsonWebKey,
  send: (request: Request) => Promise<Response> = fetch,
): Promise<SigningCrawler> {
  const privateKey = key ?? (await newAgentKey())
  const { kty, crv, x } = privateKey
  const signer = await signerFromJWK(privateKey)
  const named = { 'user-agent': `${name}/1.0 (+https://${host})`, 'signature-agent': `"https://${host}"` }
  let offer: PaymentRequirements | undefined

  async function signed(page: string, iou: PaymentRequirements): Promise<Response> {
    const { amount, asset } = iou
    const payment = encodePaymentSignatureHeader({
      x402Version: 2,
      accepted: iou,
      payload: { amount, asset },
    })
    const request = new Request(page, { headers: { ...named, 'payment-signature': payment } })
    const created = new Date()
    const expires = new Date(created.getTime() + VALID_SECONDS * 1000)
    const made = await signatureHeaders(request, signer, { created, expires, components: COVERED })
    request.headers.set('signature', made.Signature)
    request.headers.set('signature-input', made['Signature-Input'])
    return send(request)
  }

  return {
    url: `https://${host}`,
    publicKey: { kty, crv, x } as JsonWebKey,
    async read(page) {
      if (!offer) {
        const { offers } = await refusal(await send(new Request(page, { headers: named })))
        offer = offers.find(({ network }) => network.endsWith(':402'))
        if (!offer) throw new Error(`${page} must be sold on credit`)
      }
      const response = await signed(page, offer)
      if (!response.ok) return { served: false, ...(await refusal(response)) }
      const receipt = decodePaymentResponseHeader(response.headers.get('payment-response') ?? '')
      return { served: true, body: await response.text(), charged: BigInt(receipt.amount ?? 0) }
    },
  }
}

/** Makes a private Ed25519 key. */
export async function newAgentKey(): Promise<JsonWebKey> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  return (await crypto.subtle.exportKey('jwk', pair.privateKey)) as JsonWebKey
}

async function refusal(response: Response): Promise<{ error: string; offers: PaymentRequirements[] }> {
  const body = await response.text()
  const header = response.headers.get('payment-required')
  if (response.status !== 402 || header === null)
    throw new Error(`${response.url}: ${response.status} ${body}`)
  const { error = '', accepts } = decodePaymentRequiredHeader(header)
  return { error, offers: accepts }
}
