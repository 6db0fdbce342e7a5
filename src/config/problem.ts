/** What is wrong with a site's terms or a Worker's settings, said so that a person can put it right. */
import type { BaseIssue } from 'valibot'

/**
 * One thing that is wrong. No part of it repeats a value: a private key pasted into the wrong line must not reach a log.
 */
export type Fault = {
  /** "PRICE", "RULES[2].who[0]". */
  place: string
  /** "is missing", "is zero". */
  fault: string
  /** What would be right. */
  want: string
}

export const UNKNOWN_TERM = 'is no known term'

/** The faults as lines for a log. Not for a response: who asks learns only that the paywall is misconfigured. */
export function describeFaults(faults: readonly Fault[]): string {
  return faults.map(({ place, fault, want }) => `${place} ${fault}; it should be ${want}`).join('\n')
}

/** Issues of a schema as faults. `wants` says what each key should be; what it does not name goes by what encloses it. */
export function faultsOf(
  issues: readonly BaseIssue<unknown>[],
  wants: Readonly<Record<string, string>>,
): Fault[] {
  return issues.map(({ path = [], received, kind, message }) => {
    const keys = path.map((item) => item.key)
    const names = keys.filter((key) => typeof key === 'string')
    const name = (message === UNKNOWN_TERM ? names.slice(0, -1) : names).findLast((name) => name in wants)
    const missing = kind === 'schema' && received === 'undefined'
    return {
      place: placeOf(keys),
      fault: missing ? 'is missing' : message,
      want: wants[name ?? ''] ?? 'removed',
    }
  })
}

function placeOf(keys: readonly unknown[]): string {
  const steps = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key).slice(0, 40)}`))
  return steps
    .join('')
    .slice(1)
    .replace(/\p{Cc}/gu, '?')
}
