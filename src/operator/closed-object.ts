/** Objects in bodies: they take the members that they name, and no others. */
import * as v from 'valibot'

/** The error of a member that an object may not have. */
export const UNKNOWN_MEMBER = 'must be a known member'

/** An object with these members alone. Unlike valibot's `strictObject` it reports every unknown member. */
export function closed<const Entries extends v.ObjectEntries>(entries: Entries) {
  const names = Object.keys(entries)
  return v.pipe(
    v.looseObject(entries, 'must be an object'),
    v.rawCheck(({ dataset, addIssue }) => {
      const input: unknown = dataset.value
      if (!isObject(input)) return
      for (const [key, value] of Object.entries(input)) {
        if (names.includes(key)) continue
        const path = [{ type: 'object', origin: 'key', input, key, value }] as const
        addIssue({ message: UNKNOWN_MEMBER, expected: names.join(', '), path: [...path] })
      }
    }),
  )
}

/** Whether a value is an object or a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
