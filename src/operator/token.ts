/** The operator's token, compared by its hash in constant time. */
import { fromHex, isHex } from '../protocol/evm/hex.ts'

/**
 * Whether the `Authorization` header has the token whose SHA-256 is `sha256` (64 hex digits). Without a hash always false.
 */
export async function hasToken(
  authorization: string | undefined,
  sha256: string | undefined,
): Promise<boolean> {
  const expected = `0x${sha256 ?? ''}`
  const [, token] = /^Bearer ([!-~]{1,512})$/i.exec(authorization ?? '') ?? []
  if (token === undefined || !isHex(expected, 32)) return false
  const presented = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return crypto.subtle.timingSafeEqual(presented, fromHex(expected))
}
