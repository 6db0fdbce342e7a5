import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/people/principal.ts'

const principal = (id: string): Principal => ({ id, name: id, role: 'operator', publisher: null })

function people() {
  const { PEOPLE } = env
  if (!PEOPLE) throw new Error('PEOPLE must be bound')
  return PEOPLE.getByName(crypto.randomUUID())
}

describe('the sessions of the console', () => {
  it('are listed to their principal alone, and mark the one that asks', async () => {
    const object = people()
    const [ann, bob] = [
      await object.open(principal('ann'), 'Firefox'),
      await object.open(principal('bob'), 'Chrome'),
    ]
    expect(await object.list(ann, 'ann')).toMatchObject([
      { principal: 'ann', client: 'Firefox', isThis: true },
    ])
    expect(await object.list(bob, null)).toHaveLength(2)
    expect(JSON.stringify(await object.list(bob, null))).not.toContain(bob)
  })

  it('are ended by their principal, and by no other but one that reaches all', async () => {
    const object = people()
    const [ann, bob] = [await object.open(principal('ann'), ''), await object.open(principal('bob'), '')]
    const [{ id } = { id: '' }] = await object.list(bob, 'bob')
    expect(await object.revoke(id, 'ann')).toBe(false)
    expect(await object.of(bob)).toMatchObject({ id: 'bob' })
    expect(await object.revoke(id, null)).toBe(true)
    expect(await object.of(bob)).toBeNull()
    expect(await object.of(ann)).toMatchObject({ id: 'ann' })
  })
})
