import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { MAX_PASSKEYS } from '../../src/people/passkeys.ts'
import { createTables } from '../../src/people/tables.ts'
import { honest, newAuthenticator } from './authenticator.ts'
import { type Authenticator, accept, acts, joined, ORIGIN, pass, people, type Stub } from './harness.ts'

/** Registers a further passkey for the member of a session. */
async function addPasskey(object: Stub, session: string, name: string, authenticator?: Authenticator) {
  const { id, key } = authenticator ?? (await newAuthenticator())
  const challenge = (await object.passkeys(session))?.challenge ?? ''
  return object.addPasskey(session, { id, key, counter: 0, origin: ORIGIN, challenge }, name)
}

const namesOf = async (object: Stub, session: string) =>
  (await object.passkeys(session))?.passkeys.map(({ name }) => name)

describe('several passkeys of a member', () => {
  it('sign in each, have a name and a last use, and end one by one', async () => {
    const object = people()
    const { member, session, authenticator } = await joined(object)
    const second = await newAuthenticator()
    expect(await addPasskey(object, session, 'Laptop', second)).toBeNull()
    const assertion = await second.assert(honest(ORIGIN, await object.challenge()))
    expect(await object.signIn(assertion, '')).toMatchObject({ ok: true, principal: { id: member.id } })
    const own = await object.passkeys(session)
    expect(own?.passkeys.map(({ name, usedAt }) => [name, usedAt !== null])).toEqual([
      ['First passkey', false],
      ['Laptop', true],
    ])
    expect((await object.members())[0]).toMatchObject({ passkeys: 2, usedAt: expect.any(Number) })
    expect(await object.removePasskey(session, authenticator.id)).toBeNull()
    const old = await authenticator.assert(honest(ORIGIN, await object.challenge()))
    expect(await object.signIn(old, '')).toEqual({ ok: false, reason: 'unknown' })
    expect((await acts(object)).slice(-2)).toEqual([
      `passkey.add ${member.id}`,
      `passkey.remove ${member.id}`,
    ])
  })

  it('are all ended by an invitation that is used', async () => {
    const object = people()
    const { member, session } = await joined(object)
    await addPasskey(object, session, 'Laptop')
    const again = await object.inviteAgain('op', member.id)
    const accepted = await accept(object, again.ok ? again.value.invitation : '', await newAuthenticator())
    expect(accepted.ok && (await namesOf(object, accepted.session))).toEqual(['First passkey'])
  })

  it('keep the last one, unless an invitation is open', async () => {
    const object = people()
    const { member, session, authenticator } = await joined(object)
    expect(await object.removePasskey(session, authenticator.id)).toBe('last')
    await object.inviteAgain('op', member.id)
    expect(await object.removePasskey(session, authenticator.id)).toBeNull()
    expect(await namesOf(object, session)).toEqual([])
  })

  it('are neither added nor removed in a session that has shown nothing for five minutes', async () => {
    const object = people()
    const { session, authenticator } = await joined(object)
    await addPasskey(object, session, 'Laptop')
    const challenge = (await object.passkeys(session))?.challenge ?? ''
    await pass(object, 6 * 60_000)
    expect((await object.passkeys(session))?.challenge).toBeNull()
    const { id, key } = await newAuthenticator()
    const registration = { id, key, counter: 0, origin: ORIGIN, challenge }
    expect(await object.addPasskey(session, registration, 'Phone')).toBe('proof_required')
    expect(await object.removePasskey(session, authenticator.id)).toBe('proof_required')
  })

  it('take each challenge once, of this session and for this purpose', async () => {
    const object = people()
    const [ann, bob] = [await joined(object), await joined(object, { email: null })]
    const challenge = (await object.passkeys(ann.session))?.challenge ?? ''
    const add = async (session: string, challenge: string, name = 'Phone') => {
      const { id, key } = await newAuthenticator()
      return object.addPasskey(session, { id, key, counter: 0, origin: ORIGIN, challenge }, name)
    }
    expect(await add(bob.session, challenge)).toBe('invalid')
    expect(await add(ann.session, await object.challenge(ann.session))).toBe('invalid')
    expect(await add(ann.session, challenge, 'two\nlines')).toBe('invalid')
    expect(await add(ann.session, challenge)).toBeNull()
    expect(await add(ann.session, challenge)).toBe('invalid')
    expect(await addPasskey(object, bob.session, 'Stolen', ann.authenticator)).toBe('invalid')
    expect(await object.removePasskey(bob.session, ann.authenticator.id)).toBe('unknown')
  })

  it('are at most ten', async () => {
    const object = people()
    const { session } = await joined(object)
    for (let made = 1; made < MAX_PASSKEYS; made++)
      expect(await addPasskey(object, session, `Device ${made}`)).toBeNull()
    expect(await addPasskey(object, session, 'One more')).toBe('too_many')
  })

  it('of an object that had one for each member are kept', async () => {
    const object = people()
    const { session, authenticator } = await joined(object)
    await runInDurableObject(object, (_, { storage: { sql } }) => {
      const rows = sql.exec('SELECT * FROM passkey').toArray()
      sql.exec('DROP TABLE passkey')
      sql.exec(`CREATE TABLE passkey (id TEXT PRIMARY KEY, member TEXT NOT NULL UNIQUE, key TEXT NOT NULL,
        counter INTEGER NOT NULL, origin TEXT NOT NULL, made_at INTEGER NOT NULL, used_at INTEGER) STRICT, WITHOUT ROWID`)
      for (const { id, member, key, counter, origin, made_at } of rows)
        sql.exec(
          'INSERT INTO passkey VALUES (?, ?, ?, ?, ?, ?, NULL)',
          id,
          member,
          key,
          counter,
          origin,
          made_at,
        )
    })
    await runInDurableObject(object, (_, { storage }) => createTables(storage.sql))
    const assertion = await authenticator.assert(honest(ORIGIN, await object.challenge()))
    expect((await object.signIn(assertion, '')).ok).toBe(true)
    expect(await addPasskey(object, session, 'Laptop')).toBeNull()
    expect((await namesOf(object, session))?.toSorted()).toEqual(['', 'Laptop'])
  })
})
