/** Hex strings, with viem's type, and bytes. */

/** A hex string with the prefix 0x. */
export type Hex = `0x${string}`

/** An address in lower case: two addresses are equal when their strings are. */
export type Address = Hex

const SHAPE = /^0x[0-9a-fA-F]*$/
const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const NIBBLES = new Uint8Array(128)
for (let nibble = 0; nibble < 16; nibble++) {
  NIBBLES[nibble.toString(16).charCodeAt(0)] = nibble
  NIBBLES[nibble.toString(16).toUpperCase().charCodeAt(0)] = nibble
}

/** Whether a string is 0x and the hex digits of `bytes` bytes. */
export function isHex(value: string, bytes: number): value is Hex {
  return value.length === 2 + bytes * 2 && SHAPE.test(value)
}

/** Bytes as a hex string. */
export function toHex(bytes: Uint8Array): Hex {
  let text = '0x'
  for (const byte of bytes) text += PAIRS[byte]
  return text as Hex
}

/** Bytes of a hex string of even length; the caller has checked its shape with {@link isHex}. */
export function fromHex(hex: Hex): Uint8Array {
  const bytes = new Uint8Array((hex.length - 2) / 2)
  writeHex(hex, bytes, 0)
  return bytes
}

/** Writes the bytes of a checked hex string into a buffer, without allocating. */
export function writeHex(hex: Hex, into: Uint8Array, offset: number): void {
  for (let at = 2; at < hex.length; at += 2) {
    const high = NIBBLES[hex.charCodeAt(at)] ?? 0
    const low = NIBBLES[hex.charCodeAt(at + 1)] ?? 0
    into[offset++] = (high << 4) | low
  }
}
