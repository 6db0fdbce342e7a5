/** How much gas a transaction may use, and what is paid for it. Pure. */
import type { Hex } from '../../protocol/evm/hex.ts'

/** Wei per gas, EIP-1559. */
export type Fees = { maxFee: bigint; tip: bigint }

/** EIP-7825: no transaction may ask for more. */
export const GAS_CAP = 16_777_216n

// An estimate answers for the state of now. `settle` returns early while nothing is claimed, and a claim that is mined in
// between makes it transfer after all (x402#2374): so no call is sent with less than it can come to need.
const FLOORS: Record<string, bigint> = {
  '0x9db32a8f': 120_000n, // settle(address,address)
  '0x140f1e75': 250_000n, // deposit(C,uint128,address,bytes)
  '0xdce4bfae': 150_000n, // refund(C,uint128)
  '0xac9650d8': 250_000n, // multicall(bytes[])
  '0xe3ee160e': 120_000n, // transferWithAuthorization(…,uint8,bytes32,bytes32)
}

/** The gas limit to send with: a third over the estimate, never under the call's floor. */
export function gasLimit(data: Hex, estimate: bigint): bigint {
  const ample = (estimate * 4n) / 3n
  const floor = FLOORS[data.slice(0, 10)] ?? 21_000n
  const limit = ample > floor ? ample : floor
  return limit > GAS_CAP ? GAS_CAP : limit
}

/** Fees that outlive a doubling of the base fee; `undefined` when even the base fee is over what may be spent. */
export function firstFees(baseFee: bigint, tip: bigint, most: bigint): Fees | undefined {
  if (baseFee > most) return undefined
  const wanted = baseFee * 2n + tip
  const maxFee = wanted > most ? most : wanted
  return { maxFee, tip: tip > maxFee ? maxFee : tip }
}

/**
 * Fees that replace `last` in every pool (at least a tenth more of both, we give an eighth), and are no less than what is
 * asked now; `undefined` when that is more than may be spent.
 */
export function nextFees(last: Fees, now: Fees, most: bigint): Fees | undefined {
  const bump = (fee: bigint) => fee + fee / 8n + 1n
  const maxFee = max(bump(last.maxFee), now.maxFee)
  const tip = max(bump(last.tip), now.tip)
  return maxFee > most || tip > maxFee ? undefined : { maxFee, tip }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
