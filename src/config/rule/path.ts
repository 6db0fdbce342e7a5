/** The `path` of a rule: the pages that it covers. */
import * as v from 'valibot'
import { covers, coversFree, namesFiles, readPattern, spanOf } from '../../paywall/pattern.ts'
import { readWith } from '../../platform/schema.ts'
import { condition } from './term.ts'

/** A pattern; every path where it is absent. */
export const path = condition({
  want: 'a path pattern',
  example: '"/articles/*"',
  schema: v.optional(readWith((text) => (readPattern(text) === undefined ? null : { value: text }))),
  compile(written, action) {
    const pattern = written === undefined ? undefined : readPattern(written)
    if (pattern === undefined) return undefined
    return action === 'allow'
      ? ({ path }) => coversFree(pattern, path.match)
      : ({ path }) => covers(pattern, path.match)
  },
  caution(pattern, action) {
    const span = pattern === undefined ? undefined : spanOf(pattern)
    return action === 'allow' && span?.head === '/' && namesFiles(span)
      ? 'must name a folder: a server that answers "/article/x.css" with "/article" serves every page free'
      : undefined
  },
  scope: (pattern) => ({ span: pattern === undefined ? undefined : spanOf(pattern) }),
  describe: (pattern) => pattern && `on ${pattern}`,
})
