/** The index of registered agents: a sorted list of short hashes, which an isolate reads once. Pure. */
import { sha256 } from '@noble/hashes/sha2.js'

/** The index, and an id that is equal for equal indexes. */
export type AgentIndex = { id: string; rows: Uint8Array<ArrayBuffer> }

/** An agent as its names and its version. */
export type IndexedAgent = { url: string | null; keys: readonly { keyId: string }[] | null; version: number }

/** The most names in an index: 1.2 MB. Agents beyond it are looked up one by one, within the limit for unknown ones. */
export const MAX_INDEXED = 100_000

/** Eight bytes of the name's SHA-256, four of the agent's version. */
const ROW_BYTES = 12
const HASH_BYTES = 8

const encoder = new TextEncoder()

/** The names by which an agent can be asserted: its URL, or without one each of its pinned keys. */
export function namesOf({ url, keys }: Pick<IndexedAgent, 'url' | 'keys'>): string[] {
  return url === null ? (keys ?? []).map(({ keyId }) => keyName(keyId)) : [urlName(url)]
}

/** The name of an agent's URL. */
export function urlName(url: string): string {
  return `url ${url}`
}

/** The name of a pinned key of an agent without a URL. */
export function keyName(keyId: string): string {
  return `key ${keyId}`
}

/** Makes the index of the given agents, with at most `most` names. */
export function packIndex(agents: Iterable<IndexedAgent>, most = MAX_INDEXED): AgentIndex {
  const versions = new Map<bigint, number>()
  for (const agent of agents) {
    for (const name of namesOf(agent)) if (versions.size < most) versions.set(hashOf(name), agent.version)
  }
  const sorted = [...versions].sort(([a], [b]) => (a < b ? -1 : 1))
  const rows = new Uint8Array(sorted.length * ROW_BYTES)
  const view = new DataView(rows.buffer)
  for (const [at, [hash, version]] of sorted.entries()) {
    view.setBigUint64(at * ROW_BYTES, hash)
    view.setUint32(at * ROW_BYTES + HASH_BYTES, version)
  }
  return { id: prefixOf(rows).toString(36), rows }
}

/** The version of the agent with this name; null if the index does not have it. */
export function versionIn({ rows }: AgentIndex, name: string): number | null {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
  const wanted = hashOf(name)
  let [low, high] = [0, rows.byteLength / ROW_BYTES]
  while (low < high) {
    const middle = (low + high) >> 1
    const hash = view.getBigUint64(middle * ROW_BYTES)
    if (hash === wanted) return view.getUint32(middle * ROW_BYTES + HASH_BYTES)
    if (hash < wanted) low = middle + 1
    else high = middle
  }
  return null
}

function hashOf(name: string): bigint {
  return prefixOf(encoder.encode(name))
}

function prefixOf(bytes: Uint8Array): bigint {
  return new DataView(sha256(bytes).buffer).getBigUint64(0)
}
