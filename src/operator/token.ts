/** The operator's token: compared by its digest, in a time that tells nothing about it. */
import { fromHex, isHex } from '../protocol/evm/hex.ts'

/**
 * Whether `Authorization` bears the token whose SHA-256 is `sha256` (64 hex digits). Without a digest nobody is let in.
 */
export async function bears(authorization: string | undefined, sha256: string | undefined): Promise<boolean> {
  const expected = `0x${sha256 ?? ''}`
  const [, token] = /^Bearer ([!-~]{1,512})$/i.exec(authorization ?? '') ?? []
  if (token === undefined || !isHex(expected, 32)) return false
  const presented = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return crypto.subtle.timingSafeEqual(presented, fromHex(expected))
}
