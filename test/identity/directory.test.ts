import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { Directory } from '../../src/identity/directory.ts'
import type { Fetch } from '../../src/identity/jwks.ts'
import { type CachedJwks, GRACE, PERIOD } from '../../src/identity/key-cache.ts'
import { DIRECTORY, newCrawler } from './harness.ts'

const T = 1_800_000_000_000
const one = await newCrawler()
const other = await newCrawler()

/** A Directory whose clock and fetch a test controls. */
class TestDirectory extends Directory {
  constructor(state: DurableObjectState, world: { fetch: Fetch; now: () => number }) {
    super(state, {})
    this.world = world
  }
}

type Answer = { keys: JsonWebKey[]; maxAge?: number } | 'down'

/** One directory over storage of its own. `world.asked` holds the times of its requests. */
function newDirectory(...published: JsonWebKey[]) {
  const id = env.AUTHORIZATIONS.newUniqueId()
  const world = { at: 0, answer: { keys: published } as Answer, asked: [] as number[] }
  let held: PromiseWithResolvers<void> | null = null
  let object: TestDirectory | null = null
  const fetch: Fetch = async () => {
    world.asked.push(world.at)
    const { answer } = world
    await held?.promise
    if (answer === 'down') throw new TypeError('connection refused')
    const headers = { 'cache-control': `max-age=${answer.maxAge ?? 0}` }
    return Response.json({ keys: answer.keys }, { headers })
  }
  const inside = <Value>(work: (directory: TestDirectory) => Promise<Value>) =>
    runInDurableObject(env.AUTHORIZATIONS.get(id), (_, state) => {
      object ??= new TestDirectory(state, { fetch, now: () => T + world.at })
      return work(object)
    })
  return {
    world,
    inside,
    read: (wanted: string, url = DIRECTORY) => inside((directory) => directory.read(url, wanted)),
    /** Holds every later request until it is released. */
    hold: () => {
      held = Promise.withResolvers<void>()
      return () => held?.resolve()
    },
    restart: () => {
      object = null
    },
  }
}

function namesOf({ keys }: CachedJwks): string[] {
  return keys.map(({ keyId }) => keyId)
}

describe('Directory.read', () => {
  it('fetches once a period', async () => {
    const { read, world } = newDirectory(one.jwk)
    for (const at of [0, 1000, PERIOD - 1]) {
      world.at = at
      expect(namesOf(await read(one.key.keyId))).toEqual([one.key.keyId])
    }
    expect(world.asked).toEqual([0])
  })

  it('fetches once for a hundred concurrent calls', async () => {
    const { inside, world } = newDirectory(one.jwk)
    const listings = await inside((directory) =>
      Promise.all(Array.from({ length: 100 }, () => directory.read(DIRECTORY, one.key.keyId))),
    )
    expect(new Set(listings.flatMap(namesOf))).toEqual(new Set([one.key.keyId]))
    expect(world.asked).toEqual([0])
  })

  it('keeps its keys in storage over an eviction', async () => {
    const { read, restart, world } = newDirectory(one.jwk)
    await read(one.key.keyId)
    restart()
    expect(namesOf(await read(one.key.keyId))).toEqual([one.key.keyId])
    expect(world.asked).toEqual([0])
  })

  it('fetches once a period however many unknown keys are claimed [C5]', async () => {
    const { read, world } = newDirectory(one.jwk)
    for (let at = 0; at < PERIOD; at += PERIOD / 20) {
      world.at = at
      await read(`${at}`)
    }
    expect(world.asked).toEqual([0])
  })

  it('returns a new key one period after the last fetch', async () => {
    const { read, world } = newDirectory(one.jwk)
    await read(one.key.keyId)
    world.answer = { keys: [one.jwk, other.jwk] }
    world.at = PERIOD
    expect(namesOf(await read(other.key.keyId))).toContain(other.key.keyId)
  })

  it('returns a known key at once and confirms it in the background', async () => {
    const { read, hold, world } = newDirectory(one.jwk)
    await read(one.key.keyId)
    world.at = PERIOD
    const release = hold()
    const before = await read(one.key.keyId)
    expect(before).toMatchObject({ readAt: T })
    release()
    await expect.poll(() => read(one.key.keyId)).toMatchObject({ readAt: T + PERIOD })
    expect(world.asked).toEqual([0, PERIOD])
  })

  it('drops a removed key on its first use after the expiry [C7]', async () => {
    const { read, world } = newDirectory(one.jwk, other.jwk)
    await read(one.key.keyId)
    world.answer = { keys: [other.jwk] }
    world.at = PERIOD + GRACE
    expect(namesOf(await read(one.key.keyId))).toEqual([other.key.keyId])
  })

  it('keeps its keys during an outage and retries once a period [C6]', async () => {
    const { read, world } = newDirectory(one.jwk)
    await read(one.key.keyId)
    world.answer = 'down'
    for (const at of [PERIOD + GRACE, PERIOD + GRACE + 1000, PERIOD * 2 + GRACE]) {
      world.at = at
      expect(namesOf(await read(one.key.keyId))).toEqual([one.key.keyId])
    }
    expect(world.asked).toEqual([0, PERIOD + GRACE, PERIOD * 2 + GRACE])
  })

  it('returns readAt null when the first fetch fails, and retries a period later [C6]', async () => {
    const { read, world } = newDirectory(one.jwk)
    world.answer = 'down'
    expect(await read(one.key.keyId)).toMatchObject({ keys: [], readAt: null, failing: true })
    world.answer = { keys: [one.jwk] }
    expect(await read(one.key.keyId)).toMatchObject({ readAt: null })
    world.at = PERIOD
    expect(namesOf(await read(one.key.keyId))).toEqual([one.key.keyId])
  })

  it.each([
    'https://127.0.0.1/',
    'http://crawler.example/keys',
    'https://crawler.example:8443/',
    'https://Crawler.example/',
  ])('never fetches %s [C5]', async (url) => {
    const { read, world } = newDirectory(one.jwk)
    await expect(read(one.key.keyId, url)).rejects.toThrow('url must be the registered URL')
    expect(world.asked).toEqual([])
  })
})
