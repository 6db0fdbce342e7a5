/** Moments and spans as a tester writes them. */
/** A moment of the virtual clock: Unix milliseconds, or what `Date.parse` reads, such as `2026-12-01`. */
export type Moment = number | string | Date

/** A span of time: milliseconds, or a number with `ms`, `s`, `m`, `h`, `d` or `w`, such as `17d`. */
export type TimeSpan = number | string

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds of a span. @throws RangeError unless it is a number of milliseconds, or a number with a unit, not negative */
export function spanMs(span: TimeSpan): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(String(span)) ?? []
  const ms = typeof span === 'number' ? span : Number(count) * (UNIT_MS[unit] ?? Number.NaN)
  if (!Number.isFinite(ms) || ms < 0)
    throw new RangeError(`a span must be milliseconds or a text such as "17d" or "90s", not ${span}`)
  return Math.round(ms)
}

/** Before it there was no USDC on Base. */
const FIRST = Date.UTC(2020, 0, 1)

/** Unix milliseconds of a moment. @throws RangeError unless it is a time that `Date` reads, from 2020 on */
export function momentMs(moment: Moment): number {
  const ms = typeof moment === 'number' ? moment : new Date(moment).getTime()
  if (!Number.isFinite(ms))
    throw new RangeError(`a moment must be a time such as "2026-12-01", not ${moment}`)
  // Trap: a number of seconds is in January 1970.
  if (ms < FIRST)
    throw new RangeError(
      `a moment must be in milliseconds and after 2019, not ${moment} (${new Date(ms).toISOString()})`,
    )
  return ms
}
