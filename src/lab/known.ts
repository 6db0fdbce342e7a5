/** Names and words as a tester writes them. Trap: one that is misspelled would change nothing, and the test would pass. */

import { spanMs, type TimeSpan } from './time.ts'

/** The values that a member may take, by a test and in words. */
export type Values = { must: string; has(value: unknown): boolean }

/** The members that an object may have, each with the values that it may take; null for any value. */
export type Members = Readonly<Record<string, readonly unknown[] | Values | null>>

/** Values that many members take. */
export const KINDS = {
  WHOLE: { must: 'a whole number', has: Number.isSafeInteger },
  COUNT: { must: 'a whole number from 1', has: (value) => Number.isSafeInteger(value) && Number(value) > 0 },
  TEXT: { must: 'a text', has: (value) => typeof value === 'string' },
  LIST: { must: 'a list', has: Array.isArray },
  OBJECT: { must: 'an object', has: isObject },
  AMOUNT: {
    must: 'a bigint from 0n, such as 10_000n',
    has: (value) => typeof value === 'bigint' && value >= 0n,
  },
  SPAN: { must: 'a span such as "17d" or "90s"', has: isSpan },
} as const satisfies Readonly<Record<string, Values>>

/** @throws RangeError for anything but an object, for a member that is unknown, and for a value that it must not have */
export function mustKnow(what: string, given: unknown, members: Members): void {
  if (!isObject(given)) throw new RangeError(`${what} must be given an object, not ${String(given)}`)
  for (const [name, value] of Object.entries(given as object)) {
    const values = Object.hasOwn(members, name) ? members[name] : undefined
    if (values === undefined)
      throw new RangeError(
        `${what} must be given ${Object.keys(members).join(', ') || 'nothing'}, not ${name}`,
      )
    if (values === null || value === undefined) continue
    const isKnown = 'has' in values ? values.has(value) : values.includes(value)
    const must = 'has' in values ? values.must : anyOf(values)
    if (!isKnown) throw new RangeError(`${name} of ${what} must be ${must}, not ${String(value)}`)
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSpan(value: unknown): boolean {
  try {
    spanMs(value as TimeSpan)
    return true
  } catch {
    return false
  }
}

/** The values for people: `"own" or "hosted"`. */
export function anyOf(values: readonly unknown[]): string {
  const texts = values.map((value) => (typeof value === 'string' ? `"${value}"` : String(value)))
  return [texts.slice(0, -1).join(', '), ...texts.slice(-1)].filter((text) => text !== '').join(' or ')
}
