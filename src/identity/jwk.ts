/** Reads agents' public keys from JWKs, computes their thumbprints and imports them into WebCrypto. */
import { sha256 } from '@noble/hashes/sha2.js'
import { decodeBase64url, encodeBase64url } from '../protocol/encoding/base64url.ts'
import { toHex } from '../protocol/evm/hex.ts'
import { PUBLIC_SECRETS, SMALL_ORDER } from './known-secrets.ts'

/** The supported algorithms of RFC 9421 §3.3. No shared secrets: a debt must not be deniable. */
export type Algorithm = 'ed25519' | 'ecdsa-p256-sha256' | 'rsa-pss-sha512'

/** The public members of a key and no others, in the order in which its thumbprint is made. All are base64url. */
export type PublicJwk =
  | { crv: 'Ed25519'; kty: 'OKP'; x: string }
  | { crv: 'P-256'; kty: 'EC'; x: string; y: string }
  | { e: string; kty: 'RSA'; n: string }

/** A key that may sign. Times in Unix seconds, or null. */
export type VerificationKey = {
  /** The JWK thumbprint, computed from the key. A published `kid` is ignored. */
  keyId: string
  algorithm: Algorithm
  jwk: PublicJwk
  notBefore: number | null
  expires: number | null
}

/**
 * Why a JWK is rejected as an agent's key. `private_key`: it contains the private half, which is now public.
 * `public_secret`: it is an example key of a standard, so its private half is public.
 */
export type KeyFault =
  | 'not_a_key'
  | 'unsupported_key'
  | 'private_key'
  | 'public_secret'
  | 'weak_key'
  | 'key_of_another_use'

const MOST_KEYS = 16
/** The names of each algorithm in JOSE and RFC 9421. */
const NAMES: Record<Algorithm, readonly string[]> = {
  ed25519: ['ed25519', 'EdDSA', 'Ed25519'],
  'ecdsa-p256-sha256': ['ecdsa-p256-sha256', 'ES256'],
  'rsa-pss-sha512': ['rsa-pss-sha512', 'PS512'],
}
const ALGORITHMS: Record<PublicJwk['kty'], Algorithm> = {
  OKP: 'ed25519',
  EC: 'ecdsa-p256-sha256',
  RSA: 'rsa-pss-sha512',
}
const SECRETS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const SMALLEST_RSA = 256
const LARGEST_RSA = 512
/** Later than any date in seconds: some directories write `nbf` and `exp` in milliseconds. */
const MILLISECONDS = 100_000_000_000

const encoder = new TextEncoder()

/**
 * The keys of a JWK Set (RFC 7517 §5), or of one bare JWK, which some agents serve. At most the first 16 that can sign are
 * kept. Null when it is neither. `faults` has the reason for each rejected key.
 */
export function readKeys(
  value: unknown,
  refused = PUBLIC_SECRETS,
): { keys: VerificationKey[]; faults: KeyFault[] } | null {
  if (!isRecord(value)) return null
  const listed = Array.isArray(value.keys) ? value.keys : 'kty' in value ? [value] : null
  if (!listed) return null
  const keys: VerificationKey[] = []
  const faults: KeyFault[] = []
  for (const jwk of listed) {
    const key = readKey(jwk, refused)
    if (typeof key === 'string') faults.push(key)
    else if (keys.push(key) === MOST_KEYS) break
  }
  return { keys, faults }
}

/** One JWK. Base64url must be canonical: another spelling of a known key would have another thumbprint. */
export function readKey(value: unknown, refused = PUBLIC_SECRETS): VerificationKey | KeyFault {
  if (!isRecord(value)) return 'not_a_key'
  if (SECRETS.some((name) => name in value)) return value.kty === 'oct' ? 'unsupported_key' : 'private_key'
  const jwk = readPublic(value)
  if (typeof jwk === 'string') return jwk
  const algorithm = ALGORITHMS[jwk.kty]
  const { alg, use, key_ops: operations } = value
  if (alg !== undefined && !NAMES[algorithm].some((name) => name === alg)) return 'key_of_another_use'
  if (use !== undefined && use !== 'sig') return 'key_of_another_use'
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return 'key_of_another_use'
  const notBefore = readTime(value.nbf)
  const expires = readTime(value.exp)
  if (notBefore === undefined || expires === undefined) return 'not_a_key'
  const keyId = thumbprint(jwk)
  return refused.has(keyId) ? 'public_secret' : { keyId, algorithm, jwk, notBefore, expires }
}

