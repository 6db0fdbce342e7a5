/** The bindings that settings need, and what is wrong where one is missing. */
import type { Policy } from '../paywall/policy.ts'
import type { ConfigProblem } from '../platform/problem.ts'
import { durableObject } from './fields.ts'

type Table = Readonly<Record<string, unknown>>

/** The bindings that terms of the policy need. */
export function bindingProblems({ rules, dates }: Policy, vars: Table): ConfigProblem[] {
  const isFree = rules.some(({ decision }) => decision.freePages !== undefined)
  const example = durableObject('QUOTA', 'Quota')
  return [
    ...(isFree && vars.QUOTA === undefined
      ? [{ place: 'QUOTA', message: 'must be bound: a rule has "free"', example }]
      : []),
    ...(dates?.sitemaps.length && vars.LISTS === undefined
      ? [
          {
            place: 'LISTS',
            message: 'must be bound: DATES has a sitemap',
            example: '[[kv_namespaces]] binding = "LISTS"',
          },
        ]
      : []),
  ]
}

/** A service binding that ORIGIN names. */
export function originProblems({ origin }: Policy, vars: Table): ConfigProblem[] {
  if (origin.kind !== 'binding') return []
  const bound = vars[origin.name] as { fetch?: unknown } | undefined
  if (typeof bound?.fetch === 'function') return []
  const message = 'must name a service binding of this Worker'
  return [{ place: 'ORIGIN', message, example: '[[services]] binding = "SITE", service = "site"' }]
}

/** The read model, for MODE = "shadow". */
export function unboundBook({ BOOK }: Table): ConfigProblem[] {
  const example = '[[d1_databases]] binding = "BOOK", database_name = "tab402-book"'
  return BOOK === undefined ? [{ place: 'BOOK', message: 'must be bound for MODE = "shadow"', example }] : []
}
