/** Building blocks for the schemas of terms and settings. */

import { readWith } from '../platform/schema.ts'
import { parseUsd } from '../protocol/amount.ts'

/** USD above zero, in atomic units. */
export const usd = readWith((text) => {
  const amount = parseUsd(text)
  return amount !== undefined && amount > 0n ? { value: amount } : null
})
