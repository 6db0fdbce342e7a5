/** Durations as Workflows take them. */

const UNITS_MS: Record<string, number> = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** Milliseconds of a Workflow’s duration: a number, or text such as `15 seconds`. @throws RangeError for any other text */
export function durationMs(span: number | string): number {
  if (typeof span === 'number') return span
  const [, count, unit = ''] = /^(\d+) (second|minute|hour|day)s?$/.exec(span) ?? []
  const unitMs = UNITS_MS[unit]
  if (count === undefined || unitMs === undefined)
    throw new RangeError(`a duration must be a number or like "15 seconds", not ${span}`)
  return Number(count) * unitMs
}
