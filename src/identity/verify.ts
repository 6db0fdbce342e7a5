/** Verifies HTTP message signatures (RFC 9421) in the Web Bot Auth profile, strictly enough for money. */
import { encodeBase64url } from '../protocol/encoding/base64url.ts'
import { fromHex, toHex } from '../protocol/evm/hex.ts'
import { checkDigest } from '../protocol/http/content-digest.ts'
import { accept, type Refusal, type Result } from '../protocol/refusal.ts'
import { type Algorithm, verifies } from './jwk.ts'
import { CLOCK_SKEW_SECONDS, type FindKey } from './keys.ts'
import { PUBLIC_SECRETS } from './known-secrets.ts'
import { readSignatures, type Signature } from './signature.ts'
import { claimedAgent } from './signature-agent.ts'
import { authorityOf, type Message, signatureBase } from './signature-base.ts'
import { type Flaw, type Flawed, flawed, type UnverifiedReason } from './verdict.ts'

/** A valid signature, with the evidence to prove it later. Times in Unix seconds. */
export type Proof = {
  /** The registered agent's id, and its URL as registered. */
  agent: string
  url: string | null
  /** The thumbprint of the key that signed. */
  keyId: string
  label: string
  /** Identifiers of the covered components, as in the signature base: `"@authority"`, `"signature-agent";key="sig1"`. */
  covered: readonly string[]
  created: number
  expires: number
  nonce: string | null
  /**
   * The id of the signature and of its IOU: equal for two spellings of one signature, different for two signatures.
   * Base64url of 32 bytes.
   */
  id: string
  /** Evidence: the algorithm, the signature in base64, and the signed text. */
  algorithm: Algorithm
  signature: string
  base: string
}

/** The result of a verification. `unverified`: no decision was possible. `unread`: the body could not be read. Only `verified` may become a debt. */
export type Verification =
  | ({ outcome: 'verified' } & Proof)
  | { outcome: 'invalid'; reason: Flaw }
  | { outcome: 'unverified'; reason: UnverifiedReason }
  | { outcome: 'unread'; refusal: Refusal }

/** The body of a request; null if absent, or if the method ignores it. */
export type Body = Uint8Array<ArrayBuffer> | null

/** Reads the body once, at the first call. */
export type Read = () => Promise<Result<Body>>

/** For requests whose method ignores the body. */
export const nothing: Read = async () => accept(null)

/** How to verify the signatures of one request. */
export type VerifyOptions = {
  findKey: FindKey
  /** Unix milliseconds. */
  now: number
  /** Fields that a signature must cover besides the target and the agent, e.g. `payment-signature`. */
  covering?: readonly string[]
  /** The maximum validity of a signature, from `created` to `expires`, in seconds. */
  longest?: number
  /** Also reads an unquoted host as Signature-Agent. */
  bareAgents?: boolean
  /** Thumbprints of rejected keys. */
  refused?: ReadonlySet<string>
}

/** The maximum validity for money, in seconds. One signature pays one IOU, and its id is stored while it is valid. */
export const LONGEST = 300

const encoder = new TextEncoder()

/**
 * Verifies each Web Bot Auth signature of a request; the first valid one identifies the client. Reads the body only after a
 * signature is valid, so that unknown clients cannot make us read it. Rejects a body without a signed digest.
 * @throws only what `read` throws, for any request
 */
export async function verify(message: Message, read: Read, terms: VerifyOptions): Promise<Verification> {
  const signatures = readSignatures(message.headers)
  if ('flaw' in signatures) return { outcome: 'invalid', reason: signatures.flaw }
  const verdicts = await Promise.all(
    signatures.map((signature) =>
      'flaw' in signature ? invalid(signature) : judge(signature, message, read, terms),
    ),
  )
  const by = (outcome: Verification['outcome']) => verdicts.find((verdict) => verdict.outcome === outcome)
  return (
    by('verified') ??
    by('unread') ??
    by('unverified') ??
    by('invalid') ?? { outcome: 'unverified', reason: 'unsigned' }
  )
}

/** Whether the signature is bound to one request, by target and method or by a nonce. Otherwise only to the site. */
export function isBound({ covered, nonce }: Pick<Proof, 'covered' | 'nonce'>): boolean {
  const covers = (...ids: string[]) => ids.every((id) => covered.includes(id))
  const target = covers('"@target-uri"') || covers('"@path"', '"@query"') || covers('"@request-target"')
  return nonce !== null || (target && covers('"@method"'))
}

