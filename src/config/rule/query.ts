/** The `query` of a rule: the queries that it covers. */
import * as v from 'valibot'
import { condition } from './term.ts'

/** No query, any query, or one of these parameters alone. */
export type QueryTerm = 'none' | 'any' | readonly string[]

/** An `allow` without the term covers requests without a query; a rule with another action covers any. */
export const query = condition({
  want: '"none", "any" or, with action "allow", a list of parameters',
  example: '["page"]',
  schema: v.optional(
    v.union([
      v.picklist(['none', 'any']),
      v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(64))), v.minLength(1)),
    ]),
  ),
  misuse: (written, action) =>
    Array.isArray(written) && action !== 'allow'
      ? 'must be "none" or "any": only action "allow" may list parameters'
      : undefined,
  compile(read, action) {
    const covers = compileQuery(read ?? (action === 'allow' ? 'none' : 'any'))
    return covers && (({ path }) => covers(path.search))
  },
  describe: (read) => read && `with query ${[read].flat().join(', ')}`,
})

/**
 * Compiles a term to a test of a query, given with its `?` or empty; undefined covers every query. The parameters of a list
 * may be repeated or absent.
 */
export function compileQuery(term: QueryTerm): ((search: string) => boolean) | undefined {
  if (term === 'any') return undefined
  if (term === 'none') return (search) => search === ''
  const names = new Set(term)
  // Threat: some servers split a query at `;` too, so a parameter behind one is judged as well.
  return (search) =>
    search
      .slice(1)
      .split(/[&;]/)
      .every((parameter) => parameter === '' || names.has(nameOf(parameter)))
}

/** A name with a malformed escape stays as it is, and no list has it: `%` must be escaped in a name. */
function nameOf(parameter: string): string {
  const [name = ''] = parameter.split('=', 1)
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch (cause) {
    if (cause instanceof URIError) return name
    throw cause
  }
}
