import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_LIST_BYTES, refreshLists } from '../../../src/identity/published/refresh.ts'
import type { Source } from '../../../src/identity/published/sources.ts'
import { cachedLists, readLists, writeLists } from '../../../src/identity/published/store.ts'

const T = 1_790_000_000_000
const HOUR = 3_600_000
const GPTBOT = 'https://openai.com/gptbot.json'
const SOURCES: readonly Source[] = [{ url: GPTBOT, crawlers: ['GPTBot'] }]
const LIST = JSON.stringify({ prefixes: [{ ipv4Prefix: '192.0.2.0/24' }] })

/** The operator's server. `asked` holds the times of its requests. */
function newServer() {
  const server = { at: T, answer: () => new Response(LIST), asked: [] as number[] }
  const refresh = () =>
    refreshLists(
      env.LISTS,
      {
        now: () => server.at,
        fetch: async () => {
          server.asked.push(server.at)
          return server.answer()
        },
      },
      SOURCES,
    )
  return { server, refresh }
}

beforeEach(() => writeLists(env.LISTS, {}))

describe('refreshLists', () => {
  it('stores a list and fetches it again after a day', async () => {
    const { server, refresh } = newServer()
    for (const after of [0, HOUR, 24 * HOUR - 1, 24 * HOUR]) {
      server.at = T + after
      expect(await refresh()).toEqual({})
    }
    expect(server.asked).toEqual([T, T + 24 * HOUR])
    expect(await readLists(env.LISTS)).toEqual({
      [GPTBOT]: {
        ranges: ['4c0000200', '4c00002ff'],
        prefixes: 1,
        fetchedAt: T + 24 * HOUR,
        triedAt: T + 24 * HOUR,
      },
    })
  })

  it('keeps the last good list while its server fails, and tries again every hour', async () => {
    const { server, refresh } = newServer()
    await refresh()
    server.answer = () => new Response('', { status: 500 })
    for (const after of [24, 24.5, 25]) {
      server.at = T + after * HOUR
      await refresh()
    }
    expect(server.asked).toEqual([T, T + 24 * HOUR, T + 25 * HOUR])
    expect(await readLists(env.LISTS)).toMatchObject({ [GPTBOT]: { prefixes: 1, fetchedAt: T } })
  })

  it('tries a list that it never read every hour', async () => {
    const { server, refresh } = newServer()
    server.answer = () => new Response('<html>')
    for (const after of [0, 0.5, 1]) {
      server.at = T + after * HOUR
      await refresh()
    }
    expect(server.asked).toEqual([T, T + HOUR])
  })

  it.each([
    ['an error', () => new Response('', { status: 403 }), 'its server answered 403'],
    ['a page', () => new Response('<html>'), 'it must be JSON with a list of prefixes'],
    [
      'a list over http',
      () => Object.defineProperty(new Response(LIST), 'url', { value: 'http://openai.example/' }),
      'it must be served over https',
    ],
    [
      'an answer of more than a megabyte',
      () => new Response(LIST.padEnd(MAX_LIST_BYTES + 1)),
      'it must have at most 1048576 bytes',
    ],
    [
      'a server that is down',
      () => {
        throw new TypeError('connection refused')
      },
      'it could not be fetched: connection refused',
    ],
  ])('refuses %s', async (_, answer, fault) => {
    const { server, refresh } = newServer()
    server.answer = answer
    expect(await refresh()).toEqual({ [GPTBOT]: fault })
  })

  it('accepts an answer of exactly a megabyte', async () => {
    const { server, refresh } = newServer()
    server.answer = () => new Response(LIST.padEnd(MAX_LIST_BYTES))
    expect(await refresh()).toEqual({})
  })
})

describe('cachedLists', () => {
  it('serves the shipped copy first, then what KV holds, and reads it again after ten minutes', async () => {
    const { server, refresh } = newServer()
    await refresh()
    const reads: Promise<unknown>[] = []
    const published = cachedLists(env.LISTS, {
      now: () => server.at,
      later: (promise) => reads.push(promise),
    })
    expect(published()('GPTBot', '192.0.2.1')).toBe('unknown')
    expect(published()('GPTBot', '192.0.2.1')).toBe('unknown')
    expect(reads.length).toBe(1)
    await Promise.all(reads)
    expect(published()('GPTBot', '192.0.2.1')).toBe('listed')
    expect(published()('GPTBot', '192.0.3.1')).toBe('unlisted')
    server.at += 10 * 60_000 - 1
    published()
    expect(reads.length).toBe(1)
    server.at += 1
    published()
    expect(reads.length).toBe(2)
    await Promise.all(reads)
  })

  it('reads again after 30 seconds when a read ended without an answer', () => {
    let at = T
    let reads = 0
    const published = cachedLists(env.LISTS, {
      now: () => at,
      later: () => {
        reads++
      },
    })
    for (const after of [0, 29_999, 30_000]) {
      at = T + after
      published()
    }
    expect(reads).toBe(2)
  })

  it('serves the shipped copy without a store', () => {
    const published = cachedLists(undefined, {
      now: () => T,
      later: () => expect.fail('reads nothing'),
    })
    expect(published()('Googlebot', '66.249.66.1')).toBe('listed')
  })
})
