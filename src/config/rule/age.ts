/** The `age` of a rule: how long ago the page was published. */
import * as v from 'valibot'
import { ageOf } from '../../paywall/terms/age.ts'
import { parseDuration, showDuration } from '../../paywall/terms/dates.ts'
import { onlyKeys, readWith } from '../schema.ts'
import { condition } from './term.ts'

/** Whole hours or days: an offer is valid for an hour at most, so that a page crosses one bound in that time. */
const duration = readWith((text) => {
  const ms = parseDuration(text)
  return ms === undefined ? 'must be whole hours or days, such as "24h" or "30d"' : { value: ms }
})

/** A page without a date has no age, and fulfils no bound. */
export const age = condition({
  want: '{ under = "24h" }, { over = "30d" } or both',
  example: '{ under = "24h" }',
  schema: v.optional(
    v.pipe(
      v.looseObject({ under: v.optional(duration), over: v.optional(duration) }),
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
