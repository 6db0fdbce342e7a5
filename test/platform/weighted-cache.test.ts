import { describe, expect, it } from 'vitest'
import { WeightedCache } from '../../src/platform/weighted-cache.ts'

function kept(cache: WeightedCache<string, number>, keys: string): string {
  return [...keys].filter((key) => cache.get(key) !== undefined).join('')
}

describe('WeightedCache', () => {
  it('keeps values up to the sum of their weights, and drops those that were asked for longest ago', () => {
    const cache = new WeightedCache<string, number>(10)
    for (const key of 'abc') cache.set(key, 1, 3)
    expect(cache.get('a')).toBe(1)
    cache.set('d', 1, 4)
    expect(kept(cache, 'abcd')).toBe('acd')
    cache.set('e', 1, 8)
    expect(kept(cache, 'acde')).toBe('e')
  })

  it('keeps one value that is heavier than all, and counts a value once', () => {
    const cache = new WeightedCache<string, number>(10)
    cache.set('a', 1, 50)
    expect(cache.get('a')).toBe(1)
    cache.set('a', 2, 6)
    cache.set('b', 1, 4)
    expect(kept(cache, 'ab')).toBe('ab')
  })
})
