/** Gas limits and fees of transactions. Pure. */
import type { Hex } from '../../protocol/evm/hex.ts'

/** Wei per gas, EIP-1559. */
export type Fees = { maxFee: bigint; tip: bigint }

/** The maximum gas limit of a transaction (EIP-7825). */
export const GAS_CAP = 16_777_216n

/** The gas of a transaction that calls no contract. */
export const PLAIN_GAS = 21_000n

// Trap: an estimate holds for the current state only. `settle` returns early while nothing is claimed, but transfers after
// a claim is mined in between (x402#2374). No call is sent with less than its floor.
const FLOORS: Record<string, bigint> = {
  '0x9db32a8f': 120_000n, // settle(address,address)
  '0x140f1e75': 250_000n, // deposit(C,uint128,address,bytes)
  '0xdce4bfae': 150_000n, // refund(C,uint128)
  '0xac9650d8': 250_000n, // multicall(bytes[])
  '0xe3ee160e': 120_000n, // transferWithAuthorization(…,uint8,bytes32,bytes32)
}

/** The gas limit of a transaction: a third above the estimate, and at least the call's floor. */
export function gasLimit(data: Hex, estimate: bigint): bigint {
  const ample = (estimate * 4n) / 3n
  const floor = FLOORS[data.slice(0, 10)] ?? PLAIN_GAS
  const limit = ample > floor ? ample : floor
  return limit > GAS_CAP ? GAS_CAP : limit
}

/** Fees that cover a doubled base fee; undefined when the base fee exceeds `most`, in wei per gas. */
export function firstFees(baseFee: bigint, tip: bigint, most: bigint): Fees | undefined {
  if (baseFee > most) return undefined
  const wanted = baseFee * 2n + tip
  const maxFee = wanted > most ? most : wanted
  return { maxFee, tip: tip > maxFee ? maxFee : tip }
}

/**
 * Fees that replace `last` in every pool and are at least `now`; undefined when they exceed `most`. Pools require a tenth
 * more of both fees; we add an eighth.
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
