/** The key of an agent, and requests that it signs (RFC 9421) by the upstream client. */
import { createPrivateKey, sign } from 'node:crypto'
import { type SignerSync, signatureHeadersSync } from 'web-bot-auth'
import { type PublicJwk, thumbprint } from '../../src/identity/jwk.ts'
import { world } from '../world.ts'

/** How long a signature is valid: the longest that is accepted. */
export const VALID_SECONDS = 300

type Components = NonNullable<Parameters<typeof signatureHeadersSync>[2]['components']>

/** A commitment to one request. */
export const WHOLE: Components = [
  '@authority',
  '@method',
  '@target-uri',
  'signature-agent',
  'payment-signature',
]
/** A commitment to any one request of the site: only its nonce binds it. */
export const LOOSE: Components = ['@authority', 'signature-agent', 'payment-signature']
/** A request that promises nothing. */
export const READING: Components = ['@authority', '@method', '@target-uri', 'signature-agent']

/** DER of an Ed25519 private key in PKCS #8, before its seed (RFC 8410 §7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const NONCE_BYTES = 64

/** A key with the URL of its agent. */
export class Signer {
  readonly url: string
  readonly publicJwk: PublicJwk
  readonly privateJwk: JsonWebKey
  readonly #signer: SignerSync

  constructor(name: string, number: number) {
    this.url = `https://${name}.example`
    const seed = Buffer.alloc(32, 0xa0 + number)
    const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
    this.privateJwk = key.export({ format: 'jwk' }) as JsonWebKey
    this.publicJwk = { crv: 'Ed25519', kty: 'OKP', x: this.privateJwk.x ?? '' }
    this.#signer = {
      alg: 'ed25519',
      keyid: thumbprint(this.publicJwk),
      signSync: (text) => Uint8Array.from(sign(null, Buffer.from(text), key)),
    }
  }

  /** A fresh nonce. */
  nonce(): string {
    return Buffer.alloc(NONCE_BYTES, `${world().choices.number(`nonce ${this.url}`)}`).toString('base64')
  }

  /** The headers of a signed request. `payment`: the value of its `payment-signature`. */
  headers(
    url: string,
    components: Components,
    payment?: string,
    nonce = this.nonce(),
  ): Record<string, string> {
    const agent = { 'signature-agent': `"${this.url}"` }
    const headers = { ...agent, ...(payment && { 'payment-signature': payment }) }
    const created = new Date()
    const expires = new Date(created.getTime() + VALID_SECONDS * 1000)
    const made = signatureHeadersSync(new Request(url, { headers }), this.#signer, {
      created,
      expires,
      nonce,
      components,
    })
    return { ...agent, signature: made.Signature, 'signature-input': made['Signature-Input'] }
  }
}
