import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Agents } from '../../../src/ledger/credit/agents.ts'
import { Roster } from '../../../src/schemes/credit/agent-cache.ts'
import { newAgent } from './harness.ts'

/** The cache over the real registry, with counted lookups. Allows `may` lookups of unknown claims. */
function newRoster(may = Number.POSITIVE_INFINITY) {
  const counts = { asked: 0, unknown: 0 }
  const agents = {
    getByName: (name: string) => {
      counts.asked++
      return env.AGENTS.getByName(name)
    },
  } as DurableObjectNamespace<Agents>
  const roster = new Roster({ agents, mayAsk: async () => ++counts.unknown <= may })
  return { roster, counts }
}

describe('Agent cache', () => {
  it('looks up an agent once for any claimed keys, and again after 60 seconds', async () => {
    const agent = await newAgent()
    const { roster, counts } = newRoster(1)
    const url = `${agent.host}/.well-known/http-message-signatures-directory`
    for (let i = 0; i < 5; i++)
      expect(await roster.find({ url, keyId: `key ${i}` }, i)).toMatchObject({ agent: { id: agent.id } })
    expect(counts).toEqual({ asked: 1, unknown: 1 })
    expect(await roster.find({ url, keyId: 'key' }, 60_000)).toMatchObject({ agent: { id: agent.id } })
    expect(counts).toEqual({ asked: 2, unknown: 1 })
  })

  it('looks up an agent once for 32 concurrent requests', async () => {
    const agent = await newAgent()
    const { roster, counts } = newRoster(1)
    const url = `${agent.host}/.well-known/http-message-signatures-directory`
    const found = await Promise.all(Array.from({ length: 32 }, () => roster.find({ url, keyId: 'key' }, 0)))
    for (const member of found) expect(member).toMatchObject({ agent: { id: agent.id } })
    expect(counts).toEqual({ asked: 1, unknown: 1 })
  })

  it('caches an unknown claim and looks it up again after 60 seconds', async () => {
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
    expect(counts.asked).toBe(2)
    await roster.find({ url, keyId: 'another' }, 60_000)
    expect(counts.asked).toBe(3)
  })

  it('returns undecided for unknown claims beyond the limit', async () => {
    const { roster, counts } = newRoster(1)
    expect(await roster.find({ url: 'https://one.example/', keyId: 'a' }, 0)).toBeNull()
    expect(await roster.find({ url: 'https://two.example/', keyId: 'b' }, 0)).toBe('undecided')
    expect(counts.asked).toBe(1)
  })
})
