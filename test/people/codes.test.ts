import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { CODE_MS, MAX_CODES, storeCode, takeCode } from '../../src/people/codes.ts'
import type { Principal } from '../../src/people/principal.ts'

const OWNER: Principal = { id: 'owner', name: 'Operator', role: 'owner', publisher: null }
const NOW = 1_800_000_000_000

/** Runs inside a new object of People. */
function inPeople(run: (storage: DurableObjectStorage) => void): Promise<void> {
  const { PEOPLE } = env
  if (!PEOPLE) throw new Error('PEOPLE must be bound')
  return runInDurableObject(PEOPLE.getByName(crypto.randomUUID()), (_, { storage }) => run(storage))
}

describe('a one-time code', () => {
  it('is used once, until 15 minutes have passed', () =>
    inPeople((storage) => {
      for (const hash of ['a', 'b']) storeCode(storage, { hash, principal: OWNER, now: NOW })
      expect(takeCode(storage.sql, 'a', NOW + CODE_MS - 1)).toEqual(OWNER)
      expect(takeCode(storage.sql, 'a', NOW)).toBeNull()
      expect(takeCode(storage.sql, 'b', NOW + CODE_MS)).toBeNull()
    }))

  it('ends when its principal has made twenty others', () =>
    inPeople((storage) => {
      for (let at = 0; at <= MAX_CODES; at++)
        storeCode(storage, { hash: `${at}`, principal: OWNER, now: NOW + at })
      expect(takeCode(storage.sql, '0', NOW + MAX_CODES)).toBeNull()
      expect(takeCode(storage.sql, '1', NOW + MAX_CODES)).toEqual(OWNER)
    }))
})
