/** A statement as a crawler reads it: the signed document, and the check of its signature and of every entry behind it. */
import { decodeBase64url } from './encoding/base64url.ts'
import { canonicalJson } from './encoding/canonical-json.ts'
import { leadsTo, leafHash } from './encoding/merkle.ts'

/** One entry of a credit line, as a statement vouches for it. An entry that moves nothing has amount 0. */
export type StatedEntry = {
  seq: number
  /** Unix milliseconds. */
  at: number
  kind: string
  id: string
  /** Micro-dollars: the price for a charge, what is given back for a release; never negative. */
  amount: bigint
  site: string | null
  rule: string | null
  request: string | null
  /** Names the commitment's signature: base64url of a SHA-256 over the key's id and the signature. */
  iou: string | null
  /** The entry that this one repeats or takes back. */
  of: number | null
  /** The version of the site's policy; null in early entries, and where nothing is sold. Absent in form 1, as `who` is. */
  policy?: number | null
  /** A confirmed crawler's name, or a claimed one behind `~`; null as `policy` is, and for a client without a name. */
  who?: string | null
}

/** The form of a statement. Form 1 states neither `policy` nor `who`, in its lines and in its entries. */
export type StatementForm = 1 | 2

/** An entry in JSON. */
export type PlainEntry = Omit<StatedEntry, 'amount'> & { amount: string }

/** That an entry is part of a statement: its place, and the path from its leaf to the root. */
export type PlainProof = { entry: PlainEntry; index: number; size: number; path: string[] }

/** One line of a statement: a rule of one site on one day; in form 2 also one version of its policy and one asker. */
type PlainLine = {
  day: string
  site: string
  rule: string
  policy?: number | null
  who?: string | null
  charges: number
  releases: number
  amount: string
}

/** Amounts are decimal strings of micro-dollars. Times are ISO 8601, in UTC. */
export type StatementDocument = {
  type: `tab402/statement/${StatementForm}`
  operator: string
  agent: { id: string; name: string }
  /** `from` is part of the period, `to` is not. */
  period: { id: string; from: string; to: string }
  currency: 'USD'
  unit: 'micro-dollar'
  /** The entries of the line's journal that are stated, all of them, and the root of their Merkle tree. */
  entries: { first: number; last: number; root: string }
  lines: PlainLine[]
  total: string
}

/** Ed25519 over the canonical JSON of `statement`; the key's id is its RFC 7638 thumbprint. */
export type SignedStatement = {
  statement: StatementDocument
  signature: { algorithm: 'Ed25519'; keyId: string; value: string }
}

/** A published Ed25519 key. */
export type PublicKey = { kty: 'OKP'; crv: 'Ed25519'; x: string; kid: string }

/** The entry as a statement of this form states it. */
export function entryIn(form: StatementForm, entry: StatedEntry): StatedEntry {
  if (form !== 1) return entry
  const { policy: _, who: __, ...stated } = entry
  return stated
}

/** The leaf of one entry in the tree: it binds the members of the entry's own form. */
export function leafOf(entry: StatedEntry | PlainEntry): Uint8Array {
  const { seq, at, kind, id, amount, site, rule, request, iou, of, policy, who } = entry
  const sold = { ...(policy !== undefined && { policy }), ...(who !== undefined && { who }) }
  return leafHash(canonicalJson({ seq, at, kind, id, amount, site, rule, request, iou, of, ...sold }))
}

/** Whether one of `keys` has signed the statement as it is. */
export async function verifyStatement(
  { statement, signature }: SignedStatement,
  keys: readonly PublicKey[],
): Promise<boolean> {
  const key = keys.find(({ kid }) => kid === signature.keyId)
  const bytes = decodeBase64url(signature.value)
  // Trap: workerd throws for an Ed25519 signature of another length instead of saying no.
  if (!key || bytes?.length !== 64 || signature.algorithm !== 'Ed25519') return false
  const { kty, crv, x } = key
  const imported = await crypto.subtle.importKey('jwk', { kty, crv, x }, 'Ed25519', false, ['verify'])
  const text = new TextEncoder().encode(canonicalJson(statement))
  return crypto.subtle.verify('Ed25519', imported, bytes, text)
}

/** Whether the statement vouches for this entry, at its place. */
export function verifyEntry(
  { entries }: StatementDocument,
  { entry, index, size, path }: PlainProof,
): boolean {
  const { first, last, root } = entries
  if (entry.seq !== first + index || size !== last - first + 1) return false
  return leadsTo(root, leafOf(entry), { index, size, path })
}
