/** Units of time. */

/** One minute in milliseconds. */
export const MINUTE_MS = 60_000

/** One hour in milliseconds. */
export const HOUR_MS = 60 * MINUTE_MS

/** One day in milliseconds. Days are UTC, and Unix time does not count leap seconds. */
export const DAY_MS = 86_400_000

/** The UTC date of a moment in Unix milliseconds, such as `2026-11-27`. */
export function dayOf(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10)
}

/**
 * The window of a moment (Unix ms): UTC to the second, as in `20261121T000000`. A repeated cron firing has the same
 * window.
 */
export function windowOf(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')
}