/** The JWK thumbprint in base64url: RFC 7638 §3, for Ed25519 RFC 8037 §2. The members of a `PublicJwk` stand in its order. */
export function thumbprint(jwk: PublicJwk): string {
  return encodeBase64url(sha256(encoder.encode(JSON.stringify(jwk))))
}

const IMPORTS: Record<Algorithm, { name: string; namedCurve?: string; hash?: string }> = {
  ed25519: { name: 'Ed25519' },
  'ecdsa-p256-sha256': { name: 'ECDSA', namedCurve: 'P-256' },
  'rsa-pss-sha512': { name: 'RSA-PSS', hash: 'SHA-512' },
}

/** Imports the key into WebCrypto. Null unless it is a point of its curve or a valid modulus. */
export async function importKey({ jwk, algorithm }: VerificationKey): Promise<CryptoKey | null> {
  try {
    return await crypto.subtle.importKey('jwk', { ...jwk }, IMPORTS[algorithm], false, ['verify'])
  } catch (cause) {
    if (cause instanceof Error) return null
    throw cause
  }
}

const VERIFICATIONS: Record<Algorithm, SubtleCryptoSignAlgorithm> = {
  ed25519: { name: 'Ed25519' },
  'ecdsa-p256-sha256': { name: 'ECDSA', hash: 'SHA-256' },
  'rsa-pss-sha512': { name: 'RSA-PSS', saltLength: 64 },
}

/** Whether the key made this signature of the text (RFC 9421 §3.3). */
export async function verifies(
  key: CryptoKey,
  algorithm: Algorithm,
  signature: Uint8Array<ArrayBuffer>,
  text: string,
): Promise<boolean> {
  // Trap: workerd throws for an Ed25519 signature of another length (RFC 8032 §5.1.6) instead of returning false.
  if (algorithm === 'ed25519' && signature.length !== 64) return false
  return crypto.subtle.verify(VERIFICATIONS[algorithm], key, signature, encoder.encode(text))
}

function readPublic(value: Record<string, unknown>): PublicJwk | KeyFault {
  const { kty, crv } = value
  if (kty === 'OKP' && crv === 'Ed25519') {
    const x = readBytes(value.x)
    if (x?.bytes.length !== 32) return 'not_a_key'
    return isSmallOrder(x.bytes) ? 'weak_key' : { crv, kty, x: x.text }
  }
  if (kty === 'EC' && crv === 'P-256') {
    const x = readBytes(value.x)
    const y = readBytes(value.y)
    return x?.bytes.length === 32 && y?.bytes.length === 32 ? { crv, kty, x: x.text, y: y.text } : 'not_a_key'
  }
  if (kty !== 'RSA') return 'unsupported_key'
  const n = readBytes(value.n)
  if (!n || n.bytes[0] === 0) return 'not_a_key'
  const { length } = n.bytes
  // Only the usual exponent. Threat: with 1 anyone could sign, and a large one costs seconds.
  if (value.e !== 'AQAB' || length < SMALLEST_RSA || length > LARGEST_RSA) return 'weak_key'
  return { e: value.e, kty, n: n.text }
}

function isSmallOrder(point: Uint8Array): boolean {
  const unsigned = point.slice()
  unsigned[31] = (unsigned[31] ?? 0) & 0x7f
  return SMALL_ORDER.has(toHex(unsigned).slice(2))
}

function readBytes(value: unknown): { text: string; bytes: Uint8Array } | null {
  const bytes = typeof value === 'string' ? decodeBase64url(value) : undefined
  return bytes ? { text: String(value), bytes } : null
}

/** Unix seconds; null when absent, undefined when invalid. */
function readTime(value: unknown): number | null | undefined {
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return undefined
  return value >= MILLISECONDS ? value / 1000 : value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
