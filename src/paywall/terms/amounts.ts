/** The arithmetic of prices: integers of a micro-dollar, rounded half up once, and never below 1. Pure. */
import { parseDecimal } from '../../protocol/amount.ts'

/** The digits that a price of the moment keeps, so that the offers of a site stay few. */
const SIGNIFICANT_DIGITS = 3

/** `numerator / denominator`, rounded half up; at least 1 unless it is zero. Both must not be negative. */
export function rounded(numerator: bigint, denominator: bigint): bigint {
  const result = (2n * numerator + denominator) / (2n * denominator)
  return result === 0n && numerator > 0n ? 1n : result
}

/** A price with at most three significant digits, rounded half up. Zero stays zero. */
export function quantized(price: bigint): bigint {
  const surplus = price.toString().length - SIGNIFICANT_DIGITS
  if (surplus <= 0) return price
  const unit = 10n ** BigInt(surplus)
  return rounded(price, unit) * unit
}

/** The nearest price between two, both included. */
export function clamped(price: bigint, least: bigint, most: bigint): bigint {
  if (price < least) return least
  return price > most ? most : price
}

/** USD as a decimal with up to 18 places, in micro-dollars; undefined for any other text. */
export function microUsd(text: string): bigint | undefined {
  const attos = parseDecimal(text, 18)
  return attos === undefined ? undefined : rounded(attos, 10n ** 12n)
}
