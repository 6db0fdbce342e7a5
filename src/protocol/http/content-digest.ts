/** `Content-Digest` (RFC 9530): whether a body is the one a signed digest speaks of. */
import { bytesOf, readDictionary } from './structured-fields.ts'

const HASHES: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'SHA-256'],
  ['sha-512', 'SHA-512'],
])

/**
 * `unreadable`: no dictionary of byte sequences, or no hash of it is one we know (`sha-256`, `sha-512`). Every digest that
 * we know must match. The body is the content as it was sent, before any content coding is undone; none is an empty one.
 */
export async function checkDigest(
  field: string,
  body: Uint8Array<ArrayBuffer> | null,
): Promise<'matches' | 'differs' | 'unreadable'> {
  const digests = readDictionary(field)
  let known = 0
  for (const [name, member] of digests ?? []) {
    const hash = HASHES.get(name)
    if (!hash) continue
    known++
    const claimed = bytesOf(member)
    if (!claimed) return 'unreadable'
    const actual = new Uint8Array(await crypto.subtle.digest(hash, body ?? new Uint8Array()))
    if (!equal(claimed, actual)) return 'differs'
  }
  return known > 0 ? 'matches' : 'unreadable'
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
