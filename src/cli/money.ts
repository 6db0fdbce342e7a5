/** Amounts as people read them. */
import { decimalUsd } from '../platform/csv.ts'

/** Dollars with at least three decimals, from micro-dollars (atomic units of USDC): `0.001`. */
export function formatUsd(amount: bigint): string {
  return decimalUsd(amount).replace(/0{1,3}$/, '')
}
