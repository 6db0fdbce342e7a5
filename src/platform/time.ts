/** Units of time. */

/** One minute in milliseconds. */
export const MINUTE_MS = 60_000

/** One hour in milliseconds. */
export const HOUR_MS = 60 * MINUTE_MS

/** One day in milliseconds. Days are UTC, and Unix time does not count leap seconds. */
export const DAY_MS = 86_400_000
