/** The `path` of a rule: the pages that it covers. */
import * as v from 'valibot'
import { compilePattern, spanOf } from '../../paywall/pattern.ts'
import { readWith } from '../schema.ts'
import { condition } from './term.ts'

/** A pattern; every path where it is absent. */
export const path = condition({
  want: 'a path pattern',
  example: '"/articles/*"',
  schema: v.optional(readWith((text) => (compilePattern(text) ? { value: text } : null))),
  compile(pattern) {
    const covers = pattern === undefined ? undefined : compilePattern(pattern)
    return covers && (({ path }) => covers(path.match))
  },
  scope: (pattern) => ({ span: pattern === undefined ? undefined : spanOf(pattern) }),
  describe: (pattern) => pattern && `on ${pattern}`,
})
