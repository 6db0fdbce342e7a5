/** The operator's key: signs statements, and derives the secrets in invoice links. */
import { thumbprint } from '../identity/jwk.ts'
import { encodeBase64url } from '../protocol/encoding/base64url.ts'
import type { PublicKey } from '../protocol/statement.ts'

/** The Ed25519 key pair in `OPERATOR_KEY`, as a JWK. */
export type OperatorKey = { kty: 'OKP'; crv: 'Ed25519'; x: string; d: string }

/** The opened key. */
export type Seal = {
  keyId: string
  /** Published under `/_tab402/keys`. */
  publicKey: PublicKey
  /** Signs a text. Base64url. Ed25519 is deterministic: the same text has the same signature. */
  sign(text: string): Promise<string>
  /** Derives the secret of `purpose`. Base64url. Only this key can derive it. */
  secret(purpose: string): Promise<string>
}

const encoder = new TextEncoder()

const opened = new WeakMap<OperatorKey, Seal>()

/** Imports a key, once in an isolate. @throws DataError unless it is an Ed25519 JWK, RangeError unless `x` belongs to `d` */
export async function openSeal(key: OperatorKey): Promise<Seal> {
  const seal = opened.get(key) ?? (await open(key))
  opened.set(key, seal)
  return seal
}

async function open({ kty, crv, x, d }: OperatorKey): Promise<Seal> {
  const signing = await crypto.subtle.importKey('jwk', { kty, crv, x, d }, 'Ed25519', false, ['sign'])
  // The label separates the MAC key from the signing key, which must not be used for both.
  const material = await crypto.subtle.digest('SHA-256', encoder.encode(`tab402 secrets ${d}`))
  const mac = await crypto.subtle.importKey('raw', material, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  const keyId = thumbprint({ crv, kty, x })
  await assertPair(signing, { kty, crv, x })
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

/** Without this check, a wrong public half would make every signature unverifiable. @throws RangeError */
async function assertPair(signing: CryptoKey, published: JsonWebKey): Promise<void> {
  const text = encoder.encode('tab402')
  const [signature, key] = await Promise.all([
    crypto.subtle.sign('Ed25519', signing, text),
    crypto.subtle.importKey('jwk', published, 'Ed25519', false, ['verify']),
  ])
  if (await crypto.subtle.verify('Ed25519', key, signature, text)) return
  throw new RangeError('OPERATOR_KEY must be a pair: its "x" must belong to its "d"')
}
