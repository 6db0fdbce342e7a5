/** The `price` of a rule, and its bounds where the origin states it. */
import * as v from 'valibot'
import { DEFAULT_MOST } from '../../paywall/terms/adjust.ts'
import { parseUsd } from '../../protocol/amount.ts'
import { usd } from '../schema.ts'
import { factor, type RuleTable } from './term.ts'

const BY_ORIGIN = 'origin'

/** An amount, or `origin`: the origin states it for each page, and PRICE holds where it does not. PRICE where it is absent. */
export const price = factor({
  want: 'USD in quotes, at least "0.000001", or "origin"',
  example: '"0.002"',
  schema: v.optional(v.union([v.literal(BY_ORIGIN), usd])),
  actions: ['charge'],
  carry: (price) => (price === BY_ORIGIN ? { byOrigin: true } : { price }),
  describe: (price) => (price === BY_ORIGIN ? 'at the price of the origin' : undefined),
})

const bound = {
  want: 'USD in quotes, at least "0.000001"',
  example: '"0.01"',
  schema: v.optional(usd),
  actions: ['charge'],
} as const

/** The least that a crawler pays, whatever the origin states. */
export const min = factor({
  ...bound,
  misuse: (_, _action, rule) => misuse(rule),
  carry: (least) => ({ least }),
})

/** The most that a crawler pays, whatever the origin states. */
export const max = factor({
  ...bound,
  misuse: (_, _action, rule) => misuse(rule),
  carry: (most) => ({ most }),
})

function misuse({ price, min, max }: RuleTable): string | undefined {
  if (price !== BY_ORIGIN) return 'must be removed: only price "origin" uses it'
  const [least, most] = [min, max].map((text) => (typeof text === 'string' ? parseUsd(text) : undefined))
  const isEmpty = (least ?? 1n) > (most ?? DEFAULT_MOST)
  return isEmpty ? 'must leave a price between "min" and "max" ("1" where it is absent)' : undefined
}
