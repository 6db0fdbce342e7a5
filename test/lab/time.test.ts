import { describe, expect, it } from 'vitest'
import { momentMs, spanMs } from '../../src/lab/time.ts'
import { durationMs } from '../../src/lab/worker/duration.ts'

describe('spanMs', () => {
  it.each([
    [250, 250],
    ['250ms', 250],
    ['90s', 90_000],
    ['1.5h', 5_400_000],
    ['17d', 1_468_800_000],
    ['2w', 1_209_600_000],
  ])('reads %j', (span, ms) => expect(spanMs(span)).toBe(ms))

  it.each(['17', '17 days', '-1d', -1, Number.NaN, ''])('rejects %j with a RangeError', (span) =>
    expect(() => spanMs(span)).toThrow(RangeError),
  )
})

describe('momentMs', () => {
  it('reads Unix milliseconds, texts and dates', () => {
    const ms = Date.UTC(2026, 11, 1)
    expect([ms, '2026-12-01', new Date(ms)].map(momentMs)).toEqual([ms, ms, ms])
  })

  it('rejects a number of seconds', () =>
    expect(() => momentMs(Date.UTC(2026, 11, 1) / 1000)).toThrow(/milliseconds/))

  it('rejects what Date cannot read', () => expect(() => momentMs('tomorrow')).toThrow(RangeError))
})

describe('durationMs', () => {
  it('reads the durations of Workflows', () =>
    expect([durationMs(5), durationMs('15 seconds'), durationMs('1 day')]).toEqual([5, 15_000, 86_400_000]))

  it('rejects any other text', () => expect(() => durationMs('soon')).toThrow(RangeError))
})
