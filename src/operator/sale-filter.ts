/** Entries, or lines of statements, of some sales alone: the filter that a query asks for. */
import type { Context } from 'hono'
import type { SentSaleFacts } from '../ledger/sold.ts'

/** Whether an entry is of the sales that are asked for. */
export type SaleFilter = (entry: SentSaleFacts) => boolean

const FACTS = ['site', 'rule', 'policy', 'who'] as const

/** Whether the query asks for some sales alone. */
export function asksForSales({ req }: Context): boolean {
  return FACTS.some((name) => req.query(name) !== undefined)
}

/**
 * The filter of the query's `site`, `rule`, `policy` and `who`: an entry must equal each that is given, and an empty one asks
 * for entries without it. A rule also covers its factors: `RULES[2]` is the rule of `RULES[2] origin`.
 */
export function saleFilterOf({ req }: Context): SaleFilter {
  const [site, rule, policy, who] = FACTS.map((name) => req.query(name))
  const equals = (asked: string | undefined, fact: string | number | null | undefined) =>
    asked === undefined || asked === String(fact ?? '')
  return (entry) =>
    equals(site, entry.site) &&
    (equals(rule, entry.rule) || equals(rule, entry.rule?.split(' ', 1)[0])) &&
    equals(policy, entry.policy) &&
    equals(who, entry.who)
}
