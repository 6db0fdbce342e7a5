/** Keccak of short inputs is kept: the same selectors and type hashes are asked for at each call of a contract. */
import { keccak_256 as real } from '@noble/hashes/sha3.js'

export * from '@noble/hashes/sha3.js'

/** Longer inputs rarely come twice. */
const LONGEST = 512
/** Beyond it all are hashed again. */
const MOST = 50_000

const known = new Map<string, Uint8Array>()

function hash(input: Uint8Array): Uint8Array {
  if (!(input instanceof Uint8Array) || input.length > LONGEST) return real(input)
  const name = Buffer.from(input.buffer, input.byteOffset, input.length).latin1Slice()
  let made = known.get(name)
  if (!made) {
    if (known.size >= MOST) known.clear()
    made = real(input)
    known.set(name, made)
  }
  return made.slice()
}

/** As `keccak_256` of noble. */
export const keccak_256: typeof real = Object.assign(hash, real)
