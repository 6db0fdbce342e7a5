/** The settings of gas: what the relayer may spend, and the least amounts that are worth it. */
import * as v from 'valibot'
import { type GasTerms, type GasUse, gasTermsOn, worthItsGas } from '../chain/relayer/gas-money.ts'
import { type Policy, policySchemes } from '../paywall/policy.ts'
import type { ConfigProblem, Expected } from '../platform/problem.ts'
import { readWith } from '../platform/schema.ts'
import { parseDecimal, showUsd } from '../protocol/amount.ts'
import type { Network } from '../protocol/evm/network.ts'
import { SCHEMES, type SchemeName } from '../schemes/index.ts'
import { byNetwork, valueOn } from './by-network.ts'
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
  MIN_DEPOSIT: v.optional(byNetwork(usd)),
  MIN_REFUND: v.optional(byNetwork(usd)),
  MIN_CLAIM: v.optional(byNetwork(usd)),
  MAX_FEE_GWEI: v.optional(byNetwork(fee)),
  NATIVE_PRICE: v.optional(byNetwork(usd)),
  GAS_RESERVE: v.optional(byNetwork(native)),
  GAS_PER_PAYER: v.optional(byNetwork(native)),
  GAS_NEW_PAYERS: v.optional(byNetwork(native)),
}

type Settings = v.InferOutput<v.ObjectSchema<typeof gasSettings, undefined>>

/** The gas part of the config of one network. */
export function gasConfig({ id, chainId }: Pick<Network, 'id' | 'chainId'>, settings: Settings): GasConfig {
  const on = (name: keyof Settings) => valueOn(settings[name], id)
  const terms = gasTermsOn(chainId)
  return {
    minDeposit: on('MIN_DEPOSIT') ?? LEAST.minDeposit,
    minRefund: on('MIN_REFUND') ?? LEAST.minRefund,
    minClaim: on('MIN_CLAIM') ?? LEAST.minClaim,
    maxFee: on('MAX_FEE_GWEI') ?? terms.maxFee,
    nativePrice: on('NATIVE_PRICE') ?? null,
    reserve: on('GAS_RESERVE') ?? terms.reserve,
    perPayer: on('GAS_PER_PAYER') ?? terms.perPayer,
    newPayers: on('GAS_NEW_PAYERS') ?? terms.newPayers,
  }
}

/** The least amounts where the operator states none. Atomic units. */
const LEAST = { minDeposit: 10_000n, minRefund: 5_000n, minClaim: 1_000n }

/** Wei per gas, and the price of one native token in atomic units, on an ordinary day of 2026. By chain id. */
const ORDINARY: Readonly<Record<number, { fee: bigint; price: bigint }>> = {
  1: { fee: 2_000_000_000n, price: 3_000_000_000n },
  137: { fee: 50_000_000_000n, price: 250_000n },
  42161: { fee: 20_000_000n, price: 3_000_000_000n },
  43114: { fee: 2_000_000_000n, price: 20_000_000n },
}
const ON_BASE = { fee: 10_000_000n, price: 3_000_000_000n }

/**
 * Amounts that cannot pay for their gas at an ordinary fee of a network. Warnings only: gas may be cheaper, and an operator
 * may accept the loss. `isSet` says of a setting whether it holds on this network.
 */
export function gasWarnings(
  policy: Policy,
  { network, gas }: { network: Network; gas: GasConfig },
  isSet: (place: string) => boolean,
): ConfigProblem[] {
  const ordinary = ORDINARY[network.chainId] ?? ON_BASE
  const price = gas.nativePrice ?? ordinary.price
  const warn = (place: string, use: GasUse, amount: bigint): ConfigProblem[] => {
    const least = worthItsGas(use, ordinary.fee, price)
    const assumed = `at ${Number(ordinary.fee) / 1e9} gwei and ${showUsd(price)} for the native token`
    const where = policy.networks.length > 1 ? ` on ${network.title}` : ''
    const message = `must be at least ${showUsd(least)} to pay for the gas of ${USES[use]}${where}, ${assumed}`
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
