/** Passkeys in the browser: the options that it gets, and the answers that it gives. Assertions go to the edge Worker as they are. */
import * as v from 'valibot'
import type { Assertion } from '../people/assertion.ts'
import type { Registration } from '../people/console-call.ts'
import type { TeamMember } from '../people/member.ts'
import { encodeBase64url } from '../protocol/encoding/base64url.ts'

/** The most characters of what a browser says about a passkey. */
const MAX_CHARS = 20_000
const TIMEOUT_MS = 300_000

/**
 * The options of `navigator.credentials.create` (PublicKeyCredentialCreationOptionsJSON). `origin`: of the console. `known`:
 * passkeys of the member. A device that holds one of them makes no second one.
 */
export function creationOptions(
  { id, name, email }: TeamMember,
  challenge: string,
  origin: string,
  known: readonly string[] = [],
): object {
  return {
    excludeCredentials: known.map((id) => ({ type: 'public-key', id })),
    challenge,
    rp: { id: new URL(origin).hostname, name: 'tab402 console' },
    user: {
      id: encodeBase64url(new TextEncoder().encode(id)),
      name: email ?? name,
      displayName: name,
    },
    // ES256, EdDSA, RS256.
    pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    attestation: 'none',
    timeout: TIMEOUT_MS,
  }
}

/** The options of `navigator.credentials.get` (PublicKeyCredentialRequestOptionsJSON). */
export function requestOptions(challenge: string, origin: string): object {
  return {
    challenge,
    rpId: new URL(origin).hostname,
    userVerification: 'required',
    allowCredentials: [],
    timeout: TIMEOUT_MS,
  }
}

const base64url = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]+$/))
const assertion = v.object({
  id: base64url,
  response: v.object({ clientDataJSON: base64url, authenticatorData: base64url, signature: base64url }),
})

/** The assertion that a browser has sent; null for another text. */
export function readAssertion(text: string): Assertion | null {
  const read = v.safeParse(assertion, parse(text))
  return read.success ? { id: read.output.id, ...read.output.response } : null
}

const registration = v.object({
  id: base64url,
  rawId: base64url,
  type: v.literal('public-key'),
  response: v.object({ clientDataJSON: base64url, attestationObject: base64url }),
})

/**
 * The passkey that a browser has registered at this origin; null for one that is not valid. Its challenge is not compared here: the
 * edge Worker has made it.
 */
export async function readRegistration(text: string, origin: string): Promise<Registration | null> {
  const read = v.safeParse(registration, parse(text))
  if (!read.success) return null
  // 87 kB, which no other page needs.
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  let challenge = ''
  try {
    const verified = await verifyRegistrationResponse({
      response: { ...read.output, clientExtensionResults: {} },
      expectedChallenge: (asked) => {
        challenge = asked
        return true
      },
      expectedOrigin: origin,
      expectedRPID: new URL(origin).hostname,
      requireUserVerification: true,
    })
    if (!verified.verified) return null
    const { id, publicKey, counter } = verified.registrationInfo.credential
    const key = await jwkOf(publicKey)
    return key && { id, key, counter, origin, challenge }
  } catch {
    // The library throws for every registration that is not valid.
    return null
  }
}

/** A COSE public key (RFC 9052 §7) as a JWK; null for a kind that the edge Worker does not take. */
async function jwkOf(publicKey: Uint8Array<ArrayBuffer>): Promise<JsonWebKey | null> {
  const { cose, decodeCredentialPublicKey } = await import('@simplewebauthn/server/helpers')
  const key = decodeCredentialPublicKey(publicKey)
  const { x: X, y: Y, n: N, e: E, crv: CRV } = cose.COSEKEYS
  const text = (bytes: Uint8Array | undefined) => encodeBase64url(bytes ?? new Uint8Array())
  if (cose.isCOSEPublicKeyEC2(key) && key.get(CRV) === cose.COSECRV.P256)
    return { kty: 'EC', crv: 'P-256', x: text(key.get(X)), y: text(key.get(Y)) }
  if (cose.isCOSEPublicKeyOKP(key)) return { kty: 'OKP', crv: 'Ed25519', x: text(key.get(X)) }
  if (cose.isCOSEPublicKeyRSA(key)) return { kty: 'RSA', n: text(key.get(N)), e: text(key.get(E)) }
  return null
}

function parse(text: string): unknown {
  if (text.length > MAX_CHARS) return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}
