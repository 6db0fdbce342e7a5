/** One term of a rule: how it is written, and what it does. Each term is a file here and an entry in `index.ts`. */
import type * as v from 'valibot'
import type { Action, Condition, Decision } from '../../paywall/policy.ts'
import type { Expected } from '../problem.ts'

/** A part of both kinds of terms. `want` and `example` are for messages. */
type Written<Schema extends v.GenericSchema> = Expected & {
  /** Reads the term; `v.optional` where a rule may leave it out, with the default if there is one. */
  schema: Schema
  /** Why the term, as written, does not go with the rule's action: a message that begins with "must". */
  misuse?(written: unknown, action: Action): string | undefined
  /** A phrase for the text of the rule, such as "on /articles/*"; undefined where it says nothing. */
  describe?(read: v.InferOutput<Schema>, action: Action): string | undefined
}

/** A term that decides whether the rule covers a request. */
export type ConditionTerm<Schema extends v.GenericSchema> = Written<Schema> & {
  kind: 'condition'
  /** Undefined covers every request. A rule covers a request that fulfils all its conditions. */
  compile(read: v.InferOutput<Schema>, action: Action): Condition | undefined
}

/** A term that takes no part in the match: it changes the decision of the rule that has matched. */
export type FactorTerm<Schema extends v.GenericSchema> = Written<Schema> & {
  kind: 'factor'
  /** The actions that use it. With any other action the term is a problem. */
  actions: readonly Action[]
  /** The fields of the decision that it sets. */
  carry(read: NonNullable<v.InferOutput<Schema>>): Partial<Decision>
}

/** States a condition. */
export function condition<Schema extends v.GenericSchema>(
  term: Omit<ConditionTerm<Schema>, 'kind'>,
): ConditionTerm<Schema> {
  return { kind: 'condition', ...term }
}

/** States a factor. */
export function factor<Schema extends v.GenericSchema>(
  term: Omit<FactorTerm<Schema>, 'kind'>,
): FactorTerm<Schema> {
  return { kind: 'factor', ...term }
}
