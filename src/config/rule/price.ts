/** The `price` of a rule. */
import * as v from 'valibot'
import { usd } from '../schema.ts'
import { factor } from './term.ts'

/** An amount; PRICE where it is absent. */
export const price = factor({
  want: 'USD in quotes, at least "0.000001"',
  example: '"0.002"',
  schema: v.optional(usd),
  actions: ['charge'],
  carry: (price) => ({ price }),
})
