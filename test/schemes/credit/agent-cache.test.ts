import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { writeBody } from '../../../src/ledger/body.ts'
import type { Agent } from '../../../src/ledger/credit/agent.ts'
import type { Agents } from '../../../src/ledger/credit/agents.ts'
import { Roster } from '../../../src/schemes/credit/agent-cache.ts'
import { randomHex } from '../../chain/harness.ts'
import { newAgent } from './harness.ts'

const DIRECTORY = '/.well-known/http-message-signatures-directory'

/**
 * The cache of a cold isolate over a real registry, with counted calls. Allows `may` lookups of unknown claims. `broken`
 * calls fail.
 */
function newRoster({ may = Number.POSITIVE_INFINITY, registry = 'agents', maxEntries = 2000 } = {}) {
  const counts = { index: 0, find: 0, unknown: 0 }
  const broken = { index: false, find: false }
  const call = async <Value>(name: 'index' | 'find', ask: () => Promise<Value>) => {
    counts[name]++
    if (broken[name]) throw new Error('the registry is down')
    return ask()
  }
  const stub = env.AGENTS.getByName(registry)
  const agents = {
    getByName: () => ({
      index: (known: string | null) => call('index', async () => stub.index(known)),
      find: (claim: { url: string | null; keyId: string }) => call('find', async () => stub.find(claim)),
    }),
  } as unknown as DurableObjectNamespace<Agents>
  const roster = new Roster({ agents, mayAsk: async () => ++counts.unknown <= may }, maxEntries)
  return { roster, counts, broken }
}

/** A registry with this many agents, written straight into its storage. */
async function newRegistry(count: number) {
  const registry = randomHex(8)
  const agent: Omit<Agent, 'id' | 'url'> = {
    name: 'Example',
    keys: null,
    terms: {
      limit: 1n,
      probation: 1n,
      period: 'daily',
      rail: 'transfer',
      tier: null,
      buyer: { name: 'B', country: 'NL' },
    },
    suspended: null,
    createdAt: 0,
    version: 1,
  }
  const urls = Array.from({ length: count }, (_, at) => `https://agent-${at}.example${DIRECTORY}`)
  await runInDurableObject(env.AGENTS.getByName(registry), (_, { storage }) => {
    for (const [at, url] of urls.entries())
      storage.sql.exec(
        'INSERT INTO agent VALUES (?, ?, ?)',
        `a${at}`,
        url,
        writeBody({ ...agent, id: `a${at}`, url }),
      )
  })
  return { registry, urls }
}

async function suspend({ id }: { id: string }) {
  await env.AGENTS.getByName('agents').suspend(id, 'late', 'test')
}

