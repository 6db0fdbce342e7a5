/** Rules, compiled, and the search for the first that covers a request. */
import type { Asker } from '../identity/classify.ts'
import type { Reading } from './readings.ts'
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

/** The literal text at both ends of a pattern; `isExact` where there is no `*` between them. */
export type Span = { head: string; tail: string; isExact: boolean }

/**
 * Bounds within which a rule may cover a request, by which rules are found without being tried. Outside of them it covers
 * nothing; an absent bound excludes nothing.
 */
export type Scope = {
  /** Keys of {@link askerKeys}; each client that the rule covers has one of them. */
  askers?: readonly string[] | undefined
  span?: Span | undefined
}

/** A rule as the search sees it. It covers the requests that fulfil all of its conditions. */
export type Covering = { conditions: readonly Condition[]; scope: Scope }

/** Finds the first rule, in the order of the list, that covers the request. */
export type Search<Rule> = (facts: Facts) => Rule | undefined

/** Fewer rules are tried one after the other: it takes microseconds, and an index as much memory as the rules. */
export const MIN_INDEXED = 128
/** Longer ends of patterns are cut for the index, so that a decision takes few look-ups whatever the patterns are. */
const MAX_HEAD_CHARS = 48
const MAX_TAIL_CHARS = 16

/** The keys of a client by which {@link Scope} bounds rules: its kind, class and name. An `allow` takes a refuted name for `other`. */
export function askerKeys(asker: Asker): readonly string[] {
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

function indexed<Rule extends Covering>(rules: readonly Rule[]): Search<Rule> {
  const exact = new Map<string, ByAsker>()
  const heads = new Ends<Ends<ByAsker>>('head', MAX_HEAD_CHARS)
  for (const [at, { scope }] of rules.entries()) {
    const { head, tail, isExact } = scope.span ?? { head: '', tail: '', isExact: false }
    const byAsker = isExact
      ? entry(exact, head, newByAsker)
      : heads.entry(head, newTails).entry(tail, newByAsker)
    for (const key of new Set(scope.askers ?? [ANYONE])) entry(byAsker, key, newList).push(at)
  }
  return (facts) => {
    const { match } = facts.path
    const keys = askerKeys(facts.asker)
    let best = rules.length
    const tryAll = (byAsker: ByAsker) => {
      best = firstBelow(best, byAsker.get(ANYONE), rules, facts)
      for (const key of keys) best = firstBelow(best, byAsker.get(key), rules, facts)
    }
    const here = exact.get(match)
    if (here) tryAll(here)
    heads.each(match, (tails) => tails.each(match, tryAll))
    return rules[best]
  }
}

/**
 * Values by texts with which a path begins or ends. Hashes of its ends grow by a character at a time, so that a look-up copies
 * no text.
 */
class Ends<Value> {
  readonly #end: 'head' | 'tail'
  readonly #max: number
  /** Whether some text has this length. */
  readonly #lengths: boolean[] = []
  readonly #values = new Map<number, { text: string; value: Value }[]>()

  /** Longer texts are cut to `max` characters at that end. */
  constructor(end: 'head' | 'tail', max: number) {
    this.#end = end
    this.#max = max
  }

  entry(text: string, create: () => Value): Value {
    const cut =
      this.#end === 'head' ? text.slice(0, this.#max) : text.slice(Math.max(0, text.length - this.#max))
    let hash = 0
    for (let at = 0; at < cut.length; at++) hash = this.#grow(hash, cut, at)
    const same = this.#values.get(hash) ?? []
    const known = same.find((one) => one.text === cut)
    if (known) return known.value
    const value = create()
    this.#values.set(hash, [...same, { text: cut, value }])
    this.#lengths[cut.length] = true
    return value
  }

  /** Calls `use` with the value of each text at that end of the path, shorter texts first. */
  each(path: string, use: (value: Value) => void): void {
    const longest = Math.min(path.length, this.#lengths.length - 1)
    let hash = 0
    for (let length = 0; length <= longest; length++) {
      if (this.#lengths[length])
        for (const { text, value } of this.#values.get(hash) ?? [])
          if (text.length === length && this.#holds(path, text)) use(value)
      if (length < longest) hash = this.#grow(hash, path, length)
    }
  }

  #grow(hash: number, text: string, at: number): number {
    return (Math.imul(hash, 31) + text.charCodeAt(this.#end === 'head' ? at : text.length - 1 - at)) | 0
  }

  #holds(path: string, text: string): boolean {
    return this.#end === 'head' ? path.startsWith(text) : path.endsWith(text)
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
const newTails = (): Ends<ByAsker> => new Ends('tail', MAX_TAIL_CHARS)

function entry<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const created = create()
  map.set(key, created)
  return created
}
