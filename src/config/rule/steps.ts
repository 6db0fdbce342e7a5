/** The `steps` of a rule: prices that fall with the pages of a month. */
import * as v from 'valibot'
import { onlyKeys } from '../../platform/schema.ts'
import { SCHEMES, type SchemeName } from '../../schemes/index.ts'
import { usd } from '../schema.ts'
import { factor } from './term.ts'

const MAX_STEPS = 10
const FROM = 'must be a whole number of pages, at least 2'

/** Per agent and month (UTC), on credit: another payer is not known before it pays. */
export const steps = factor({
  want: 'a list of { from = 10000, price = "0.0015" }',
  example: '[{ from = 10000, price = "0.0015" }]',
  schema: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.looseObject({
            from: v.pipe(v.number(FROM), v.safeInteger(FROM), v.minValue(2, FROM)),
            price: usd,
          }),
          onlyKeys(['from', 'price']),
        ),
      ),
      v.minLength(1, 'must have at least one step'),
      v.maxLength(MAX_STEPS, `must have at most ${MAX_STEPS} steps`),
      v.check(
        (steps) => steps.every(({ from }, at) => at === 0 || from > (steps[at - 1]?.from ?? 0)),
        'must be ordered by "from"',
      ),
    ),
  ),
  actions: ['charge'],
  misuse(_, _action, { schemes }) {
    const counts = [schemes].flat().some((name) => name === undefined || SCHEMES[name as SchemeName]?.counts)
    return counts ? undefined : 'must be removed, or "schemes" must have "credit"'
  },
  carry: (steps) => ({ steps }),
})