describe('Agent cache', () => {
  it('finds 1,000 registered agents on a cold isolate while no stranger may be looked up [H1]', async () => {
    const { registry, urls } = await newRegistry(1000)
    const { roster, counts } = newRoster({ may: 0, registry })
    for (let i = 0; i < 100; i++) await roster.find({ url: `https://stranger-${i}.example/`, keyId: 'k' }, 0)
    const found = await Promise.all(urls.map((url) => roster.find({ url, keyId: 'k' }, 0)))
    expect(found.map((member) => member !== null && member !== 'undecided' && member.agent.url)).toEqual(urls)
    expect(counts).toEqual({ index: 1, find: 1000, unknown: 100 })
  })

  it('asks the registry for no agent again while the index lists the same version', async () => {
    const agent = await newAgent()
    const { roster, counts } = newRoster({ may: 0 })
    const url = `${agent.host}${DIRECTORY}`
    for (let now = 0; now <= 600_000; now += 10_000)
      expect(await roster.find({ url, keyId: `key ${now}` }, now)).toMatchObject({ agent: { id: agent.id } })
    expect(counts).toMatchObject({ find: 1, unknown: 0 })
  })

  it('returns a changed agent at the latest 30 seconds after the change', async () => {
    const agent = await newAgent()
    const { roster } = newRoster({ may: 0 })
    const claim = { url: `${agent.host}${DIRECTORY}`, keyId: 'key' }
    expect(await roster.find(claim, 0)).toMatchObject({ agent: { suspended: null } })
    await suspend(agent)
    expect(await roster.find(claim, 30_000)).toMatchObject({ agent: { suspended: 'late' } })
  })

  it('reads the index behind a request after 15 seconds, so that the request does not wait', async () => {
    const agent = await newAgent()
    const { roster, counts } = newRoster({ may: 0 })
    const claim = { url: `${agent.host}${DIRECTORY}`, keyId: 'key' }
    await roster.find(claim, 0)
    await suspend(agent)
    expect(await roster.find(claim, 15_000)).toMatchObject({ agent: { suspended: null } })
    await vi.waitFor(async () =>
      expect(await roster.find(claim, 15_001)).toMatchObject({ agent: { suspended: 'late' } }),
    )
    expect(counts.index).toBe(2)
  })

  it('keeps known agents for a day while the registry does not answer [C6]', async () => {
    const agent = await newAgent()
    const { roster, counts, broken } = newRoster()
    const claim = { url: `${agent.host}${DIRECTORY}`, keyId: 'key' }
    await roster.find(claim, 0)
    Object.assign(broken, { index: true, find: true })
    for (const now of [15_000, 30_000, 31_000, 3_600_000, 86_399_999])
      expect(await roster.find(claim, now), String(now)).toMatchObject({ agent: { id: agent.id } })
    expect(counts.index).toBe(5)
    await expect(roster.find(claim, 86_400_000)).rejects.toThrow('down')
    await expect(roster.find({ url: 'https://new.example/', keyId: 'k' }, 86_400_001)).rejects.toThrow('down')
  })

  it('finds agents one by one while only the index does not answer', async () => {
    const agent = await newAgent()
    const { roster, counts, broken } = newRoster({ may: 1 })
    broken.index = true
    const claim = { url: `${agent.host}${DIRECTORY}`, keyId: 'key' }
    for (const now of [0, 1, 30_000])
      expect(await roster.find(claim, now)).toMatchObject({ agent: { id: agent.id } })
    expect(counts).toEqual({ index: 2, find: 2, unknown: 1 })
  })

  it('looks up an agent once for 32 concurrent requests', async () => {
    const agent = await newAgent()
    const { roster, counts } = newRoster({ may: 0 })
    const url = `${agent.host}${DIRECTORY}`
    const found = await Promise.all(Array.from({ length: 32 }, () => roster.find({ url, keyId: 'key' }, 0)))
    for (const member of found) expect(member).toMatchObject({ agent: { id: agent.id } })
    expect(counts).toEqual({ index: 1, find: 1, unknown: 0 })
  })

  it('finds an agent that was registered after the index was read, within the limit', async () => {
    const { roster, counts } = newRoster({ may: 1 })
    await roster.find({ url: null, keyId: 'stranger' }, 0)
    counts.unknown = 0
    const agent = await newAgent()
    const url = `${agent.host}${DIRECTORY}`
    expect(await roster.find({ url, keyId: 'key' }, 1)).toMatchObject({ agent: { id: agent.id } })
    expect(counts.unknown).toBe(1)
  })

  it('caches a claim that matches no agent for 30 seconds', async () => {
    const agent = await newAgent({}, { named: false })
    const { roster, counts } = newRoster()
    const url = 'https://unregistered.example/'
    const claim = { url, keyId: agent.key.keyId }
    expect(await roster.find(claim, 0)).toMatchObject({ agent: { id: agent.id } })
    expect(await roster.find({ url, keyId: 'another' }, 1)).toBeNull()
    expect(await roster.find({ url, keyId: 'another' }, 2)).toBeNull()
    expect(await roster.find({ url: null, keyId: agent.key.keyId }, 3)).toMatchObject({
      agent: { id: agent.id },
    })
    expect(counts.find).toBe(2)
    await roster.find({ url, keyId: 'another' }, 30_001)
    expect(counts.find).toBe(3)
  })

  it('returns undecided for unknown claims beyond the limit', async () => {
    const { roster, counts } = newRoster({ may: 1 })
    expect(await roster.find({ url: 'https://one.example/', keyId: 'a' }, 0)).toBeNull()
    expect(await roster.find({ url: 'https://two.example/', keyId: 'b' }, 0)).toBe('undecided')
    expect(counts.find).toBe(1)
  })

  it('drops the oldest stranger beyond its limit, and keeps every agent', async () => {
    const agent = await newAgent()
    const { roster, counts } = newRoster({ maxEntries: 10 })
    const claim = { url: `${agent.host}${DIRECTORY}`, keyId: 'key' }
    await roster.find(claim, 0)
    for (let i = 0; i <= 10; i++) await roster.find({ url: null, keyId: `stranger ${i}` }, 1)
    counts.find = 0
    await roster.find(claim, 2)
    await roster.find({ url: null, keyId: 'stranger 10' }, 2)
    expect(counts.find).toBe(0)
    await roster.find({ url: null, keyId: 'stranger 0' }, 2)
    expect(counts.find).toBe(1)
  })
})
