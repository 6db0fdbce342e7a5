/** Amounts as people read them. */
import { formatUnits } from 'viem'

/** Dollars with at least three decimals, from micro-dollars (atomic units of USDC): `0.001`. */
export function formatUsd(amount: bigint): string {
  const [whole, decimals = ''] = formatUnits(amount, 6).split('.')
  return `${whole}.${decimals.padEnd(3, '0')}`
}
