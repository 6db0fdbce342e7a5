/** Amounts: `bigint` atomic units in code, canonical decimal strings on the wire, 39-digit text in SQL. */

const CANONICAL = /^(0|[1-9][0-9]{0,38})$/
const DECIMAL = /^(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,18}))?$/

/** The largest amount: 2^128 - 1, the contract's `uint128`. */
export const MAX_AMOUNT = (1n << 128n) - 1n

/** Reads a canonical decimal amount; anything else (signs, zeros in front, spaces, hex, > 2^128-1) is `undefined`. */
export function parseAmount(text: string): bigint | undefined {
  if (!CANONICAL.test(text)) return undefined
  const amount = BigInt(text)
  return amount > MAX_AMOUNT ? undefined : amount
}

/** 39 zero-padded digits, so that SQLite's text comparison is the numeric one. */
export function padAmount(amount: bigint): string {
  if (amount < 0n || amount > MAX_AMOUNT) throw new RangeError(`not an amount: ${amount}`)
  return amount.toString().padStart(39, '0')
}

/** Reads what {@link padAmount} wrote. */
export function unpadAmount(text: string): bigint {
  if (!/^[0-9]{39}$/.test(text)) throw new RangeError(`not a padded amount: ${text}`)
  return BigInt(text)
}

/** USD with at most six decimals ("0.001") to atomic units of a token with six decimals; otherwise `undefined`. */
export function parseUsd(text: string): bigint | undefined {
  return parseDecimal(text, 6)
}

/** A decimal with at most `places` places after the point (18 or fewer), times ten to that power; otherwise `undefined`. */
export function parseDecimal(text: string, places: number): bigint | undefined {
  const [, whole, fraction = ''] = DECIMAL.exec(text) ?? []
  if (whole === undefined || fraction.length > places) return undefined
  return BigInt(whole) * 10n ** BigInt(places) + BigInt(fraction.padEnd(places, '0'))
}

/** Atomic units to USD for a person: "$0.001". */
export function showUsd(amount: bigint): string {
  const fraction = (amount % 1_000_000n)
    .toString()
    .padStart(6, '0')
    .replace(/0{1,4}$/, '')
  return `$${amount / 1_000_000n}.${fraction}`
}
