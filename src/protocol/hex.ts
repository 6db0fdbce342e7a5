/** Hex strings as viem types them. */
export type Hex = `0x${string}`

/** An address in lower case: two addresses are equal when their strings are. */
export type Address = Hex

export function isHex(value: string, bytes: number): value is Hex {
  return value.length === 2 + bytes * 2 && /^0x[0-9a-fA-F]*$/.test(value)
}

export function toHex(bytes: Uint8Array): Hex {
  let text = '0x'
  for (const byte of bytes) text += (byte < 16 ? '0' : '') + byte.toString(16)
  return text as Hex
}

/** Bytes of a hex string of even length; the caller has checked its shape with {@link isHex}. */
export function fromHex(hex: Hex): Uint8Array {
  const bytes = new Uint8Array((hex.length - 2) / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 + i * 2, 4 + i * 2), 16)
  return bytes
}
