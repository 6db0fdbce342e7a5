/** Recovers the signer of a digest by the contract's rules, and signs with our own key. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { type Address, fromHex, type Hex, isHex, toHex } from './hex.ts'
import { Curve } from './libsecp256k1.ts'

/** Half of the curve's order: a signature above it has a twin below, and contracts take only the one below. */
const HALF_ORDER = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0'

/** Loaded at the first signature, so that a request without one never pays for it. */
let loaded: Curve | undefined
function curve(): Curve {
  loaded ??= new Curve()
  return loaded
}

/**
 * The address whose key signed the digest; `undefined` where `ecrecover` behind the checks of OpenZeppelin and Circle
 * refuses: not 65 bytes, v other than 27 or 28, high s, r or s zero or not below the order, r not on the curve.
 */
export function recover(digest: Uint8Array, signature: Hex): Address | undefined {
  return recoverKey(digest, signature) && addressOfLastKey()
}

/** Public keys of addresses that have signed before: comparing them saves serializing and hashing the recovered one. */
const keys = new Map<Address, Uint8Array>()
const MOST_KEYS = 4096

/**
 * Whether the address signed the digest, by the rules of {@link recover}.
 *
 * Trap: a known key is still recovered and compared, never verified against. Verification does not look at v, so it
 * would take a signature with the wrong v, which the contract refuses.
 */
export function signedBy(digest: Uint8Array, signature: Hex, address: Address): boolean {
  const key = recoverKey(digest, signature)
  if (!key) return false
  const known = keys.get(address)
  if (known) return known.every((byte, at) => byte === key[at])
  const recovered = key.slice()
  if (addressOfLastKey() !== address) return false
  if (keys.size >= MOST_KEYS) keys.clear()
  keys.set(address, recovered)
  return true
}

/** The address of a private key. Throws a `RangeError` when it is not one. */
export function addressOf(privateKey: Hex): Address {
  if (!isHex(privateKey, 32) || !curve().derive(fromHex(privateKey)))
    throw new RangeError('not a private key')
  return addressOfLastKey()
}

/** A signature of a digest, 65 bytes as {@link recover} takes them. Throws a `RangeError` when the key is none. */
export function sign(digest: Uint8Array, privateKey: Hex): Hex {
  if (digest.length !== 32) throw new RangeError('a digest has 32 bytes')
  const signed = isHex(privateKey, 32) && curve().sign(fromHex(privateKey), digest)
  if (!signed) throw new RangeError('not a private key')
  return `${toHex(signed.rs)}${signed.recovery ? '1c' : '1b'}`
}

function recoverKey(digest: Uint8Array, signature: Hex): Uint8Array | undefined {
  if (digest.length !== 32) throw new RangeError('a digest has 32 bytes')
  if (!isHex(signature, 65)) return undefined
  const lower = signature.toLowerCase() as Hex
  if (lower.slice(66, 130) > HALF_ORDER) return undefined
  const v = lower.slice(130)
  if (v !== '1b' && v !== '1c') return undefined
  return curve().recover(digest, lower.slice(0, 130) as Hex, v === '1b' ? 0 : 1)
}

function addressOfLastKey(): Address {
  return toHex(keccak_256(curve().point()).subarray(12))
}
