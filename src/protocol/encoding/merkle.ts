/** Merkle trees over SHA-256, shaped as in RFC 9162 §2.1: a root that vouches for every leaf, and short proofs. */
import { sha256 } from '@noble/hashes/sha2.js'
import { fromHex, type Hex, isHex, toHex } from '../evm/hex.ts'

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)
const encoder = new TextEncoder()

/** The root of no leaves at all. */
export const EMPTY_ROOT = toHex(sha256(new Uint8Array()))

/** The digest of one leaf. Leaves and nodes are hashed apart, so that no node can pass for a leaf. */
export function leafHash(text: string): Uint8Array {
  return sha256.create().update(LEAF).update(encoder.encode(text)).digest()
}

/** Grows a tree a leaf at a time, in memory that grows with its height. */
export class MerkleRoot {
  /** Roots of the complete subtrees that the leaves so far make, the largest first. */
  #peaks: { height: number; hash: Uint8Array }[] = []

  add(leaf: Uint8Array): void {
    let peak = { height: 0, hash: leaf }
    for (let last = this.#peaks.at(-1); last?.height === peak.height; last = this.#peaks.at(-1)) {
      this.#peaks.pop()
      peak = { height: peak.height + 1, hash: nodeHash(last.hash, peak.hash) }
    }
    this.#peaks.push(peak)
  }

  root(): Hex {
    const root = this.#peaks.reduceRight<Uint8Array | null>(
      (right, { hash }) => (right ? nodeHash(hash, right) : hash),
      null,
    )
    return root ? toHex(root) : EMPTY_ROOT
  }
}

/** The inclusion proof from leaf `index` to the root, nearest first (RFC 9162 §2.1.3.1). @throws RangeError for other indices */
export function merklePath(leaves: readonly Uint8Array[], index: number): Hex[] {
  if (!(index in leaves)) throw new RangeError(`no leaf ${index} among ${leaves.length}`)
  const path: Hex[] = []
  let level = leaves
  for (let at = index; level.length > 1; at >>= 1) {
    const sibling = level[at ^ 1]
    if (sibling) path.push(toHex(sibling))
    level = parents(level)
  }
  return path
}

/** Whether `path` leads from `leaf`, the `index`-th of `size`, to `root` (RFC 9162 §2.1.3.2). */
export function leadsTo(
  root: string,
  leaf: Uint8Array,
  { index, size, path }: { index: number; size: number; path: readonly string[] },
): boolean {
  if (!(index >= 0 && index < size)) return false
  let hash = leaf
  let last = size - 1
  let at = index
  let taken = 0
  for (; last > 0; last >>= 1, at >>= 1) {
    if (at === last && (at & 1) === 0) continue
    const sibling = path[taken++] ?? ''
    if (!isHex(sibling, 32)) return false
    hash = at & 1 ? nodeHash(fromHex(sibling), hash) : nodeHash(hash, fromHex(sibling))
  }
  return taken === path.length && toHex(hash) === root
}

/** One level up. The last node of an odd number lacks a sibling and moves up unchanged. */
function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const up: Uint8Array[] = []
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at], level[at + 1]]
    if (left) up.push(right ? nodeHash(left, right) : left)
  }
  return up
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256.create().update(NODE).update(left).update(right).digest()
}
