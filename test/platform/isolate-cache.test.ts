import { describe, expect, it } from 'vitest'
import { IsolateCache } from '../../src/platform/isolate-cache.ts'

/** A cache before a store of texts: fresh for 30 s, used for 600 s, with room for two. */
function cacheOf(store: Map<string, string>, options: { maxAgeMs?: number } = { maxAgeMs: 600_000 }) {
  const clock = { ms: 0, store }
  const reads: string[] = []
  const faults: string[] = []
  const behind: Promise<unknown>[] = []
  const cache = new IsolateCache<string>({
    read: async (key) => {
      reads.push(key)
      // As a store that answers a moment later.
      await new Promise((resume) => setTimeout(resume, 0))
      if (store.has('fault')) throw new Error(store.get('fault'))
      return store.get(key)
    },
    now: () => clock.ms,
    later: (work) => void behind.push(work),
    freshMs: 30_000,
    retryMs: 10_000,
    maxEntries: 2,
    report: (fault, key) => void faults.push(`${key}: ${fault}`),
    ...options,
  })
  return { cache, clock, reads, faults, settled: () => Promise.all(behind.splice(0)) }
}

describe('IsolateCache.get', () => {
  it('returns a fresh copy without a promise and without a read', async () => {
    const { cache, clock, reads } = cacheOf(new Map([['a', 'one']]))
    expect(await cache.get('a')).toBe('one')
    clock.ms = 29_999
    expect(cache.get('a')).toBe('one')
    expect(reads).toEqual(['a'])
  })

  it('returns a copy that is due, and reads it again once behind the answers', async () => {
    const store = new Map([['a', 'one']])
    const { cache, clock, reads, settled } = cacheOf(store)
    await cache.get('a')
    store.set('a', 'two')
    clock.ms = 30_000
    expect([cache.get('a'), cache.get('a')]).toEqual(['one', 'one'])
    await settled()
    expect([cache.get('a'), reads.length]).toEqual(['two', 2])
  })

  it('keeps the absence of a key as it keeps a value', async () => {
    const { cache, reads } = cacheOf(new Map())
    expect(await cache.get('a')).toBeUndefined()
    expect(cache.get('a')).toBeUndefined()
    expect(reads).toEqual(['a'])
  })

  it('uses a copy while the store fails, until it is too old', async () => {
    const store = new Map([['a', 'one']])
    const { cache, clock, reads, faults, settled } = cacheOf(store)
    await cache.get('a')
    store.set('fault', 'down')
    clock.ms = 40_000
    expect(cache.get('a')).toBe('one')
    await settled()
    // Not before the pause after a failure is over.
    clock.ms = 49_999
    expect([cache.get('a'), reads.length, faults]).toEqual(['one', 2, ['a: Error: down']])
    clock.ms = 599_999
    expect(cache.get('a')).toBe('one')
    await settled()
    clock.ms = 600_000
    await expect(cache.get('a')).rejects.toThrow('down')
    store.delete('fault')
    expect(await cache.get('a')).toBe('one')
  })

  it('reads once for all requests that wait for one key', async () => {
    const { cache, reads } = cacheOf(new Map([['a', 'one']]))
    expect(await Promise.all([cache.get('a'), cache.get('a'), cache.get('a')])).toEqual(['one', 'one', 'one'])
    expect(reads).toEqual(['a'])
  })

  it('reads again where the request that began a read was cancelled', async () => {
    const reads: string[] = []
    const cache = new IsolateCache<string>({
      read: async (key) => {
        reads.push(key)
        return reads.length === 1 ? new Promise(() => undefined) : 'one'
      },
      now: () => reads.length * 2_000,
      later: () => undefined,
      freshMs: 30_000,
      retryMs: 10_000,
      maxEntries: 2,
      report: () => undefined,
    })
    void cache.get('a')
    expect(await cache.get('a')).toBe('one')
  })

  it('drops the copy that was asked for longest ago', async () => {
    const { cache, reads } = cacheOf(new Map(['a', 'b', 'c'].map((key) => [key, key])))
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.get(key)
    expect(reads).toEqual(['a', 'b', 'c', 'b'])
  })

  it('drops no value for keys that do not exist', async () => {
    const { cache, reads } = cacheOf(new Map([['a', 'one']]))
    for (const key of ['a', 'x', 'y', 'z', 'a', 'x']) await cache.get(key)
    expect(reads).toEqual(['a', 'x', 'y', 'z', 'x'])
  })
})

describe('IsolateCache.known', () => {
  it('never waits, and reads once behind the answers', async () => {
    const { cache, reads, settled } = cacheOf(new Map([['a', 'one']]))
    expect([cache.known('a'), cache.known('a')]).toEqual([undefined, undefined])
    await settled()
    expect([cache.known('a'), reads.length]).toEqual(['one', 1])
  })

  it('asks a store that fails again after the pause alone', async () => {
    const { cache, clock, reads, settled } = cacheOf(new Map([['fault', 'down']]))
    for (const ms of [0, 1, 9_999, 10_000, 10_001]) {
      clock.ms = ms
      cache.known('a')
      await settled()
    }
    expect(reads.length).toBe(2)
  })

  it('uses a copy of any age while the store fails, where no age is set', async () => {
    const store = new Map([['a', 'one']])
    const { cache, clock, settled } = cacheOf(store, {})
    await cache.get('a')
    store.set('fault', 'down')
    clock.ms = 86_400_000 * 365
    expect(cache.known('a')).toBe('one')
    await settled()
    expect(cache.known('a')).toBe('one')
  })
})

describe('IsolateCache.set', () => {
  it('keeps a value that is set while an older one is read', async () => {
    const { cache, settled } = cacheOf(new Map([['a', 'one']]))
    cache.known('a')
    cache.set('a', 'two')
    await settled()
    expect(cache.get('a')).toBe('two')
  })
})
