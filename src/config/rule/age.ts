/** The `age` of a rule: how long ago the page was published. */
import * as v from 'valibot'
import { ageOf } from '../../paywall/terms/age.ts'
import { showDuration } from '../../paywall/terms/dates.ts'
import { onlyKeys } from '../../platform/schema.ts'
import { duration } from './duration.ts'
import { condition } from './term.ts'

// An offer is valid for an hour at most: with whole hours a page crosses one bound in that time.
const bound = duration()

/** A page without a date lies outside all bounds. */
export const age = condition({
  want: '{ under = "24h" }, { over = "30d" } or both',
  example: '{ under = "24h" }',
  schema: v.optional(
    v.pipe(
      v.looseObject({ under: v.optional(bound), over: v.optional(bound) }),
      onlyKeys(['under', 'over']),
      v.check(({ under, over }) => under !== undefined || over !== undefined, 'must have "under" or "over"'),
      v.check(
        ({ under, over }) => under === undefined || over === undefined || over < under,
        'must have an "over" that is shorter than "under"',
      ),
    ),
  ),
  compile(read) {
    if (!read) return undefined
    const { over = 0, under = Number.POSITIVE_INFINITY } = read
    return (facts) => {
      const age = ageOf(facts)
      return age !== undefined && age >= over && age < under
    }
  },
  carry: ({ under }, action) =>
    action === 'block' && under !== undefined ? { embargoMs: under } : ({} as const),
  describe: (read) =>
    read &&
    [
      read.over !== undefined && `at least ${showDuration(read.over)} old`,
      read.under !== undefined && `younger than ${showDuration(read.under)}`,
    ]
      .filter(Boolean)
      .join(' and '),
})
