import { describe, expect, it } from 'vitest'
import type { DirectoryReader } from '../../src/identity/directory.ts'
import { type CachedJwks, learn, PERIOD } from '../../src/identity/key-cache.ts'
import { type AgentIdentity, type Key, keysOf, type Missing, registryOf } from '../../src/identity/keys.ts'
import { type Crawler, DIRECTORY, newCrawler, pinned } from './harness.ts'

const T = 1_800_000_000_000
const one = await newCrawler()
const other = await newCrawler()
const listedAgent: AgentIdentity = { id: 'listed', url: DIRECTORY, keys: null }

/** Looks up keys of registered agents; `directory` answers for each of them. */
function newLookup(
  agents: AgentIdentity[],
  directory: DirectoryReader['read'] = () => Promise.reject(new Error('asked')),
) {
  const asked: string[] = []
  const findKey = keysOf(registryOf(agents), (url) => ({
    read: (...of) => {
      asked.push(url)
      return directory(...of)
    },
  }))
  const find = (crawler: Crawler, url: string | null = DIRECTORY, at = 0, host = 'site.example') =>
    findKey({ url, keyId: crawler.key.keyId, host }, T + at)
  return { find, asked }
}

function listing(keys: Crawler[], at = 0): CachedJwks {
  return learn(null, { outcome: 'read', keys: keys.map(({ key }) => key), maxAge: null }, T + at)
}

function agentOf(found: Key | Missing): string {
  return typeof found === 'string' ? found : found.agent
}

describe('findKey with pinned keys', () => {
  it('returns a pinned key and fetches nothing', async () => {
    const { find, asked } = newLookup([pinned(one)])
    expect(await find(one)).toMatchObject({ agent: 'crawler', url: DIRECTORY, algorithm: 'ed25519' })
    expect(await find(other)).toBe('key_unknown')
    expect(asked).toEqual([])
  })

  it('returns a pinned key only for the URL of its agent [C4]', async () => {
    const { find } = newLookup([
      pinned(one),
      pinned(other, { id: 'other', url: 'https://other.example/keys' }),
    ])
    expect(await find(other, DIRECTORY)).toBe('key_unknown')
    expect(await find(one, 'https://other.example/keys')).toBe('key_unknown')
    expect(await find(one, 'https://unregistered.example/keys')).toBe('agent_unknown')
    expect(await find(one, null)).toBe('agent_unknown')
  })

  it('returns the key of an agent without a URL for no URL or an unregistered one [C4]', async () => {
    const { find } = newLookup([pinned(one, { id: 'nameless', url: null }), pinned(other)])
    expect(agentOf(await find(one, null))).toBe('nameless')
    expect(agentOf(await find(one, 'https://unregistered.example/keys'))).toBe('nameless')
    expect(await find(one, DIRECTORY)).toBe('key_unknown')
  })

  it.each([
    ['not yet valid', { notBefore: T / 1000 + 11, expires: null }, 'key_not_current'],
    ['valid from now, by a clock 10 s ahead', { notBefore: T / 1000 + 10, expires: null }, 'crawler'],
    ['in its last second', { notBefore: null, expires: T / 1000 + 1 }, 'crawler'],
    ['expired', { notBefore: null, expires: T / 1000 }, 'key_not_current'],
  ])('checks the times of a key that is %s', async (_, times, outcome) => {
    const { find } = newLookup([pinned(one, { keys: [{ ...one.key, ...times }] })])
    expect(agentOf(await find(one))).toBe(outcome)
  })

  it('returns key_unknown for a pinned key off its curve', async () => {
    const { key } = await newCrawler('ecdsa-p256-sha256')
    const broken = { ...key, jwk: { ...key.jwk, y: 'x' in key.jwk ? key.jwk.x : '' } }
    const { find } = newLookup([pinned(one, { keys: [broken as typeof key] })])
    expect(await find({ ...one, key })).toBe('key_unknown')
  })
})

describe('findKey with a directory', () => {
  it('reads the directory once a period and caches it', async () => {
    const { find, asked } = newLookup([listedAgent], async () => listing([one]))
    for (const at of [0, 1000, PERIOD - 1]) expect(agentOf(await find(one, DIRECTORY, at))).toBe('listed')
    expect(asked).toEqual([DIRECTORY])
  })

  it('reads no directory of an unregistered agent [C5]', async () => {
    const { find, asked } = newLookup([listedAgent], async () => listing([one]))
    expect(await find(one, 'https://other.example/keys')).toBe('agent_unknown')
    expect(await find(one, null)).toBe('agent_unknown')
    expect(asked).toEqual([])
  })

  it('reads no directory on the site itself [C5]', async () => {
    const { find, asked } = newLookup([listedAgent], async () => listing([one]))
    expect(await find(one, DIRECTORY, 0, 'crawler.example')).toBe('agent_unknown')
    expect(asked).toEqual([])
  })

  it('asks for an absent key once a period [C5]', async () => {
    const { find, asked } = newLookup([listedAgent], async () => listing([one]))
    for (const _ of Array.from({ length: 20 })) expect(await find(other)).toBe('key_unknown')
    expect(asked).toEqual([DIRECTORY])
  })

  it('rejects the key of one agent under the URL of another [C4]', async () => {
    const second: AgentIdentity = { id: 'second', url: 'https://second.example/keys', keys: null }
    const { find } = newLookup([listedAgent, second], async (url) =>
      listing([url === DIRECTORY ? one : other]),
    )
    expect(agentOf(await find(one, DIRECTORY))).toBe('listed')
    expect(await find(one, second.url)).toBe('key_unknown')
  })

  it('returns key_unknown for a removed key after the expiry [C7]', async () => {
    let published = [one, other]
    const { find } = newLookup([listedAgent], async () =>
      listing(published, published.length === 2 ? 0 : PERIOD),
    )
    expect(agentOf(await find(one))).toBe('listed')
    published = [other]
    expect(agentOf(await find(one, DIRECTORY, PERIOD - 1))).toBe('listed')
    expect(await find(one, DIRECTORY, PERIOD)).toBe('key_unknown')
  })

  it('returns known keys while the directory is down, and directory_unavailable for others [C6]', async () => {
    const down = learn(listing([one]), { outcome: 'failed', why: 'down' }, T + PERIOD)
    const known = newLookup([listedAgent], async () => down)
    expect(agentOf(await known.find(one, DIRECTORY, PERIOD))).toBe('listed')
    expect(await known.find(other, DIRECTORY, PERIOD)).toBe('directory_unavailable')
    const fresh = newLookup([listedAgent], async () => learn(null, { outcome: 'failed', why: 'down' }, T))
    expect(await fresh.find(one)).toBe('directory_unavailable')
  })

  it('returns known keys while the object fails, and directory_unavailable for others [C6]', async () => {
    let broken = false
    const { find } = newLookup([listedAgent], async () => {
      if (broken) throw new Error('overloaded')
      return listing([one])
    })
    expect(agentOf(await find(one))).toBe('listed')
    broken = true
    expect(agentOf(await find(one, DIRECTORY, PERIOD * 2))).toBe('listed')
    expect(await find(other, DIRECTORY, PERIOD * 2)).toBe('directory_unavailable')
  })
})
