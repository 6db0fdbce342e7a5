/** The `recrawl` of a rule: how long a page that was paid for is free again. */
import * as v from 'valibot'
import { showDuration } from '../../paywall/terms/dates.ts'
import { DAY_MS } from '../../platform/time.ts'
import { duration } from './duration.ts'
import { factor } from './term.ts'

/** Longer windows would keep more pages in the account of each payer. */
const LONGEST_MS = 30 * DAY_MS

/** For the payer alone, a wallet or an agent. A page is charged each time where it is absent. */
export const recrawl = factor({
  want: 'whole hours or days, at most "30d"',
  example: '"24h"',
  schema: v.optional(duration(LONGEST_MS, ', and at most "30d"')),
  actions: ['charge'],
  carry: (recrawlMs) => ({ recrawlMs }),
  describe: (ms) => (ms === undefined ? undefined : `once in ${showDuration(ms)}`),
})
