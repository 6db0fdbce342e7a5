/** The `free` of a rule: pages that a crawler gets before it pays. */
import * as v from 'valibot'
import { onlyKeys } from '../../platform/schema.ts'
import { factor } from './term.ts'

/** A crawler's object holds so many rows for a rule and a day. */
const MAX_PAGES = 100_000
const PAGES = `must be 1 to ${MAX_PAGES} pages`

/** For crawlers alone whose name is confirmed: others could change it to begin anew. */
export const free = factor({
  want: '{ pages = 10, per = "day" }',
  example: '{ pages = 10, per = "day" }',
  schema: v.optional(
    v.pipe(
      v.looseObject({
        pages: v.pipe(v.number(PAGES), v.integer(PAGES), v.minValue(1, PAGES), v.maxValue(MAX_PAGES, PAGES)),
        per: v.literal('day', 'must be "day"'),
      }),
      onlyKeys(['pages', 'per']),
    ),
  ),
  actions: ['charge'],
  carry: ({ pages }) => ({ freePages: pages }),
  describe: (read) => (read ? `after ${read.pages} free pages a day` : undefined),
})
