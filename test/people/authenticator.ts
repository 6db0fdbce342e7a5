/** An authenticator in software: it registers a key and signs assertions as a browser sends them. */
import { encodeBase64url } from '../../src/protocol/encoding/base64url.ts'

/** The kinds of keys that authenticators have. */
export const KINDS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
} as const

/** The statements of an assertion. */
export type Said = {
  type: string
  challenge: string
  origin: string
  rpId: string
  flags: number
  counter: number
  crossOrigin?: boolean
}

/** A new authenticator with a key of one kind. */
export async function newAuthenticator(kind: keyof typeof KINDS = 'ES256') {
  const pair = (await crypto.subtle.generateKey(KINDS[kind], true, ['sign', 'verify'])) as CryptoKeyPair
  const key = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey
  const id = encodeBase64url(crypto.getRandomValues(new Uint8Array(16)))
  return {
    id,
    key,
    async assert({ type, challenge, origin, rpId, flags, counter, crossOrigin = false }: Said) {
      const data = bytes(JSON.stringify({ type, challenge, origin, crossOrigin }))
      const head = new Uint8Array(37)
      head.set(await sha256(bytes(rpId)))
      head[32] = flags
      new DataView(head.buffer).setUint32(33, counter)
      const signed = new Uint8Array([...head, ...(await sha256(data))])
      const algorithm = kind === 'ES256' ? { name: 'ECDSA', hash: 'SHA-256' } : KINDS[kind].name
      const signature = new Uint8Array(await crypto.subtle.sign(algorithm, pair.privateKey, signed))
      return {
        id,
        clientDataJSON: encodeBase64url(data),
        authenticatorData: encodeBase64url(head),
        signature: encodeBase64url(kind === 'ES256' ? der(signature) : signature),
      }
    },
  }
}

/** The statements of an honest browser at this origin. */
export function honest(origin: string, challenge: string, counter = 0): Said {
  return { type: 'webauthn.get', challenge, origin, rpId: new URL(origin).hostname, flags: 0x05, counter }
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(text))
}

async function sha256(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data))
}

function der(plain: Uint8Array): Uint8Array {
  const numbers = [plain.subarray(0, 32), plain.subarray(32)].flatMap((part) => {
    let from = 0
    while (from < 31 && part[from] === 0) from++
    const digits = part.subarray(from)
    const padded = (digits[0] ?? 0) >= 0x80 ? [0, ...digits] : [...digits]
    return [0x02, padded.length, ...padded]
  })
  return new Uint8Array([0x30, numbers.length, ...numbers])
}
