/** The `pass` of a rule: pages that one payment opens for a while. */
import * as v from 'valibot'
import { compilePattern } from '../../paywall/pattern.ts'
import type { Decision } from '../../paywall/policy.ts'
import { showDuration } from '../../paywall/terms/dates.ts'
import { type Pass, passAddress } from '../../paywall/terms/passes.ts'
import { onlyKeys, readWith } from '../../platform/schema.ts'
import { DAY_MS } from '../../platform/time.ts'
import { usd } from '../schema.ts'
import { duration } from './duration.ts'
import { factor } from './term.ts'

const LONGEST_MS = 31 * DAY_MS

/** The pass of a rule. It is charged by the rule's schemes, and kept open to its payer as a page is. */
export function passOf(
  { price, lasts, path }: { price: bigint; lasts: number; path: string },
  { schemes, rule, why }: Decision,
): Pass<Decision> {
  const address = passAddress(path)
  const factors = ['pass']
  const decision: Decision = {
    action: 'charge',
    price,
    schemes,
    rule,
    why,
    factors,
    recrawlMs: lasts,
    pass: { address, path },
  }
  return { address, path, covers: compilePattern(path) ?? (() => false), decision }
}

/** A path that is part of an address: the text before the first `*` must be as a URL has it. */
const pagesOf = readWith((text) =>
  compilePattern(text) && /^\/[a-z0-9\-._~/]*\*$/i.test(text)
    ? { value: text }
    : 'must be a path of letters, digits and "-._~/" with one "*" at its end',
)

/** Bound to its payer, a wallet or an agent. */
export const passTerm = factor({
  want: '{ price = "1", lasts = "24h", path = "/archive/*" }',
  example: '{ price = "1", lasts = "24h", path = "/archive/*" }',
  schema: v.optional(
    v.pipe(
      v.looseObject({ price: usd, lasts: duration(LONGEST_MS, ', and at most "31d"'), path: pagesOf }),
      onlyKeys(['price', 'lasts', 'path']),
    ),
  ),
  actions: ['charge'],
  carry: () => ({}),
  describe: (read) =>
    read ? `with a pass at ${passAddress(read.path)} for ${showDuration(read.lasts)}` : undefined,
})
