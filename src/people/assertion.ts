/** Verifies the assertion of a passkey (W3C Web Authentication Level 3, §7.2). Pure: the caller holds the keys and the challenge. */
import { decodeBase64url } from '../protocol/encoding/base64url.ts'

/** An assertion as the browser sends it. All members are base64url. */
export type Assertion = { id: string; clientDataJSON: string; authenticatorData: string; signature: string }

/** A registered passkey. `key`: a public JWK of P-256, Ed25519 or RSA. `origin`: of the console that registered it. */
export type PasskeyRecord = { key: JsonWebKey; counter: number; origin: string }

/** The new counter of the authenticator, or why the assertion proves nothing. */
export type AssertionVerdict = { ok: true; counter: number } | { ok: false; reason: AssertionFault }
/** Why an assertion proves nothing. */
export type AssertionFault = 'malformed' | 'challenge' | 'origin' | 'user' | 'signature' | 'counter'

/** The most characters of one member. An assertion beyond it is malformed. */
const MAX_CHARS = 4_096
/** rpIdHash, flags and counter (§6.1). Extensions may follow. */
const HEAD_BYTES = 37
const [PRESENT, VERIFIED, ELIGIBLE, BACKED_UP] = [0x01, 0x04, 0x08, 0x10]
const P256_BYTES = 32

type ClientData = {
  type: string
  challenge: string
  origin: string
  crossOrigin?: boolean
  topOrigin?: string
}

/** The challenge that an assertion answers; undefined for a malformed one. It proves nothing by itself. */
export function challengeIn({ clientDataJSON }: Pick<Assertion, 'clientDataJSON'>): string | undefined {
  const bytes = bytesOf(clientDataJSON)
  return bytes && clientDataOf(bytes)?.challenge
}

/** Verifies an assertion that must answer `challenge`. The user must have been verified, by a PIN or a finger. */
export async function verifyAssertion(
  assertion: Assertion,
  { key, counter: last, origin }: PasskeyRecord,
  challenge: string,
): Promise<AssertionVerdict> {
  const [data, head, signature] = [
    assertion.clientDataJSON,
    assertion.authenticatorData,
    assertion.signature,
  ].map(bytesOf)
  const client = data && clientDataOf(data)
  if (!data || !client || !head || head.length < HEAD_BYTES || !signature) return no('malformed')
  // Steps 11 to 14. A frame of another site must not ask in our name.
  if (client.type !== 'webauthn.get') return no('malformed')
  if (client.challenge !== challenge) return no('challenge')
  if (client.origin !== origin || client.crossOrigin === true || client.topOrigin !== undefined)
    return no('origin')
  // Step 15.
  const rpIdHash = await sha256(Uint8Array.from(new TextEncoder().encode(new URL(origin).hostname)))
  if (!isSame(rpIdHash, head.subarray(0, 32))) return no('origin')
  // Steps 16 to 19.
  const flags = head[32] ?? 0
  if ((flags & PRESENT) === 0 || (flags & VERIFIED) === 0) return no('user')
  if ((flags & BACKED_UP) !== 0 && (flags & ELIGIBLE) === 0) return no('malformed')
  // Steps 20 and 21.
  const signed = new Uint8Array([...head, ...(await sha256(data))])
  if (!(await isSignedBy(key, signature, signed))) return no('signature')
  // Step 22. Authenticators without a counter say 0 each time; one that stands still or falls was copied.
  const counter = new DataView(head.buffer, head.byteOffset).getUint32(33)
  return (counter > 0 || last > 0) && counter <= last ? no('counter') : { ok: true, counter }
}

function no(reason: AssertionFault): AssertionVerdict {
  return { ok: false, reason }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  return text.length <= MAX_CHARS ? decodeBase64url(text) : undefined
}

function clientDataOf(bytes: Uint8Array): ClientData | undefined {
  try {
    const read: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes),
    )
    return isClientData(read) ? read : undefined
  } catch {
    return undefined
  }
}

function isClientData(read: unknown): read is ClientData {
  if (typeof read !== 'object' || read === null) return false
  const { type, challenge, origin } = read as Record<string, unknown>
  return [type, challenge, origin].every((text) => typeof text === 'string')
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}

/** The public keys that are taken: ES256, EdDSA and RS256 (RFC 9053 §2, RFC 8812 §2). */
const ALGORITHMS: Readonly<Record<string, SubtleCryptoImportKeyAlgorithm>> = {
  'EC P-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'OKP Ed25519': { name: 'Ed25519' },
  RSA: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
}
const MIN_RSA_BITS = 2_048

/** Imports the public key of a passkey; null for a key of another kind, a weak one, and one that is none. */
export async function importPasskey({ kty, crv, x, y, n, e }: JsonWebKey): Promise<CryptoKey | null> {
  const algorithm = ALGORITHMS[crv === undefined ? `${kty}` : `${kty} ${crv}`]
  if (!algorithm) return null
  try {
    const jwk = Object.fromEntries(
      Object.entries({ kty, crv, x, y, n, e }).filter(([, part]) => part !== undefined),
    )
    const key = await crypto.subtle.importKey('jwk', { ...jwk, kty: String(kty) }, algorithm, false, [
      'verify',
    ])
    const { modulusLength = MIN_RSA_BITS } = key.algorithm as { modulusLength?: number }
    return modulusLength >= MIN_RSA_BITS ? key : null
  } catch {
    return null
  }
}

async function isSignedBy(
  jwk: JsonWebKey,
  signature: Uint8Array<ArrayBuffer>,
  signed: Uint8Array<ArrayBuffer>,
) {
  const key = await importPasskey(jwk)
  if (!key) return false
  if (jwk.kty !== 'EC') return crypto.subtle.verify(key.algorithm.name, key, signature, signed)
  const plain = plainSignature(signature)
  return plain !== undefined && crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, plain, signed)
}

/** An ECDSA signature in DER (§6.5.5) as r and s of 32 bytes each; undefined for all but the one canonical encoding. */
function plainSignature(der: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined
  const plain = new Uint8Array(2 * P256_BYTES)
  let at = 2
  for (let end = P256_BYTES; end <= plain.length; end += P256_BYTES) {
    const length = der[at + 1] ?? 0
    const number = der.subarray(at + 2, at + 2 + length)
    const [first = 0x80, second = 0] = number
    const isPadded = first === 0 && second < 0x80
    if (der[at] !== 0x02 || number.length !== length || first >= 0x80 || (isPadded && length > 1))
      return undefined
    const digits = first === 0 ? number.subarray(1) : number
    if (digits.length > P256_BYTES) return undefined
    plain.set(digits, end - digits.length)
    at += 2 + length
  }
  return at === der.length ? plain : undefined
}
