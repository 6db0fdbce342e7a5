import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileDates, isZone, parseDuration, showDuration } from '../../../src/paywall/terms/dates.ts'

function dated(pattern: string, path: string, zone = 'UTC'): string | undefined {
  const dateOf = compileDates(pattern, zone)
  if (!dateOf) throw new Error('the pattern must be valid')
  const at = dateOf(path)
  return at === undefined ? undefined : new Date(at).toISOString()
}

describe('compileDates', () => {
  it.each([
    ['/{yyyy}/{mm}/{dd}/', '/2026/11/27/a-title', '2026-11-27T00:00:00.000Z'],
    ['/{yyyy}/{mm}/{dd}/', '/news/2026/11/27', '2026-11-27T00:00:00.000Z'],
    ['/{yyyy}/{mm}/', '/2026/11/a-title', '2026-11-01T00:00:00.000Z'],
    ['/{yyyy}/{mon}/{dd}/', '/world/2026/nov/27/a-title', '2026-11-27T00:00:00.000Z'],
    ['/{yyyy}/{m}/{d}/', '/2026/1/2/a', '2026-01-02T00:00:00.000Z'],
    ['-{yyyy}{mm}{dd}', '/story-20261127', '2026-11-27T00:00:00.000Z'],
    ['{yyyy}-{mm}-{dd}', '/blog/2026-11-27-title', '2026-11-27T00:00:00.000Z'],
    ['/{yyyy}/{mm}/{dd}/', '/2026/13/01/2026/02/03/x', '2026-02-03T00:00:00.000Z'],
  ])('reads by %s the date of %s', (pattern, path, expected) => {
    expect(dated(pattern, path)).toBe(expected)
  })

  it.each([
    ['/{yyyy}/{mm}/{dd}/', '/about'],
    ['/{yyyy}/{mm}/{dd}/', '/2026/02/30/x'],
    ['/{yyyy}/{mm}/{dd}/', '/2026/00/10/x'],
    ['{yyyy}-{mm}', '/x/12026-11'],
    ['/{yyyy}{mm}', '/2026117'],
    ['/{yyyy}/{mm}/{dd}/', '/2026-11-27/'],
  ])('finds by %s no date in %s', (pattern, path) => {
    expect(dated(pattern, path)).toBeUndefined()
  })

  it.each([
    ['Europe/Berlin', '2026-11-26T23:00:00.000Z'],
    ['America/New_York', '2026-11-27T05:00:00.000Z'],
    ['Asia/Kathmandu', '2026-11-26T18:15:00.000Z'],
  ])('begins the day in %s', (zone, expected) => {
    expect(dated('/{yyyy}/{mm}/{dd}/', '/2026/11/27/x', zone)).toBe(expected)
  })

  it('begins a day on which the clock changes by the offset of its start', () => {
    expect(dated('/{yyyy}/{mm}/{dd}/', '/2026/03/29/x', 'Europe/Berlin')).toBe('2026-03-28T23:00:00.000Z')
    expect(dated('/{yyyy}/{mm}/{dd}/', '/2026/03/30/x', 'Europe/Berlin')).toBe('2026-03-29T22:00:00.000Z')
    expect(dated('/{yyyy}/{mm}/{dd}/', '/2026/10/25/x', 'Europe/Berlin')).toBe('2026-10-24T22:00:00.000Z')
  })

  it('reads every date as it was written', () => {
    const dateOf = compileDates('/{yyyy}/{mm}/{dd}/', 'UTC')
    const range = { min: new Date('1971-01-01'), max: new Date('2199-01-01'), noInvalidDate: true }
    fc.assert(
      fc.property(fc.date(range), (date) => {
        const day = date.toISOString().slice(0, 10)
        return dateOf?.(`/${day.replaceAll('-', '/')}/x`) === Date.parse(day)
      }),
    )
  })

  it.each(['/articles/', '/{yyyy}/', '/{yyyy}/{yyyy}/{mm}', '/{yyyy}/{mm}/{mon}/', '/{yyyy}/{mm}/{hh}'])(
    'takes no pattern %s',
    (pattern) => {
      expect(compileDates(pattern, 'UTC')).toBeNull()
    },
  )

  it('takes the special characters of a pattern as they stand', () => {
    expect(dated('/a.b+({yyyy}-{mm})', '/a.b+(2026-11)')).toBe('2026-11-01T00:00:00.000Z')
    expect(dated('/a.b-{yyyy}-{mm}', '/axb-2026-11')).toBeUndefined()
  })
})

describe('isZone', () => {
  it.each([
    ['UTC', true],
    ['Europe/Berlin', true],
    ['Europe/Nowhere', false],
    ['', false],
  ])('says of "%s": %s', (zone, expected) => {
    expect(isZone(zone)).toBe(expected)
  })
})

describe('parseDuration', () => {
  it.each([
    ['1h', 3_600_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
    ['0h', undefined],
    ['30m', undefined],
    ['1.5h', undefined],
    ['24', undefined],
  ])('reads "%s" as %s', (text, expected) => {
    expect(parseDuration(text)).toBe(expected)
  })

  it('is read back from how it is shown', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99_999 }), fc.constantFrom('h', 'd'), (count, unit) => {
        const ms = parseDuration(`${count}${unit}`) ?? 0
        const shown = parseDuration(showDuration(ms))
        return count > 4000 || shown === ms
      }),
    )
  })
})
