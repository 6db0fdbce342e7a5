/** Rules, compiled, and the search for the first that covers a request. */
import type { Asker } from '../identity/classify.ts'
import type { Reading } from './readings.ts'
import { RuleIndex, type Scope } from './rule-index.ts'
import type { Dated } from './terms/age.ts'

/** One reading of a request. */
export type Facts = Omit<Dated, 'path'> & {
  /** In upper case, and GET in the place of HEAD. */
  method: string
  path: Reading
  asker: Asker
  /** The host of an agent whose signature is valid. */
  signer?: string
  /** ISO 3166, or `T1` for Tor. Absent where the platform names none: rules take that for `none`. */
  country?: string | undefined
  /** Paths of the sitemaps that the site's own robots.txt names, as rules see them. */
  sitemaps?: ReadonlySet<string> | undefined
}

/** Whether one term of a rule covers a request. */
export type Condition = (facts: Facts) => boolean

/** A rule as the search sees it. It covers the requests that fulfil all of its conditions. */
export type Covering = { conditions: readonly Condition[]; scope: Scope }

/** Finds the first rule, in the order of the list, that covers the request. */
export type Search<Rule> = (facts: Facts) => Rule | undefined

/** The keys of a client by which {@link Scope} bounds rules: its kind, class and name. An `allow` takes a refuted name for `other`. */
export function askerKeys(asker: Asker): readonly string[] {
  if (asker.kind === 'reader') return ['readers']
  return ['crawlers', 'other', asker.class, asker.name?.toLowerCase() ?? asker.class]
}

/** Compiles the search. Its time grows with the rules for the same client and the same ends of a path, not with all. */
export function compileSearch<Rule extends Covering>(rules: readonly Rule[]): Search<Rule> {
  const index = new RuleIndex(rules.map(({ scope }) => scope))
  const coversAt = (at: number, facts: Facts) => covers(rules[at] as Rule, facts)
  return (facts) => {
    const at = index.first(facts.path.match, askerKeys(facts.asker), coversAt, facts)
    return at === undefined ? undefined : rules[at]
  }
}

/** Tries all rules in order. */
export function scan<Rule extends Covering>(rules: readonly Rule[]): Search<Rule> {
  return (facts) => {
    for (const rule of rules) if (covers(rule, facts)) return rule
    return undefined
  }
}

function covers({ conditions }: Covering, facts: Facts): boolean {
  for (const holds of conditions) if (!holds(facts)) return false
  return true
}
