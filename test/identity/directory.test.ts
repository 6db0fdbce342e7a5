import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { Directory } from '../../src/identity/directory.ts'
import type { Fetch } from '../../src/identity/jwks.ts'
import { GRACE, type Listing, PERIOD } from '../../src/identity/key-cache.ts'
import { DIRECTORY, newCrawler } from './harness.ts'

const T = 1_800_000_000_000
const one = await newCrawler()
const other = await newCrawler()

/** A Directory in a world that a test plays. */
class Played extends Directory {
  constructor(state: DurableObjectState, world: { fetch: Fetch; now: () => number }) {
    super(state, {})
    this.world = world
  }
}

type Answer = { keys: JsonWebKey[]; maxAge?: number } | 'down'

/** One directory over storage of its own; it remembers when it was asked. */
function newDirectory(...published: JsonWebKey[]) {
  const id = env.AUTHORIZATIONS.newUniqueId()
  const world = { at: 0, answer: { keys: published } as Answer, asked: [] as number[] }
  let held: PromiseWithResolvers<void> | null = null
  let object: Played | null = null
  const fetch: Fetch = async () => {
    world.asked.push(world.at)
    const { answer } = world
    await held?.promise
    if (answer === 'down') throw new TypeError('connection refused')
    const headers = { 'cache-control': `max-age=${answer.maxAge ?? 0}` }
    return Response.json({ keys: answer.keys }, { headers })
  }
  const inside = <Value>(work: (directory: Played) => Promise<Value>) =>
    runInDurableObject(env.AUTHORIZATIONS.get(id), (_, state) => {
      object ??= new Played(state, { fetch, now: () => T + world.at })
      return work(object)
    })
  return {
    world,
    inside,
    read: (wanted: string, url = DIRECTORY) => inside((directory) => directory.read(url, wanted)),
    /** What is asked from now on gets no answer until it is released. */
    hold: () => {
      held = Promise.withResolvers<void>()
      return () => held?.resolve()
    },
    restart: () => {
      object = null
    },
  }
}

function namesOf({ keys }: Listing): string[] {
  return keys.map(({ keyId }) => keyId)
}

describe('a Directory', () => {
  it('fetches once, and then knows', async () => {
    const { read, world } = newDirectory(one.jwk)
    for (const at of [0, 1000, PERIOD - 1]) {
      world.at = at
      expect(namesOf(await read(one.key.keyId))).toEqual([one.key.keyId])
    }
    expect(world.asked).toEqual([0])
  })

  it('fetches once for a hundred requests at the same time', async () => {
    const { inside, world } = newDirectory(one.jwk)
    const listings = await inside((directory) =>
      Promise.all(Array.from({ length: 100 }, () => directory.read(DIRECTORY, one.key.keyId))),
    )
    expect(new Set(listings.flatMap(namesOf))).toEqual(new Set([one.key.keyId]))
    expect(world.asked).toEqual([0])
  })

  it('remembers after it was evicted', async () => {
    const { read, restart, world } = newDirectory(one.jwk)
    await read(one.key.keyId)
    restart()
    expect(namesOf(await read(one.key.keyId))).toEqual([one.key.keyId])
    expect(world.asked).toEqual([0])
  })

  it('for keys that do not exist is asked once in a period, however many are claimed [C5]', async () => {
    const { read, world } = newDirectory(one.jwk)
    for (let at = 0; at < PERIOD; at += PERIOD / 20) {
      world.at = at
      await read(`${at}`)
    }
    expect(world.asked).toEqual([0])
  })

  it('finds a new key a period after it last looked', async () => {
    const { read, world } = newDirectory(one.jwk)
    await read(one.key.keyId)
    world.answer = { keys: [one.jwk, other.jwk] }
    world.at = PERIOD
    expect(namesOf(await read(other.key.keyId))).toContain(other.key.keyId)
  })

  it('confirms a known key while it is used', async () => {
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

  it('a removed key is gone when it is next used after the expiry [C7]', async () => {
    const { read, world } = newDirectory(one.jwk, other.jwk)
    await read(one.key.keyId)
    world.answer = { keys: [other.jwk] }
    world.at = PERIOD + GRACE
    expect(namesOf(await read(one.key.keyId))).toEqual([other.key.keyId])
  })

  it('an outage evicts nothing, and is asked again once in a period [C6]', async () => {
    const { read, world } = newDirectory(one.jwk)
    await read(one.key.keyId)
    world.answer = 'down'
    for (const at of [PERIOD + GRACE, PERIOD + GRACE + 1000, PERIOD * 2 + GRACE]) {
      world.at = at
      expect(namesOf(await read(one.key.keyId))).toEqual([one.key.keyId])
    }
    expect(world.asked).toEqual([0, PERIOD + GRACE, PERIOD * 2 + GRACE])
  })

  it('that was never read says so, and is asked again a period later [C6]', async () => {
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
    await expect(read(one.key.keyId, url)).rejects.toThrow('no URL of an agent')
    expect(world.asked).toEqual([])
  })
})
