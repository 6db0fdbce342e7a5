/** Rules, compiled, and the search for the first that covers a request. */
import type { Asker } from '../identity/classify.ts'
import type { Reading } from './readings.ts'
import type { Dated } from './terms/age.ts'

/** One reading of a request: the method in upper case and GET in the place of HEAD. `now` is in Unix milliseconds. */
export type Facts = Omit<Dated, 'path'> & { method: string; path: Reading; asker: Asker }

/** Whether one term of a rule covers a request. */
export type Condition = (facts: Facts) => boolean

/** The literal text at both ends of a pattern; `isExact` where there is no `*` between them. */
export type Span = { head: string; tail: string; isExact: boolean }

/**
 * Bounds within which a rule may cover a request, by which rules are found without being tried. Outside of them it covers
 * nothing; an absent bound excludes nothing.
 */
export type Scope = {
  /** Keys of {@link keysOf}; each client that the rule covers has one of them. */
  askers?: readonly string[] | undefined
  span?: Span | undefined
}

/** A rule as the search sees it. It covers the requests that fulfil all of its conditions. */
export type Covering = { conditions: readonly Condition[]; scope: Scope }

/** Finds the first rule, in the order of the list, that covers the request. */
export type Search<Rule> = (facts: Facts) => Rule | undefined

/** Fewer rules are tried one after the other, which is as fast. */
const MIN_INDEXED = 16
/** Longer ends of patterns are cut for the index, so that a decision takes few look-ups whatever the patterns are. */
const MAX_HEAD_CHARS = 48
const MAX_TAIL_CHARS = 16

/** The keys of a client by which {@link Scope} bounds rules: its kind, class and name. A refuted name may be no name at all. */
export function keysOf(asker: Asker): readonly string[] {
  if (asker.kind === 'reader') return ['readers']
  return ['crawlers', 'other', asker.class, asker.name?.toLowerCase() ?? asker.class]
}

/** Compiles the search. Its time grows with the rules for the same client and the same ends of a path, not with all. */
export function compileSearch<Rule extends Covering>(rules: readonly Rule[]): Search<Rule> {
  return rules.length < MIN_INDEXED ? scan(rules) : indexed(rules)
}

/** Tries all rules in order. */
export function scan<Rule extends Covering>(rules: readonly Rule[]): Search<Rule> {
  return (facts) => {
    for (const rule of rules) if (covers(rule, facts)) return rule
    return undefined
  }
}

/** Positions in the list, ascending, by the key of a client; under `ANYONE` those of rules without that bound. */
type ByAsker = Map<string, number[]>
const ANYONE = ''

/** Values by texts that stand at one end of a path; `lengths` are those of the texts, ascending. */
type ByText<Value> = { lengths: number[]; values: Map<string, Value> }

function indexed<Rule extends Covering>(rules: readonly Rule[]): Search<Rule> {
  const exact = new Map<string, ByAsker>()
  const heads: ByText<ByText<ByAsker>> = { lengths: [], values: new Map() }
  for (const [at, { scope }] of rules.entries()) {
    const { head, tail, isExact } = scope.span ?? { head: '', tail: '', isExact: false }
    const byAsker = isExact
      ? entry(exact, head, newByAsker)
      : entryOf(
          entryOf(heads, head.slice(0, MAX_HEAD_CHARS), newByText<ByAsker>),
          tail.slice(Math.max(0, tail.length - MAX_TAIL_CHARS)),
          newByAsker,
        )
    for (const key of new Set(scope.askers ?? [ANYONE])) entry(byAsker, key, newList).push(at)
  }
  return (facts) => {
    const { match } = facts.path
    const keys = new Set([ANYONE, ...keysOf(facts.asker)])
    let best = rules.length
    const tryAll = (byAsker: ByAsker) => {
      for (const key of keys) best = firstBelow(best, byAsker.get(key), rules, facts)
    }
    const here = exact.get(match)
    if (here) tryAll(here)
    for (const headLength of heads.lengths) {
      if (headLength > match.length) break
      const tails = heads.values.get(match.slice(0, headLength))
      if (!tails) continue
      for (const length of tails.lengths) {
        if (length > match.length) break
        const found = tails.values.get(match.slice(match.length - length))
        if (found) tryAll(found)
      }
    }
    return rules[best]
  }
}

/** The first position below `best` whose rule covers the request, else `best`. */
function firstBelow(
  best: number,
  positions: readonly number[] | undefined,
  rules: readonly Covering[],
  facts: Facts,
): number {
  if (!positions) return best
  for (const at of positions) {
    if (at >= best) return best
    const rule = rules[at]
    if (rule && covers(rule, facts)) return at
  }
  return best
}

function covers({ conditions }: Covering, facts: Facts): boolean {
  for (const holds of conditions) if (!holds(facts)) return false
  return true
}

const newList = (): number[] => []
const newByAsker = (): ByAsker => new Map()
const newByText = <Value>(): ByText<Value> => ({ lengths: [], values: new Map() })

function entryOf<Value>(texts: ByText<Value>, text: string, create: () => Value): Value {
  if (!texts.lengths.includes(text.length)) {
    texts.lengths.push(text.length)
    texts.lengths.sort((a, b) => a - b)
  }
  return entry(texts.values, text, create)
}

function entry<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const created = create()
  map.set(key, created)
  return created
}
