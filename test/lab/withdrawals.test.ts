import { describe, expect, it } from 'vitest'
import { midnightAfter, nextWatch } from '../../src/lab/withdrawals.ts'

const at = (time: string) => Date.parse(`2027-03-01T${time}Z`)
const withdrawal = { since: at('10:00:00'), until: at('20:00:00') }

describe('nextWatch', () => {
  it('is the last one of the day without a withdrawal', () => {
    expect(nextWatch(at('12:00:00'), [])).toBe(at('23:55:00'))
    expect(nextWatch(at('23:55:00'), [])).toBe(at('23:55:00') + 86_400_000)
  })

  it.each([
    ['just after its start', '10:00:01', '10:05:00'],
    ['in its first hour', '10:59:59', '11:00:00'],
    ['between its ends', '12:00:00', '19:00:00'],
    ['in its last hour', '19:32:00', '19:35:00'],
    ['after it can be finished', '20:00:00', '23:55:00'],
  ])('of a withdrawal, %s', (_, now, next) => expect(nextWatch(at(now), [withdrawal])).toBe(at(next)))
})

describe('midnightAfter', () => {
  it('is always later', () => expect(midnightAfter(at('00:00:00'))).toBe(at('00:00:00') + 86_400_000))
})
