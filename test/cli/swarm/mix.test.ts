import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  arrivals,
  lanesOf,
  parseMix,
  parseRate,
  parseSpan,
  payersWanted,
} from '../../../src/cli/swarm/mix.ts'
import { randomFrom } from '../../../src/lab/crawlers/kit.ts'

const MIX = parseMix('honest:80,replayer:5,slow:5,forger:10') ?? []

describe('parseMix', () => {
  it('reads names and weights', () => {
    expect(parseMix('honest:3,slow:1')).toEqual([
      { name: 'honest', weight: 3 },
      { name: 'slow', weight: 1 },
    ])
  })

  it.each(['', 'honest', 'honest:0', 'honest:1.5', 'thief:5', 'honest:1,honest:2', 'honest:1,', ' honest:1'])(
    'rejects %j',
    (text) => {
      expect(parseMix(text)).toBeNull()
    },
  )
})

describe('parseRate and parseSpan', () => {
  it.each([
    ['50/s', 50],
    ['120/m', 2],
    ['0.5/s', 0.5],
    ['0/s', null],
    ['50', null],
    ['50/h', null],
  ])('read the rate %s as %s a second', (text, perSecond) => {
    expect(parseRate(text)).toBe(perSecond)
  })

  it.each([
    ['60s', 60_000],
    ['500ms', 500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['0s', null],
    ['5d', null],
  ])('read the time %s as %s ms', (text, ms) => {
    expect(parseSpan(text)).toBe(ms)
  })
})

describe('arrivals', () => {
  it('are the same for the same seed, and others for another', () => {
    const plan = (seed: number) => arrivals(MIX, 50, 10_000, randomFrom(seed))
    expect(plan(1)).toEqual(plan(1))
    expect(plan(1)).not.toEqual(plan(2))
  })

  it('come in order of time, within the span, at about the rate and the mix', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), (seed) => {
        const plan = arrivals(MIX, 100, 60_000, randomFrom(seed))
        const times = plan.map(({ atMs }) => atMs)
        expect(times).toEqual(times.toSorted((a, b) => a - b))
        expect(times.every((atMs) => atMs >= 0 && atMs < 60_000)).toBe(true)
        expect(Math.abs(plan.length - 6_000)).toBeLessThan(500)
        const honest = plan.filter(({ name }) => name === 'honest').length
        expect(Math.abs(honest / plan.length - 0.8)).toBeLessThan(0.05)
      }),
      { numRuns: 20 },
    )
  })
})

describe('lanesOf', () => {
  it('gives each crawler one lane at least, and the rest by weight and by how long it is busy', () => {
    expect(Object.fromEntries(lanesOf(MIX, 10) ?? [])).toEqual({ honest: 5, replayer: 1, slow: 3, forger: 1 })
    expect(Object.fromEntries(lanesOf(MIX, 4) ?? [])).toEqual({ honest: 1, replayer: 1, slow: 1, forger: 1 })
  })

  it('is null for fewer lanes than crawlers', () => {
    expect(lanesOf(MIX, 3)).toBeNull()
  })
})

describe('payersWanted', () => {
  it('grows with the rate up to a bound, and never leaves a crawler without a payer', () => {
    expect(payersWanted(MIX, 0.1)).toBeGreaterThanOrEqual(MIX.length)
    expect(payersWanted(MIX, 50)).toBeGreaterThan(payersWanted(MIX, 10))
    expect(payersWanted(MIX, 10_000)).toBe(200)
  })
})
