/** The factors of a rule that has matched. Pure. */
import type { SchemeName } from '../../schemes/index.ts'
import { type Dated, publishedAt } from './age.ts'
import { clamped, quantized } from './amounts.ts'

/** By default x402 clients pay no more than this for one request: $1. Micro-dollars. */
export const DEFAULT_MOST = 1_000_000n

/** The fields of a decision that factors read and set. Amounts in micro-dollars. */
export type Adjustable = {
  action: 'charge' | 'allow' | 'block'
  price: bigint
  schemes: readonly SchemeName[]
  /** A `block` that ends once the page is this old, in milliseconds. */
  embargoMs?: number
  /** When an embargo ends, in Unix milliseconds. */
  opensAt?: number
  /** The origin states the price, between `least` and `most`. `price` holds where it does not. */
  byOrigin?: boolean
  /** 1 where it is absent. */
  least?: bigint
  /** {@link DEFAULT_MOST} where it is absent. */
  most?: bigint
  /** The origin may ask for less than the price on its answer. */
  isCeiling?: boolean
  /** Prices that fall with the pages of a month, on credit. */
  steps?: readonly { from: number; price: bigint }[] | undefined
  /** The addresses of passes that open the page. */
  passes?: readonly string[]
  /** The pass that is bought, and the pages that it opens. */
  pass?: { address: string; path: string }
  /** The pages that a confirmed crawler gets free each day. */
  freePages?: number
  /** How long a page is free again for a payer that has paid for it, in milliseconds. */
  recrawlMs?: number
  /** The names of the factors that made the price, in the order in which they were applied. */
  factors?: readonly string[]
}

/** The decision of a rule for one request. Returns the same object for a rule without factors. */
export function adjusted<Decision extends Adjustable>(decision: Decision, facts: Dated): Decision {
  if (decision.embargoMs !== undefined) return embargoed(decision, decision.embargoMs, facts)
  return decision.byOrigin ? pricedByOrigin(decision, facts) : decision
}

function embargoed<Decision extends Adjustable>(decision: Decision, ms: number, facts: Dated): Decision {
  const published = publishedAt(facts)
  // A date in the future is the age 0, but the page opens when it is that old.
  return published === undefined ? decision : { ...decision, opensAt: published + ms }
}

function pricedByOrigin<Decision extends Adjustable>(decision: Decision, { origin, lacks }: Dated): Decision {
  if (!origin && lacks) lacks.origin = true
  const stated = origin?.price ?? null
  if (stated === null) return decision
  const factors = [...(decision.factors ?? []), 'origin']
  if (stated === 'block') return { ...decision, action: 'block', price: 0n, schemes: [], factors }
  const { least = 1n, most = DEFAULT_MOST } = decision
  if (stated === 0n) return { ...decision, action: 'allow', price: 0n, schemes: [], factors }
  return { ...decision, price: clamped(quantized(stated), least, most), factors }
}
