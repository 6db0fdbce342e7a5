/** The operator's key: signs statements, and makes the secrets that open one invoice. */
import { thumbprint } from '../identity/jwk.ts'
import { encodeBase64url } from '../protocol/encoding/base64url.ts'
import type { PublicKey } from '../protocol/statement.ts'

/** Ed25519, as `OPERATOR_KEY` has it. */
export type OperatorKey = { kty: 'OKP'; crv: 'Ed25519'; x: string; d: string }

export type Seal = {
  keyId: string
  /** What is published under `/_tab402/keys`. */
  publicKey: PublicKey
  /** Base64url. The same text has the same signature. */
  sign(text: string): Promise<string>
  /** Base64url. A secret that only this key can tell for `purpose`. */
  secret(purpose: string): Promise<string>
}

const encoder = new TextEncoder()

/** @throws DataError when the key is none, RangeError when it is no pair */
export async function openSeal({ kty, crv, x, d }: OperatorKey): Promise<Seal> {
  const signing = await crypto.subtle.importKey('jwk', { kty, crv, x, d }, 'Ed25519', false, ['sign'])
  // The private key is no secret for MACs as it stands: a label keeps the two uses apart.
  const material = await crypto.subtle.digest('SHA-256', encoder.encode(`tab402 secrets ${d}`))
  const mac = await crypto.subtle.importKey('raw', material, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  const keyId = thumbprint({ crv, kty, x })
  await prove(signing, { kty, crv, x })
  return {
    keyId,
    publicKey: { kty, crv, x, kid: keyId },
    sign: async (text) => encoded(await crypto.subtle.sign('Ed25519', signing, encoder.encode(text))),
    secret: async (purpose) => encoded(await crypto.subtle.sign('HMAC', mac, encoder.encode(purpose))),
  }
}

function encoded(bytes: ArrayBuffer): string {
  return encodeBase64url(new Uint8Array(bytes))
}

/** With the public half of another key nothing that is signed could ever be verified. @throws RangeError */
async function prove(signing: CryptoKey, published: JsonWebKey): Promise<void> {
  const text = encoder.encode('tab402')
  const [signature, key] = await Promise.all([
    crypto.subtle.sign('Ed25519', signing, text),
    crypto.subtle.importKey('jwk', published, 'Ed25519', false, ['verify']),
  ])
  if (await crypto.subtle.verify('Ed25519', key, signature, text)) return
  throw new RangeError('OPERATOR_KEY is no pair: its "x" is not of its "d"')
}
