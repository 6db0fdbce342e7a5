/** The `method` of a rule: the methods that it covers. */
import * as v from 'valibot'
import { list } from '../../platform/schema.ts'
import { condition } from './term.ts'

/** One or more methods; all where it is absent. */
export const method = condition({
  want: 'GET, POST, PUT, PATCH, DELETE or a list of them (GET includes HEAD)',
  example: '"GET"',
  schema: v.optional(list(v.picklist(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']))),
  compile(read) {
    if (!read) return undefined
    const methods = new Set<string>(read)
    return ({ method }) => methods.has(method)
  },
  describe: (read) => read && `by ${read.join(', ')}`,
})
