/** Units of time. */

/** One day in milliseconds. Days are UTC, and Unix time does not count leap seconds. */
export const DAY_MS = 86_400_000
