/** A crawler on credit: its key, the directory that lists it, and requests signed over all components that our 402 requires. */
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import * as v from 'valibot'
import { encodeHeader } from '../src/protocol/x402/header.ts'
import type { PaymentRequirements } from '../src/protocol/x402/types.ts'

/** The input of a signature: the agent, its key (PKCS #8, base64), and the commitment in the request. */
export const Signed = v.object({
  host: v.string(),
  keyId: v.string(),
  key: v.string(),
  payment: v.string(),
})

export type Signed = v.InferOutput<typeof Signed>

export type Crawler = Omit<Signed, 'payment'> & { publicKey: { kty: string; crv: string; x: string } }

const COVERED = ['@authority', '@method', '@target-uri', 'signature-agent', 'payment-signature']
const VALID_SECONDS = 120
/** As in the package web-bot-auth. */
const NONCE_BYTES = 64

export function newCrawler(host: string): Crawler {
  const { privateKey, publicKey: made } = generateKeyPairSync('ed25519')
  const { x = '' } = made.export({ format: 'jwk' })
  const publicKey = { kty: 'OKP', crv: 'Ed25519', x }
  // RFC 7638, RFC 8037: the members in order of their names.
  const { crv, kty } = publicKey
  const keyId = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url')
  const key = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
  return { host, keyId, key, publicKey }
}

/** `PAYMENT-SIGNATURE` of a commitment to an offer. */
export function commitTo(accepted: PaymentRequirements): string {
  const { amount, asset } = accepted
  return encodeHeader({ x402Version: 2, payload: { amount, asset }, accepted })
}

/** Signs a `GET` of `url` at the current time; each signature is unique (RFC 9421, Web Bot Auth). */
export function signer({ host, keyId, key, payment }: Signed, url: URL): () => Record<string, string> {
  const privateKey = createPrivateKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'pkcs8' })
  const agent = `"${host}"`
  const values = [url.host, 'GET', url.href, agent, payment]
  const lines = COVERED.map((name, at) => `"${name}": ${values[at]}\n`).join('')
  const covered = COVERED.map((name) => `"${name}"`).join(' ')
  return () => {
    const created = Math.floor(Date.now() / 1000)
    const nonce = randomBytes(NONCE_BYTES).toString('base64')
    const params = `(${covered});created=${created};expires=${created + VALID_SECONDS};keyid="${keyId}";nonce="${nonce}";tag="web-bot-auth"`
    const signature = sign(null, Buffer.from(`${lines}"@signature-params": ${params}`), privateKey)
    return {
      'signature-agent': agent,
      'payment-signature': payment,
      'signature-input': `sig1=${params}`,
      signature: `sig1=:${signature.toString('base64')}:`,
    }
  }
}
