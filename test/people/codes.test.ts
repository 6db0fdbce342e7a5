import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { CODE_MS, Codes, MAX_CODES } from '../../src/people/codes.ts'
import type { Principal } from '../../src/people/principal.ts'

const OWNER: Principal = { id: 'owner', name: 'Operator', role: 'owner', publisher: null }
const NOW = 1_800_000_000_000

/** Runs with the codes of a new object of People. */
function withCodes(run: (codes: Codes) => void): Promise<void> {
  const { PEOPLE } = env
  if (!PEOPLE) throw new Error('PEOPLE must be bound')
  const object = PEOPLE.getByName(crypto.randomUUID())
  return runInDurableObject(object, (_, { storage }) => run(new Codes(storage.sql)))
}

describe('a one-time code', () => {
  it('is used once, until 15 minutes have passed', () =>
    withCodes((codes) => {
      for (const hash of ['a', 'b']) codes.add(hash, { ...OWNER, provenAt: NOW }, NOW)
      expect(codes.take('a', NOW + CODE_MS - 1)).toEqual(OWNER)
      expect(codes.take('a', NOW)).toBeNull()
      expect(codes.take('b', NOW + CODE_MS)).toBeNull()
    }))

  it('ends when its principal has made twenty others', () =>
    withCodes((codes) => {
      for (let at = 0; at <= MAX_CODES; at++) codes.add(`${at}`, OWNER, NOW + at)
      expect(codes.take('0', NOW + MAX_CODES)).toBeNull()
      expect(codes.take('1', NOW + MAX_CODES)).toEqual(OWNER)
    }))

  it('is in the log of acts, without the code', async () => {
    const object = env.PEOPLE?.getByName(crypto.randomUUID())
    const made = await object?.makeCode(OWNER)
    const acts = (await object?.acts(0, 10)) ?? []
    expect(acts).toMatchObject([{ who: 'owner', what: 'session.code' }])
    expect(JSON.stringify(acts)).not.toContain(made?.code)
  })
})
