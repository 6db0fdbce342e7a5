/** Durations in the terms of rules. */
import { parseDuration } from '../../paywall/terms/dates.ts'
import { readWith } from '../../platform/schema.ts'

/** Whole hours or days, of at most `mostMs`. Read as milliseconds. */
export function duration(mostMs = Number.POSITIVE_INFINITY, most = '') {
  return readWith((text) => {
    const ms = parseDuration(text)
    if (ms !== undefined && ms <= mostMs) return { value: ms }
    return `must be whole hours or days, such as "24h" or "30d"${most}`
  })
}
