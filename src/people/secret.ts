/** Secrets that are shown once: 32 random bytes, stored as their SHA-256 alone. */
import { encodeBase64url } from '../protocol/encoding/base64url.ts'

/** A new secret: 43 characters. */
export function newSecret(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(32)))
}

/** The SHA-256 of a secret, as base64url. A thief of the hash cannot find a secret of 32 random bytes. */
export async function hashOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
  return encodeBase64url(new Uint8Array(digest))
}
