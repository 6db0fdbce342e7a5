/** The one list of wire dialects, in the order in which a request is read. A new dialect is a file and a line here. */
import type { Dialect } from './dialect.ts'
import { payPerCrawl } from './pay-per-crawl.ts'
import { x402v1 } from './x402-v1.ts'
import { x402v2 } from './x402-v2.ts'

/** All dialects; a request that speaks several is read in the first. */
export const DIALECTS: readonly Dialect[] = [x402v2, x402v1, payPerCrawl]

/** The dialect that a request pays in; undefined where it does not pay. */
export function dialectOf(headers: Headers): Dialect | undefined {
  return DIALECTS.find((dialect) => dialect.pays(headers))
}

/** The dialect that a refusal speaks: the payment's own, or the one that the offers can be paid in; null for plain HTTP. */
export function speakerOf(
  dialect: Dialect | undefined,
  offers: Parameters<Dialect['read']>[1],
): Dialect | null {
  if (dialect && !dialect.offered) return dialect
  return DIALECTS.find((other) => other.offered?.(offers)) ?? null
}
