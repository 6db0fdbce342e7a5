/** One term of a rule: how it is written, and what it does. Each term is a file here and an entry in `index.ts`. */
import type * as v from 'valibot'
import type { Action, Decision } from '../../paywall/policy.ts'
import type { Scope } from '../../paywall/rule-index.ts'
import type { Condition } from '../../paywall/rules.ts'
import type { Expected } from '../../platform/problem.ts'

/** A rule as it was written, its terms not read yet. */
export type RuleTable = Readonly<Record<string, unknown>>

/** A part of both kinds of terms. `want` and `example` are for messages. */
type Written<Schema extends v.GenericSchema> = Expected & {
  /** Reads the term; `v.optional` where a rule may leave it out, with the default if there is one. */
  schema: Schema
  /** Why the term, as written, does not go with the rule's action: a message that begins with "must". */
  misuse?(written: unknown, action: Action, rule: RuleTable): string | undefined
  /** A risk of the term as it is written, as a message that begins with "must". It stops nothing. */
  caution?(read: v.InferOutput<Schema>, action: Action): string | undefined
  /** A phrase for the text of the rule, such as "on /articles/*"; undefined where it says nothing. */
  describe?(read: v.InferOutput<Schema>, action: Action): string | undefined
}

/** A term that decides whether the rule covers a request. */
export type ConditionTerm<Schema extends v.GenericSchema> = Written<Schema> & {
  kind: 'condition'
  /** Undefined covers every request. A rule covers a request that fulfils all its conditions. */
  compile(read: v.InferOutput<Schema>, action: Action): Condition | undefined
  /** The fields of the decision that it sets besides. */
  carry?(read: NonNullable<v.InferOutput<Schema>>, action: Action): Partial<Decision>
  /** Bounds of the condition, by which a rule among thousands is found. They may be wider than the condition. */
  scope?(read: v.InferOutput<Schema>): Scope
}

/** A term that takes no part in the match: it changes the decision of the rule that has matched. */
export type FactorTerm<Schema extends v.GenericSchema> = Written<Schema> & {
  kind: 'factor'
  /** The actions that use it. With any other action the term is a problem. */
  actions: readonly Action[]
  /** The fields of the decision that it sets. */
  carry(read: NonNullable<v.InferOutput<Schema>>, action: Action): Partial<Decision>
}

/** The most conditions of one term that rules share. Beyond it the first one is dropped: it is made again for the next rule. */
const MAX_SHARED = 1_000

/** States a condition. Rules with the same text share it, also those of other sites. */
export function condition<Schema extends v.GenericSchema>(
  term: Omit<ConditionTerm<Schema>, 'kind'>,
): ConditionTerm<Schema> {
  const shared = new Map<string, Condition | undefined>()
  return {
    kind: 'condition',
    ...term,
    compile(read, action) {
      const key = JSON.stringify([action, read])
      if (shared.has(key)) return shared.get(key)
      const [first] = shared.keys()
      if (shared.size >= MAX_SHARED && first !== undefined) shared.delete(first)
      const made = term.compile(read, action)
      shared.set(key, made)
      return made
    },
  }
}

/** States a factor. */
export function factor<Schema extends v.GenericSchema>(
  term: Omit<FactorTerm<Schema>, 'kind'>,
): FactorTerm<Schema> {
  return { kind: 'factor', ...term }
}
