import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fetched } from '../../src/identity/jwks.ts'
import {
  type CachedJwks,
  due,
  GRACE,
  LONGEST_FRESH,
  LONGEST_OUTAGE,
  learn,
  lookUp,
  PERIOD,
} from '../../src/identity/key-cache.ts'
import { newCrawler } from './harness.ts'

const T = 1_800_000_000_000
const { key } = await newCrawler()
const { key: other } = await newCrawler()
const failed: Fetched = { outcome: 'failed', why: 'down' }

function read(keys = [key], maxAge: number | null = null): Fetched {
  return { outcome: 'read', keys, maxAge }
}

function listed(...events: readonly (readonly [at: number, fetched: Fetched])[]): CachedJwks {
  const listing = events.reduce<CachedJwks | null>(
    (known, [at, fetched]) => learn(known, fetched, T + at),
    null,
  )
  if (!listing) throw new Error('nothing happened')
  return listing
}

describe('due', () => {
  const fresh = listed([0, read()])

  it.each([
    ['a directory never read', null, key.keyId, 0, 'ask'],
    ['a key read just now', fresh, key.keyId, PERIOD - 1, 'nothing'],
    ['a key read a period ago', fresh, key.keyId, PERIOD, 'confirm'],
    ['a key read long ago', fresh, key.keyId, PERIOD + GRACE, 'ask'],
    ['a key absent just now', fresh, other.keyId, PERIOD - 1, 'nothing'],
    ['a key absent a period ago', fresh, other.keyId, PERIOD, 'ask'],
  ] as const)('returns the next step for %s', (_, listing, wanted, at, need) => {
    expect(due(listing, wanted, T + at)).toBe(need)
  })

  it.each([
    [null, PERIOD],
    [0, PERIOD],
    [60, PERIOD],
    [600, 600_000],
    [86_400, LONGEST_FRESH],
  ])('keeps keys with max-age %j fresh for %d ms', (maxAge, freshFor) => {
    const listing = listed([0, read([key], maxAge)])
    expect(due(listing, key.keyId, T + freshFor - 1)).toBe('nothing')
    expect(due(listing, key.keyId, T + freshFor)).toBe('confirm')
  })

  it('returns confirm for one period after a failed read, then ask [C6]', () => {
    const down = listed([0, read()], [PERIOD * 10, failed])
    expect(due(down, key.keyId, T + PERIOD * 11)).toBe('confirm')
    expect(due(down, key.keyId, T + PERIOD * 12)).toBe('ask')
  })

  it('asks a directory at most once a period, for any keys and answers', () => {
    const steps = fc.array(
      fc.record({
        wait: fc.integer({ min: 0, max: PERIOD * 3 }),
        wanted: fc.constantFrom(key.keyId, other.keyId),
        answer: fc.constantFrom(read(), read([], 0), read([other], 1e6), failed),
      }),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(steps, (taken) => {
        let now = T
        let listing: CachedJwks | null = null
        let asked = Number.NEGATIVE_INFINITY
        for (const { wait, wanted, answer } of taken) {
          now += wait
          if (due(listing, wanted, now) === 'nothing') continue
          expect(now - asked).toBeGreaterThanOrEqual(PERIOD)
          asked = now
          listing = learn(listing, answer, now)
        }
      }),
    )
  })
})

describe('lookUp', () => {
  it('returns the listed key', () => {
    expect(lookUp(listed([0, read([other, key])]), key.keyId, T)).toBe(key)
  })

  it('returns unknown for a removed key once the directory is read again [C7]', () => {
    const listing = listed([0, read([key, other])], [PERIOD, read([other])])
    expect(lookUp(listing, key.keyId, T + PERIOD)).toBe('unknown')
  })

  it('keeps a removed key for at most an hour and a minute before due asks again [C7]', () => {
    const listing = listed([0, read([key], 1e9)])
    expect(due(listing, key.keyId, T + LONGEST_FRESH + GRACE)).toBe('ask')
  })

  it('returns known keys during an outage [C6]', () => {
    const listing = listed([0, read()], [PERIOD, failed], [PERIOD * 2, failed])
    expect(lookUp(listing, key.keyId, T + PERIOD * 2)).toBe(key)
  })

  it('returns undecided for a new key during an outage [C6]', () => {
    expect(lookUp(listed([0, failed]), key.keyId, T)).toBe('undecided')
    expect(lookUp(listed([0, read([other])], [PERIOD, failed]), key.keyId, T + PERIOD)).toBe('undecided')
  })

  it('returns undecided after a week of outage, and keeps the key [C6]', () => {
    const down = listed([0, read()], [LONGEST_OUTAGE, failed])
    expect(lookUp(down, key.keyId, T + LONGEST_OUTAGE)).toBe(key)
    expect(lookUp(down, key.keyId, T + LONGEST_OUTAGE + 1)).toBe('undecided')
    expect(down.keys).toEqual([key])
  })
})
