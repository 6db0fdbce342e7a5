/** Problems of a site's terms or a Worker's settings, worded so that a person can fix them. */
import type { BaseIssue } from 'valibot'

/** One problem. No part of it repeats a value: a private key pasted into the wrong line must not reach a log. */
export type ConfigProblem = {
  /** "PRICE", "RULES[2].who[0]". */
  place: string
  /** Begins with "must". */
  message: string
  /** A value that would be right. Absent where the setting must be removed. */
  example?: string
}

/** How a setting must look: a noun phrase that continues "must be", and a value that fits. */
export type Expected = { want: string; example: string }

/** The problems as lines for a log. Not for a response: clients learn only that the paywall is misconfigured. */
export function describeProblems(problems: readonly ConfigProblem[]): string {
  return problems
    .map(({ place, message, example }) => `${place} ${message}${example ? `. Example: ${example}` : ''}`)
    .join('\n')
}

/**
 * Issues of a schema as problems. `expected` has a row for each place, such as "RULES.who"; a place without a row uses
 * the row of what encloses it.
 *
 * Trap: valibot's own messages repeat the value. Only messages that begin with "must" are kept; all others become the
 * sentence of the row.
 */
export function problemsOf(
  issues: readonly BaseIssue<unknown>[],
  expected: Readonly<Record<string, Expected>>,
): ConfigProblem[] {
  return issues.map(({ path = [], received, expected: type, kind, message }) => {
    const keys = path.map((item) => item.key)
    const place = placeOf(keys)
    if (type === 'never') return { place, message: 'must be removed: the name is unknown' }
    if (message.startsWith('must be removed')) return { place, message }
    const names = keys.filter((key) => typeof key === 'string')
    const { want = 'a table of terms', example } = rowOf(names, expected) ?? {}
    const missing = kind === 'schema' && received === 'undefined'
    const own = message.startsWith('must ') ? message : `must be ${want}`
    return { place, message: missing ? `must be set: ${want}` : own, ...(example && { example }) }
  })
}

function rowOf(names: readonly string[], expected: Readonly<Record<string, Expected>>): Expected | undefined {
  const enclosing = names.map((_, index) => names.slice(0, names.length - index).join('.'))
  const name = enclosing.find((name) => Object.hasOwn(expected, name))
  return name === undefined ? undefined : expected[name]
}

function placeOf(keys: readonly unknown[]): string {
  const steps = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key).slice(0, 40)}`))
  return steps
    .join('')
    .slice(1)
    .replace(/\p{Cc}/gu, '?')
}
