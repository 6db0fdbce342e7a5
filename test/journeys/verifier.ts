/** An independent check of statements and webhooks: published data and standards only, none of our code. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** A statement as a crawler receives it. Amounts are decimal strings of micro-dollars. */
export type Statement = {
  statement: {
    agent: { id: string }
    period: { id: string; from: string; to: string }
    entries: { first: number; last: number; root: string }
    lines: { site: string; rule: string; day: string; charges: number; releases: number; amount: string }[]
    total: string
  }
  signature: { algorithm: string; keyId: string; value: string }
}

export type Proof = {
  entry: Record<string, unknown> & { seq: number; kind: string; amount: string; iou: string | null }
  index: number
  size: number
  path: string[]
}

/** RFC 8785, for JSON without fractions. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

/** RFC 7638: the required members of the key, in order. */
export async function jwkThumbprint({ crv, kty, x, y }: JsonWebKey): Promise<string> {
  return createHash('sha256')
    .update(canonical(JSON.parse(JSON.stringify({ crv, kty, x, y }))))
    .digest('base64url')
}

/** Whether the key of this set that the statement names has signed it. */
export async function isSigned(
  { statement, signature }: Statement,
  { keys }: { keys: JsonWebKey[] },
): Promise<boolean> {
  for (const key of keys) {
    if ((await jwkThumbprint(key)) !== signature.keyId) continue
    const imported = await crypto.subtle.importKey('jwk', key, 'Ed25519', false, ['verify'])
    const bytes = Buffer.from(signature.value, 'base64url')
    return crypto.subtle.verify('Ed25519', imported, bytes, Buffer.from(canonical(statement)))
  }
  return false
}

/** RFC 9162 §2.1.3.2: whether the entry is a leaf of the tree that the statement names. */
export function isStated({ statement }: Statement, { entry, index, size, path }: Proof): boolean {
  const { first, last, root } = statement.entries
  if (entry.seq !== first + index || size !== last - first + 1) return false
  let [fn, sn] = [index, size - 1]
  let hash = sha256(Buffer.of(0), Buffer.from(canonical(entry)))
  for (const sibling of path.map(bytesOf)) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      hash = sha256(Buffer.of(1), sibling, hash)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1]
    } else hash = sha256(Buffer.of(1), hash, sibling)
    ;[fn, sn] = [fn >> 1, sn >> 1]
  }
  return sn === 0 && hash.equals(bytesOf(root))
}

/** The id of an IOU: the digest of the key's id and the signature. */
export function iouOf(keyId: string, signature: Buffer): string {
  return sha256(Buffer.from(keyId), signature).toString('base64url')
}

/** Whether the webhook's signature matches the body and the secret. */
export function isAuthentic(body: string, header: string, secret: string): boolean {
  const [, time = '', mac = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? []
  const expected = createHmac('sha256', secret).update(`${time}.${body}`).digest()
  const given = Buffer.from(mac, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function sha256(...parts: Buffer[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replace(/^0x/, ''), 'hex')
}
