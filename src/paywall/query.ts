/** The `query` of a rule: the queries that it covers. */

/** No query, any query, or one of these parameters alone. */
export type QueryTerm = 'none' | 'any' | readonly string[]

/** Whether a rule covers a query, given with its `?` or empty. */
export type Queries = (search: string) => boolean

/** Compiles a term; undefined covers every query. The parameters of a list may be repeated or absent. */
export function compileQuery(term: QueryTerm): Queries | undefined {
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
