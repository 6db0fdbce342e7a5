/** Time in milliseconds. */

/** One day in milliseconds. Days and periods are UTC, which has no leap seconds here. */
export const DAY_MS = 86_400_000
