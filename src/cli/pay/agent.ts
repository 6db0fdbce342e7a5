/** A crawler on credit: no wallet, but a name and a key. The npm package `web-bot-auth` signs its requests, `@x402/core` writes its IOUs. */
import {
  decodePaymentRequiredHeader,
  decodePaymentResponseHeader,
  encodePaymentSignatureHeader,
} from '@x402/core/http'
import type { PaymentRequirements } from '@x402/core/types'
import { signatureHeaders } from 'web-bot-auth'
import { signerFromJWK } from 'web-bot-auth/crypto'

/** Seconds that a signed request may be on its way. */
const VALID_S = 60

/** What an IOU covers: whom it is for, who makes it, which page is bought, and for how much. */
const COVERED: NonNullable<Parameters<typeof signatureHeaders>[2]['components']> = [
  '@authority',
  '@method',
  '@target-uri',
  'signature-agent',
  'payment-signature',
]

/** Served, or refused with the offers that are left. `charged` in micro-dollars. */
export type Answer =
  | { served: true; body: string; charged: bigint }
  | { served: false; error: string; offers: PaymentRequirements[] }

export type Agent = {
  /** Where it says that it comes from. */
  url: string
  publicKey: JsonWebKey
  /** Asks for a page and signs for what it costs. Throws for any answer but a page and a 402. */
  read(page: string): Promise<Answer>
}

/** A crawler of that name and host, with this private key or a new one. */
export async function newAgent(name: string, host: string, key?: JsonWebKey): Promise<Agent> {
  const privateKey = key ?? (await newKey())
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
    const expires = new Date(created.getTime() + VALID_S * 1000)
    const made = await signatureHeaders(request, signer, { created, expires, components: COVERED })
    request.headers.set('signature', made.Signature)
    request.headers.set('signature-input', made['Signature-Input'])
    return fetch(request)
  }

  return {
    url: `https://${host}`,
    publicKey: { kty, crv, x } as JsonWebKey,
    async read(page) {
      if (!offer) {
        const { offers } = await refusal(await fetch(page, { headers: named }))
        offer = offers.find(({ network }) => network.endsWith(':402'))
        if (!offer) throw new Error(`${page} is not sold on credit`)
      }
      const response = await signed(page, offer)
      if (!response.ok) return { served: false, ...(await refusal(response)) }
      const receipt = decodePaymentResponseHeader(response.headers.get('payment-response') ?? '')
      return { served: true, body: await response.text(), charged: BigInt(receipt.amount ?? 0) }
    },
  }
}

async function newKey(): Promise<JsonWebKey> {
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
