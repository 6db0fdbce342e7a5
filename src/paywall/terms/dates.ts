/** When a page was published, by the date in its path. Pure. */
import { DAY_MS, HOUR_MS } from '../../platform/time.ts'

/** The time of publication of a page, by its path as rules match it. Unix milliseconds; undefined without a date. */
export type DateOf = (match: string) => number | undefined

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** The text that a placeholder matches. Paths are in lower case. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  yyyy: '(?<year>\\d{4})',
  mm: '(?<month>\\d{2})',
  m: '(?<month>\\d{1,2})',
  mon: `(?<month>${MONTHS.join('|')})`,
  dd: '(?<day>\\d{2})',
  d: '(?<day>\\d{1,2})',
}
const PLACEHOLDER = /\{(\w+)\}/

/**
 * Compiles a pattern such as `/{yyyy}/{mm}/{dd}/`. It may stand anywhere in a path, and its first occurrence that is a date
 * counts. A page is as old as the start of its day, or of its month without a day, in the time zone. Null for a pattern
 * without a year and a month, or with another placeholder.
 */
export function compileDates(pattern: string, zone: string): DateOf | null {
  const shape = shapeOf(pattern)
  if (!shape) return null
  const startOf = startsOf(zone)
  const dateIn: DateOf = (match) => {
    for (const { groups } of `${match}/`.matchAll(shape)) {
      const { year, month, day } = groups ?? {}
      const named = MONTHS.indexOf(month ?? '')
      const at = startOf(Number(year), named < 0 ? Number(month) - 1 : named, Number(day ?? 1))
      if (at !== undefined) return at
    }
    return undefined
  }
  // Several rules ask for the date of one path.
  let last: { match: string; at: number | undefined } | undefined
  return (match) => {
    if (last?.match !== match) last = { match, at: dateIn(match) }
    return last.at
  }
}

/** Whether the runtime has the time zone. */
export function isZone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }))
  } catch (cause) {
    if (cause instanceof RangeError) return false
    throw cause
  }
}

function shapeOf(pattern: string): RegExp | null {
  const [first = '', ...rest] = pattern.toLowerCase().split(PLACEHOLDER)
  const names = rest.filter((_, at) => at % 2 === 0)
  const parts = rest.map((part, at) => (at % 2 === 0 ? PLACEHOLDERS[part] : literal(part)))
  const counts = (...among: string[]) => names.filter((name) => among.includes(name)).length
  if (parts.includes(undefined) || counts('yyyy') !== 1 || counts('mm', 'm', 'mon') !== 1) return null
  if (counts('dd', 'd') > 1) return null
  // A placeholder at an edge must match a whole number, not a part of a longer one.
  const edge = [first === '' ? '(?<!\\d)' : '', rest.at(-1) === '' ? '(?!\\d)' : '']
  // Trap: a match must take no character away from the next one: the slash behind a date may begin another.
  return new RegExp(`(?=${edge[0]}${literal(first)}${parts.join('')}${edge[1]})`, 'g')
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** The most days whose start is kept. Beyond it all are dropped. */
const MAX_DAYS = 4096

/** The start of a day in a time zone; undefined for a day that no calendar has. */
function startsOf(zone: string): (year: number, month: number, day: number) => number | undefined {
  const offset = offsetsOf(zone)
  const known = new Map<number, number>()
  return (year, month, day) => {
    const utc = Date.UTC(year, month, day)
    const date = new Date(utc)
    if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month || date.getUTCDate() !== day)
      return undefined
    const start = known.get(utc)
    if (start !== undefined) return start
    // The clock may change in between: the offset that holds at the start itself counts.
    const near = utc - offset(utc)
    const at = utc - offset(near)
    if (known.size >= MAX_DAYS) known.clear()
    known.set(utc, at)
    return at
  }
}

/** How far a zone's clock is ahead of UTC at a moment, in milliseconds. */
function offsetsOf(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
    const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
    const shown = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'))
    return shown - Math.floor(at / 1000) * 1000
  }
}

const DURATION = /^([1-9]\d{0,4})([hd])$/

/** A duration in whole hours or days, such as "24h" or "30d", in milliseconds; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = DURATION.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * (unit === 'h' ? HOUR_MS : DAY_MS)
}

/** A duration as {@link parseDuration} reads it. */
export function showDuration(ms: number): string {
  return ms % DAY_MS === 0 && ms > DAY_MS ? `${ms / DAY_MS}d` : `${ms / HOUR_MS}h`
}
