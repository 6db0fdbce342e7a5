/** The assertion that Cloudflare Access adds to each request that it lets through. */
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'

/** The team whose assertions count. `issuer`: `https://<team>.cloudflareaccess.com`. `audience`: the tag of the console's application. */
export type AccessTeam = { issuer: string; audience: string }

/** Who Access says has signed in, and until when (Unix milliseconds). `email` in lower case. */
export type AccessIdentity = { email: string; endsAt: number }

/** The keys are read again after so long. Access replaces them every six weeks. Milliseconds. */
const KEPT_MS = 3_600_000
/** An unknown key id leads to one more reading, at most once in so long. Milliseconds. */
const AGAIN_MS = 30_000
const TIMEOUT_MS = 5_000
/** The most characters of an assertion. */
const MAX_CHARS = 16_384

/** The keys of a team, read when they are needed. */
export function accessKeys({ issuer }: AccessTeam): JWTVerifyGetKey {
  const url = new URL('/cdn-cgi/access/certs', issuer)
  return createRemoteJWKSet(url, {
    cacheMaxAge: KEPT_MS,
    cooldownDuration: AGAIN_MS,
    timeoutDuration: TIMEOUT_MS,
  })
}

/**
 * Verifies an assertion: RS256, issuer, audience, expiry. Returns null for one that proves no one.
 * @throws if the keys cannot be read: that lets no one in, and refuses no one
 */
export async function verifyAccess(
  assertion: string,
  { issuer, audience }: AccessTeam,
  keys: JWTVerifyGetKey,
  now: number,
): Promise<AccessIdentity | null> {
  if (assertion.length > MAX_CHARS) return null
  try {
    const { payload } = await jwtVerify(assertion, keys, {
      issuer,
      audience,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'email'],
      currentDate: new Date(now),
    })
    const { email, exp = 0 } = payload
    return typeof email === 'string' && email !== ''
      ? { email: email.toLowerCase(), endsAt: exp * 1000 }
      : null
  } catch (fault) {
    if (REFUSALS.some((kind) => fault instanceof kind)) return null
    throw fault
  }
}

/** Faults of the assertion itself. All others say that the keys could not be read. */
const REFUSALS = [
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
]