/** Runs cheap checks first. Looks up a key only for a well-formed, current signature, and verifies it once. */
async function judge(
  signature: Signature,
  message: Message,
  read: Read,
  terms: VerifyOptions,
): Promise<Verification> {
  const { keyId, label, created, expires, nonce, bytes } = signature
  const { findKey, now, refused = PUBLIC_SECRETS } = terms
  const flaw = judgeTimes(signature, terms) ?? judgeCoverage(signature, terms)
  if (flaw) return invalid(flaw)
  if (refused.has(keyId)) return invalid(flawed('key_public_secret'))
  const url = claimedAgent(message.headers, signature, terms.bareAgents)
  if (url !== null && typeof url !== 'string') return invalid(url)
  const base = signatureBase(message, signature)
  if (typeof base !== 'string') return invalid(base)
  const found = await findKey({ url, keyId, host: authorityOf(message.url) ?? '' }, now)
  if (found === 'agent_unknown' || found === 'directory_unavailable')
    return { outcome: 'unverified', reason: found }
  if (typeof found === 'string') return invalid(flawed(found))
  const { algorithm, key, agent } = found
  if (signature.algorithm !== null && signature.algorithm !== algorithm)
    return invalid(flawed('algorithm_differs'))
  if (!(await verifies(key, algorithm, bytes, base))) return invalid(flawed('signature_wrong'))
  const content = await read()
  if (!content.ok) return { outcome: 'unread', refusal: content.refusal }
  const swapped = await judgeBody(signature, message, content.value)
  if (swapped) return invalid(swapped)
  const times = { created, expires, nonce }
  const evidence = { algorithm, signature: btoa(String.fromCharCode(...bytes)), base }
  const covered = signature.components.map(({ id }) => id)
  const id = await nameOf(algorithm, keyId, bytes)
  return { outcome: 'verified', agent, url: found.url, keyId, label, covered, ...times, id, ...evidence }
}

function invalid({ flaw }: Flawed): Verification {
  return { outcome: 'invalid', reason: flaw }
}

function judgeTimes(
  { created, expires }: Signature,
  { now, longest = LONGEST }: VerifyOptions,
): Flawed | null {
  const seconds = Math.floor(now / 1000)
  if (expires < created) return flawed('expires_before_created')
  if (created > seconds + CLOCK_SKEW_SECONDS) return flawed('created_in_the_future')
  if (expires < seconds) return flawed('expired')
  return expires - created > longest ? flawed('valid_too_long') : null
}

function judgeCoverage({ components }: Signature, terms: VerifyOptions): Flawed | null {
  const whole = new Set(components.filter(({ parameters }) => parameters.size === 0).map(({ name }) => name))
  if (!whole.has('@authority') && !whole.has('@target-uri')) return flawed('target_not_covered')
  const { covering = [] } = terms
  return covering.every((name) => whole.has(name)) ? null : flawed('component_not_covered')
}

/** Requires a signed digest that matches the body (C12): the signature itself covers only the header. */
async function judgeBody(
  { components }: Signature,
  { headers }: Message,
  body: Body,
): Promise<Flawed | null> {
  const digests = components.filter(({ name }) => name === 'content-digest')
  // A parameter (`;req`, `;key`) may cover less than the whole field.
  if (body && body.length > 0 && !digests.some(({ parameters }) => parameters.size === 0))
    return flawed('body_not_covered')
  if (digests.length === 0) return null
  const verdict = await checkDigest(headers.get('content-digest') ?? '', body)
  if (verdict === 'matches') return null
  return flawed(verdict === 'differs' ? 'digest_differs' : 'digest_unreadable')
}

/** The order of P-256. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/**
 * The id of a signature. Trap: from an ECDSA signature (r, s) anyone can make (r, n − s), which is valid too and would be
 * a second IOU. Both get the id with the smaller s. Ed25519 and RSA-PSS signatures lack such a twin.
 */
async function nameOf(algorithm: Algorithm, keyId: string, bytes: Uint8Array): Promise<string> {
  const named = new Uint8Array(keyId.length + bytes.length)
  encoder.encodeInto(keyId, named)
  named.set(bytes, keyId.length)
  if (algorithm === 'ecdsa-p256-sha256') {
    const s = BigInt(toHex(bytes.subarray(32)))
    const twin = P256_ORDER - s
    if (twin < s) named.set(fromHex(`0x${twin.toString(16).padStart(64, '0')}`), keyId.length + 32)
  }
  return encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', named)))
}
