/** The `verified` of a rule: only crawlers whose name something proves. */
import * as v from 'valibot'
import { condition } from './term.ts'

/** `true`, or absent. */
export const verified = condition({
  want: 'true, or not set',
  example: 'true',
  schema: v.optional(v.literal(true)),
  compile: (read) => (read ? ({ asker }) => asker.claim === 'confirmed' : undefined),
  describe: (read) => read && 'if verified',
})
