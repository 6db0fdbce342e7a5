import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  EMPTY_ROOT,
  leadsTo,
  leafHash,
  MerkleRoot,
  merklePath,
} from '../../../src/protocol/encoding/merkle.ts'
import { toHex } from '../../../src/protocol/evm/hex.ts'

function rootOf(leaves: readonly Uint8Array[]): string {
  const tree = new MerkleRoot()
  for (const leaf of leaves) tree.add(leaf)
  return tree.root()
}

async function sha256(...parts: (Uint8Array | number[])[]): Promise<Uint8Array> {
  const bytes = Uint8Array.from(parts.flatMap((part) => [...part]))
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** The definition of RFC 9162 §2.1.1, with the platform's hash function. */
async function definition(leaves: readonly Uint8Array[]): Promise<Uint8Array> {
  const [only] = leaves
  if (!only) return sha256()
  if (leaves.length === 1) return only
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256([1], await definition(leaves.slice(0, split)), await definition(leaves.slice(split)))
}

const texts = fc.array(fc.string(), { minLength: 1, maxLength: 40 })

describe('Merkle tree', () => {
  it('has the root that RFC 9162 defines, for any number of leaves', async () => {
    for (let size = 0; size <= 33; size++) {
      const leaves = Array.from({ length: size }, (_, at) => leafHash(`leaf ${at}`))
      expect(rootOf(leaves)).toBe(toHex(await definition(leaves)))
    }
    expect(rootOf([])).toBe(EMPTY_ROOT)
  })

  it('hashes leaves with another prefix than nodes', async () => {
    expect(toHex(leafHash('a'))).toBe(toHex(await sha256([0, 97])))
  })

  it('proves each leaf at its own index and size only', () => {
    fc.assert(
      fc.property(texts, fc.nat(), (words, pick) => {
        const leaves = words.map((word, at) => leafHash(`${at} ${word}`))
        const [size, index] = [leaves.length, pick % leaves.length]
        const root = rootOf(leaves)
        const path = merklePath(leaves, index)
        const leaf = leaves[index] ?? leafHash('')
        expect(leadsTo(root, leaf, { index, size, path })).toBe(true)
        expect(leadsTo(root, leafHash('another'), { index, size, path })).toBe(false)
        expect(leadsTo(root, leaf, { index, size, path: [...path, root] })).toBe(false)
        expect(leadsTo(root, leaf, { index: index + size, size, path })).toBe(false)
        for (let at = 0; at < path.length; at++) {
          expect(leadsTo(root, leaf, { index, size, path: path.with(at, root as `0x${string}`) })).toBe(false)
          expect(leadsTo(root, leaf, { index, size, path: path.toSpliced(at, 1) })).toBe(false)
        }
        for (let other = 0; other < size; other++) {
          if (other !== index) expect(leadsTo(root, leaf, { index: other, size, path })).toBe(false)
        }
      }),
    )
  })

  it('rejects a path that is not a list of hashes', () => {
    const leaves = [leafHash('a'), leafHash('b')]
    const proof = { index: 0, size: 2, path: ['0xzz'] }
    expect(leadsTo(rootOf(leaves), leafHash('a'), proof)).toBe(false)
    expect(leadsTo(rootOf(leaves), leafHash('a'), { ...proof, path: [] })).toBe(false)
    expect(leadsTo(rootOf(leaves), leafHash('a'), { ...proof, index: -1 })).toBe(false)
  })

  it('throws for the path of a leaf that is absent', () => {
    expect(() => merklePath([leafHash('a')], 1)).toThrow(RangeError)
  })
})
