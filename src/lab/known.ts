/** Names and words as a tester writes them. Trap: one that is misspelled would change nothing, and the test would pass. */

/** The members that an object may have, each with the values that it may take; null for any value. */
export type Members = Readonly<Record<string, readonly unknown[] | null>>

/** @throws RangeError for a member that is unknown, and for a value that its member must not have */
export function mustKnow(what: string, given: object, members: Members): void {
  for (const [name, value] of Object.entries(given)) {
    const values = Object.hasOwn(members, name) ? members[name] : undefined
    if (values === undefined)
      throw new RangeError(`${what} must be given ${Object.keys(members).join(', ')}, not ${name}`)
    if (values !== null && value !== undefined && !values.includes(value))
      throw new RangeError(`${name} of ${what} must be ${anyOf(values)}, not ${String(value)}`)
  }
}

/** The values for people: `"own" or "hosted"`. */
export function anyOf(values: readonly unknown[]): string {
  const texts = values.map((value) => (typeof value === 'string' ? `"${value}"` : String(value)))
  return [texts.slice(0, -1).join(', '), ...texts.slice(-1)].filter((text) => text !== '').join(' or ')
}
