/** The settings of gas: what the relayer may spend, and the least amounts that are worth it. */
import * as v from 'valibot'
import { GAS_TERMS, type GasTerms, type GasUse, worthItsGas } from '../chain/relayer/gas-money.ts'
import { type Policy, policySchemes } from '../paywall/policy.ts'
import type { ConfigProblem, Expected } from '../platform/problem.ts'
import { readWith } from '../platform/schema.ts'
import { parseDecimal, showUsd } from '../protocol/amount.ts'
import { SCHEMES, type SchemeName } from '../schemes/index.ts'
import { usd } from './schema.ts'

/** The relayer's terms, and the least amounts that hold at any gas price, in atomic units. */
export type GasConfig = GasTerms & { minDeposit: bigint; minRefund: bigint; minClaim: bigint }

const ETHER = 18
const GWEI = 9

/** How each setting of gas must look. */
export const GAS_EXPECTED = {
  MIN_DEPOSIT: { want: 'USD in quotes, at least "0.000001" and at most "5"', example: '"0.01"' },
  MIN_REFUND: { want: 'USD in quotes, at least "0.000001"', example: '"0.005"' },
  MIN_CLAIM: { want: 'USD in quotes, at least "0.000001"', example: '"0.001"' },
  MAX_FEE_GWEI: { want: 'gwei in quotes, above "0" and at most "10000"', example: '"25"' },
  NATIVE_PRICE: { want: "USD in quotes: the price of the network's native token", example: '"3000"' },
  GAS_RESERVE: { want: "an amount of the network's native token in quotes", example: '"0.001"' },
  GAS_PER_PAYER: { want: "an amount of the network's native token in quotes", example: '"0.002"' },
  GAS_NEW_PAYERS: { want: "an amount of the network's native token in quotes", example: '"0.02"' },
} as const satisfies Record<string, Expected>

const MAX_FEE_GWEI = 10_000n * 10n ** BigInt(GWEI)

const native = readWith((text) => {
  const wei = parseDecimal(text, ETHER)
  return wei === undefined ? null : { value: wei }
})

const fee = readWith((text) => {
  const wei = parseDecimal(text, GWEI)
  return wei !== undefined && wei > 0n && wei <= MAX_FEE_GWEI ? { value: wei } : null
})

/** The schemas of the settings of gas, by name. */
export const gasSettings = {
  MIN_DEPOSIT: v.optional(usd, '0.01'),
  MIN_REFUND: v.optional(usd, '0.005'),
  MIN_CLAIM: v.optional(usd, '0.001'),
  MAX_FEE_GWEI: v.optional(fee),
  NATIVE_PRICE: v.optional(usd),
  GAS_RESERVE: v.optional(native),
  GAS_PER_PAYER: v.optional(native),
  GAS_NEW_PAYERS: v.optional(native),
}

type Settings = v.InferOutput<v.ObjectSchema<typeof gasSettings, undefined>>

/** The gas part of the config. */
export function gasConfig(settings: Settings): GasConfig {
  return {
    minDeposit: settings.MIN_DEPOSIT,
    minRefund: settings.MIN_REFUND,
    minClaim: settings.MIN_CLAIM,
    maxFee: settings.MAX_FEE_GWEI ?? GAS_TERMS.maxFee,
    nativePrice: settings.NATIVE_PRICE ?? null,
    reserve: settings.GAS_RESERVE ?? GAS_TERMS.reserve,
    perPayer: settings.GAS_PER_PAYER ?? GAS_TERMS.perPayer,
    newPayers: settings.GAS_NEW_PAYERS ?? GAS_TERMS.newPayers,
  }
}

/** An ordinary fee on Base: 0.01 gwei. The real one is not known before the Worker runs. */
const ORDINARY_FEE = 10_000_000n
/** Assumed where NATIVE_PRICE is absent: $3,000. */
const ORDINARY_PRICE = 3_000_000_000n

/**
 * Amounts that cannot pay for their gas at an ordinary fee. Warnings only: gas may be cheaper, and an operator may accept
 * the loss.
 */
export function gasWarnings(
  policy: Policy,
  gas: GasConfig,
  isSet: (place: string) => boolean,
): ConfigProblem[] {
  const price = gas.nativePrice ?? ORDINARY_PRICE
  const warn = (place: string, use: GasUse, amount: bigint): ConfigProblem[] => {
    const least = worthItsGas(use, ORDINARY_FEE, price)
    const assumed = `at 0.01 gwei and ${showUsd(price)} for the native token`
    const message = `must be at least ${showUsd(least)} to pay for the gas of ${USES[use]}, ${assumed}`
    return amount < least ? [{ place, message }] : []
  }
  const paidFor = (schemes: Iterable<SchemeName>) =>
    new Set([...schemes].flatMap((name) => SCHEMES[name].gas?.(isSet) ?? []))
  const prices: [string, Policy['fallback']][] = [
    ['PRICE', policy.fallback],
    ...policy.rules
      .map((rule) => rule.decision)
      .filter(({ rule }) => typeof rule === 'number')
      .map((decision): [string, Policy['fallback']] => [`RULES[${decision.rule}].price`, decision]),
  ]
  const least: [string, GasUse, bigint][] = [
    ['MIN_DEPOSIT', 'deposit', gas.minDeposit],
    ['MIN_REFUND', 'refund', gas.minRefund],
    ['MIN_CLAIM', 'claim', gas.minClaim],
  ]
  const uses = paidFor(policySchemes(policy))
  return [
    ...prices
      .filter(([, { action, schemes }]) => action === 'charge' && paidFor(schemes).has('payment'))
      .flatMap(([place, { price }]) => warn(place, 'payment', price)),
    ...least.filter(([, use]) => uses.has(use)).flatMap((row) => warn(...row)),
  ]
}

const USES: Readonly<Record<GasUse, string>> = {
  deposit: 'a deposit and its claim',
  refund: 'a refund',
  payment: 'its transfer by our relayer',
  claim: 'a claim',
  sweep: 'a sweep',
}
