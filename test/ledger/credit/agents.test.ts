import { env, evictDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { AgentDraft } from '../../../src/ledger/credit/agent.ts'
import { randomHex } from '../../chain/harness.ts'
import { termsOf } from './harness.ts'

/** A new registry for each test. */
const newRegistry = () => {
  const name = randomHex(8)
  return () => env.AGENTS.getByName(name)
}

function draftOf(rest: Partial<AgentDraft> = {}): AgentDraft {
  const id = `agent-${randomHex(8)}`
  return { id, name: 'Example', url: `https://${id}.example/keys`, keys: null, terms: termsOf(), ...rest }
}

const keyOf = (keyId: string) => ({ keyId, jwk: { kty: 'OKP', crv: 'Ed25519', x: keyId } })

describe('Agents', () => {
  it('stores a registered agent and opens its credit line', async () => {
    const registry = newRegistry()
    const draft = draftOf({ keys: [keyOf('k1')] })
    const made = await registry().create(draft, 'anna')
    expect(made).toMatchObject({ outcome: 'registered', agent: { ...draft, suspended: null, version: 1 } })
    await evictDurableObject(registry())
    expect(await registry().get(draft.id)).toMatchObject(draft)
    expect(await env.LINES.getByName(draft.id).standing()).toMatchObject({
      charged: 0n,
      enrolment: { agent: draft.id, terms: draft.terms },
    })
  })

  it('registers one agent when the same draft comes twice', async () => {
    const registry = newRegistry()
    const draft = draftOf()
    await registry().create(draft, 'anna')
    expect(await registry().create(draft, 'anna')).toMatchObject({
      outcome: 'registered',
      agent: { version: 1 },
    })
    expect(await registry().create({ ...draft, name: 'Other' }, 'anna')).toMatchObject({ reason: 'exists' })
    expect(await registry().acts(0, 10)).toHaveLength(1)
  })

  it('rejects a URL or key in use, and a draft with neither', async () => {
    const registry = newRegistry()
    const draft = draftOf({ keys: [keyOf('k1')] })
    await registry().create(draft, 'anna')
    expect(await registry().create(draftOf({ url: draft.url }), 'anna')).toMatchObject({
      reason: 'url_taken',
    })
    expect(await registry().create(draftOf({ keys: [keyOf('k1')] }), 'anna')).toMatchObject({
      reason: 'key_taken',
    })
    expect(await registry().create(draftOf({ url: null }), 'anna')).toMatchObject({ reason: 'unidentified' })
    const other = draftOf()
    await registry().create(other, 'anna')
    expect(await registry().change(other.id, { url: draft.url }, 'anna')).toMatchObject({
      reason: 'url_taken',
    })
    expect(await registry().change('unknown', {}, 'anna')).toMatchObject({ reason: 'unknown' })
  })

  it('finds an agent with a URL by that URL only, and one without by its key [C4]', async () => {
    const registry = newRegistry()
    const named = draftOf({ keys: [keyOf('k1')] })
    const keyed = draftOf({ url: null, keys: [keyOf('k2')] })
    await registry().create(named, 'anna')
    await registry().create(keyed, 'anna')
    const find = async (url: string | null, keyId: string) => (await registry().find({ url, keyId }))?.id
    expect(await find(named.url, 'whatever')).toBe(named.id)
    expect(await find(named.url, 'k2')).toBe(named.id)
    expect(await find(null, 'k2')).toBe(keyed.id)
    expect(await find('https://unregistered.example/', 'k2')).toBe(keyed.id)
    expect(await find(null, 'k1')).toBeUndefined()
    expect(await find('https://unregistered.example/', 'k1')).toBeUndefined()
  })

  it('sends every change to the credit line and stores who made it', async () => {
    const registry = newRegistry()
    const draft = draftOf()
    const standing = () => env.LINES.getByName(draft.id).standing()
    await registry().create(draft, 'anna')
    await registry().change(draft.id, { terms: termsOf({ limit: 5n, probation: 5n }) }, 'bert')
    expect(await standing()).toMatchObject({ limit: 5n, closed: null })
    await registry().suspend(draft.id, 'does not answer', 'bert')
    await registry().suspend(draft.id, 'does not answer', 'bert')
    expect(await standing()).toMatchObject({ closed: 'credit_suspended' })
    await registry().suspend(draft.id, null, 'anna')
    expect(await standing()).toMatchObject({ closed: null, enrolment: { version: 4 } })
    await registry().note({ who: 'anna', what: 'invoice.paid', subject: 'INV-1', before: null, after: '{}' })
    const acts = await registry().acts(0, 10)
    expect(acts.map(({ who, what }) => `${who} ${what}`)).toEqual([
      'anna agent.create',
      'bert agent.change',
      'bert agent.suspend',
      'anna agent.resume',
      'anna invoice.paid',
    ])
    expect(acts[0]).toMatchObject({ subject: draft.id, before: null })
    expect(acts[1]?.before).toBe(acts[0]?.after)
  })

  it('returns agents in pages, in order of id', async () => {
    const registry = newRegistry()
    const drafts = [draftOf({ id: 'b' }), draftOf({ id: 'a' }), draftOf({ id: 'c' })]
    for (const draft of drafts) await registry().create(draft, 'anna')
    const first = await registry().list('', 2)
    const rest = await registry().list('b', 2)
    expect([...first, ...rest].map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  })
})
