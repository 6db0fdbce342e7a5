/** The price of our transactions, and how much gas a payer may cost us. Pure. */
import type { Address } from '../../protocol/evm/hex.ts'
import type { Reason } from '../../protocol/refusal.ts'
import type { Fees } from './gas.ts'

/** A transaction that a payer makes us send. Claims and sweeps are not: they may use the reserve. */
export type Sponsored = {
  kind: 'deposit' | 'refund' | 'payment'
  payer: Address
  /** The amount that it moves, in atomic units. */
  amount: bigint
}

/** Everything that our gas pays for. */
export type GasUse = Sponsored['kind'] | 'claim' | 'sweep'

/** The terms on which a relayer pays for gas. */
export type GasTerms = {
  /** The maximum fee per gas, in wei. */
  maxFee: bigint
  /** The price of one native token, in atomic units. Null: least amounts do not follow the gas price. */
  nativePrice: bigint | null
  /** Kept for claims and sweeps, in wei. */
  reserve: bigint
  /** The most that one payer may cost in a day (UTC), in wei. */
  perPayer: bigint
  /** The most that all payers of their first day may cost together, in wei. */
  newPayers: bigint
}

/** The terms on Base, and on each network that {@link gasTermsOn} leaves out. docs/policy.md states them. */
export const GAS_TERMS: GasTerms = {
  maxFee: 25_000_000_000n,
  nativePrice: null,
  reserve: 1_000_000_000_000_000n,
  perPayer: 2_000_000_000_000_000n,
  newPayers: 20_000_000_000_000_000n,
}

const [GWEI, MILLI] = [10n ** 9n, 10n ** 15n]

/** By chain id: gas costs more than on Base, or the native token is worth less. */
const OTHER_TERMS: Readonly<Record<number, Partial<GasTerms>>> = {
  1: { reserve: 20n * MILLI, perPayer: 20n * MILLI, newPayers: 200n * MILLI },
  137: {
    maxFee: 1_000n * GWEI,
    reserve: 2_000n * MILLI,
    perPayer: 2_000n * MILLI,
    newPayers: 20_000n * MILLI,
  },
  43114: { maxFee: 100n * GWEI, reserve: 100n * MILLI, perPayer: 200n * MILLI, newPayers: 2_000n * MILLI },
}

/** The terms of a relayer whose operator set none. */
export function gasTermsOn(chainId: number): GasTerms {
  return { ...GAS_TERMS, ...OTHER_TERMS[chainId] }
}

/**
 * Why an order was declined before anything was signed.
 * - `below_gas`: it moves less than it costs.
 * - `payer_budget`: its payer has cost as much as a payer may today.
 * - `new_payers_budget`: payers of their first day have.
 * - `reserve`: the rest is kept for claims.
 */
export type Declined = 'below_gas' | 'payer_budget' | 'new_payers_budget' | 'reserve'

/** Gas of one transaction, or of one row of a claim among a hundred. Rounded up from test/schemes/gas.test.ts and the bench. */
export const GAS: Readonly<Record<GasUse, bigint>> = {
  deposit: 150_000n,
  refund: 130_000n,
  payment: 75_000n,
  claim: 23_000n,
  sweep: 65_000n,
}

// A deposit that is spent must also be claimed.
const FOLLOWED_BY: Partial<Record<GasUse, GasUse>> = { deposit: 'claim' }

/** Wei in one native token. */
const WEI = 10n ** 18n

/**
 * The least amount that is worth its gas, in atomic units, rounded up. `fee`: wei per gas. 0 without a `nativePrice`.
 * Leaves out the data fee of rollups: it is small beside the gas of a transaction, and no setting can state it.
 */
export function worthItsGas(use: GasUse, fee: bigint, nativePrice: bigint | null): bigint {
  const next = FOLLOWED_BY[use]
  const wei = (GAS[use] + (next ? GAS[next] : 0n)) * fee
  return (wei * (nativePrice ?? 0n) + WEI - 1n) / WEI
}

/** The fee per gas that a block mined now asks for: the base fee and the tip. */
export function feeNow({ baseFee, tip }: { baseFee: bigint; tip: bigint }): bigint {
  return baseFee + tip
}

/** The worst cost of a transaction, in wei: the node reserves it. */
export function worstCost(gas: bigint, { maxFee }: Pick<Fees, 'maxFee'>): bigint {
  return gas * maxFee
}

/** The balance below which an operator must be warned, in wei. Above it, the reserve is still untouched. */
export function lowWater({ reserve }: Pick<GasTerms, 'reserve'>): bigint {
  return 2n * reserve
}

/** The public reason of a declined order. A payer at its limit pays another way; the rest may be asked for again. */
export function reasonOfDeclined(declined: Declined, kind: Sponsored['kind']): Reason {
  switch (declined) {
    case 'below_gas':
      return BELOW_GAS[kind]
    case 'payer_budget':
      return 'gas_budget'
    case 'new_payers_budget':
    case 'reserve':
      return 'gas_unavailable'
  }
}

const BELOW_GAS = {
  deposit: 'deposit_too_small',
  refund: 'refund_too_small',
  payment: 'exact_below_gas',
} as const satisfies Record<Sponsored['kind'], Reason>
