import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { INVITATION_MS, MAX_MEMBERS } from '../../src/people/members.ts'
import { CHALLENGE_MS, Passkeys } from '../../src/people/passkeys.ts'
import { SESSION_MS } from '../../src/people/sessions.ts'
import { createTables } from '../../src/people/tables.ts'
import { MAX_TOKENS } from '../../src/people/tokens.ts'
import { honest, newAuthenticator } from './authenticator.ts'
import {
  type Authenticator,
  accept,
  acts,
  DRAFT,
  joined,
  ORIGIN,
  pass,
  people,
  principal,
  TOKEN,
} from './harness.ts'

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

  it('end after 30 minutes without use, after 12 hours, and when Access says so', async () => {
    const object = people()
    const idle = await object.open(principal('ann'), '')
    await pass(object, 30 * 60_000 + 1_000)
    expect(await object.of(idle)).toBeNull()
    const short = await object.open(principal('ann'), '', { endsAt: Date.now() + 60_000 })
    await pass(object, 61_000)
    expect(await object.of(short)).toBeNull()
    const long = await object.open(principal('ann'), '')
    for (let slept = 0; slept < SESSION_MS; slept += 20 * 60_000) {
      expect(await object.of(long)).not.toBeNull()
      await pass(object, 20 * 60_000)
    }
    expect(await object.of(long)).toBeNull()
  })

  it('of an object that the version before has written are still open', async () => {
    const object = people()
    const session = await object.open(principal('ann'), '')
    await runInDurableObject(object, (_, { storage: { sql } }) => {
      for (const column of ['proven_at', 'ends_at']) sql.exec(`ALTER TABLE session DROP COLUMN ${column}`)
      for (const table of [
        'member',
        'invitation',
        'passkey',
        'spent_challenge',
        'challenge_key',
        'token',
        'act',
      ])
        sql.exec(`DROP TABLE ${table}`)
    })
    await runInDurableObject(object, (_, { storage }) => createTables(storage.sql))
    expect(await object.of(session)).toEqual(principal('ann'))
    expect(await object.members()).toEqual([])
  })
})

describe('an invitation', () => {
  it('registers a passkey once, and opens a session', async () => {
    const object = people()
    const { member, invitation, session } = await joined(object)
    expect(await object.of(session)).toMatchObject({ id: member.id, role: 'accountant', publisher: null })
    expect(await object.invitation(invitation)).toBeNull()
    expect(await accept(object, invitation, await newAuthenticator())).toMatchObject({ ok: false })
    expect(await acts(object)).toEqual([`member.invite ${member.id}`, `member.accept ${member.id}`])
  })

  it('ends after 24 hours, and when another one is made', async () => {
    const object = people()
    const first = await object.invite('op', DRAFT)
    if (!first.ok) throw new Error(first.reason)
    const { member, invitation } = first.value
    const second = await object.inviteAgain('op', member.id)
    if (!second.ok) throw new Error(second.reason)
    expect(await object.invitation(invitation)).toBeNull()
    expect(await object.invitation(second.value.invitation)).not.toBeNull()
    await pass(object, INVITATION_MS)
    expect(await object.invitation(second.value.invitation)).toBeNull()
  })

  it('is stored as its hash alone', async () => {
    const object = people()
    const invited = await object.invite('op', DRAFT)
    const rows = await runInDurableObject(object, (_, { storage }) =>
      JSON.stringify([
        ...storage.sql.exec('SELECT * FROM invitation'),
        ...storage.sql.exec('SELECT * FROM act'),
      ]),
    )
    expect(invited.ok && rows.includes(invited.value.invitation)).toBe(false)
  })

  it('that replaces a lost passkey ends the old one, and what it has opened', async () => {
    const object = people()
    const { member, authenticator, session } = await joined(object)
    const again = await object.inviteAgain('op', member.id)
    if (!again.ok) throw new Error(again.reason)
    await accept(object, again.value.invitation, await newAuthenticator())
    expect(await object.of(session)).toBeNull()
    const assertion = await authenticator.assert(honest(ORIGIN, await object.challenge()))
    expect(await object.signIn(assertion, '')).toEqual({ ok: false, reason: 'unknown' })
  })

  it('takes no passkey of another member, no other key and no challenge of another purpose', async () => {
    const object = people()
    const { authenticator } = await joined(object)
    const invited = await object.invite('op', { ...DRAFT, email: null })
    if (!invited.ok) throw new Error(invited.reason)
    const { invitation } = invited.value
    expect(await accept(object, invitation, authenticator)).toEqual({ ok: false, reason: 'unknown' })
    const { id } = await newAuthenticator()
    const weak = { id, key: { kty: 'oct', k: 'AAAA' } } as unknown as Authenticator
    expect(await accept(object, invitation, weak)).toEqual({ ok: false, reason: 'malformed' })
    const { key } = authenticator
    const challenge = await object.challenge()
    const wrong = await object.accept(invitation, { id, key, counter: 0, origin: ORIGIN, challenge }, '')
    expect(wrong).toEqual({ ok: false, reason: 'challenge' })
  })
})

describe('a passkey', () => {
  it('signs in its member, once for each challenge', async () => {
    const object = people()
    const { member, authenticator } = await joined(object)
    const assertion = await authenticator.assert(honest(ORIGIN, await object.challenge()))
    expect(await object.signIn(assertion, '')).toMatchObject({ ok: true, principal: { id: member.id } })
    expect(await object.signIn(assertion, '')).toEqual({ ok: false, reason: 'replayed' })
  })

  it('answers a challenge of this object alone, for five minutes, and for what it was made for', async () => {
    const object = people()
    const { authenticator, session } = await joined(object)
    const refused = { ok: false, reason: 'challenge' }
    const of = async (challenge: string) =>
      object.signIn(await authenticator.assert(honest(ORIGIN, challenge)), '')
    expect(await of(await people().challenge())).toEqual(refused)
    expect(await of(await object.challenge(session))).toEqual(refused)
    const old = await runInDurableObject(object, (_, { storage }) =>
      new Passkeys(storage.sql).challenge('sign-in', Date.now() - CHALLENGE_MS),
    )
    expect(await of(old)).toEqual(refused)
  })

  it('proves again who has a session: of that member, and for that session', async () => {
    const object = people()
    const [ann, bob] = [await joined(object), await joined(object, { email: null })]
    await pass(object, 6 * 60_000)
    const before = (await object.of(ann.session))?.provenAt ?? 0
    const challenge = await object.challenge(ann.session)
    const byBob = await bob.authenticator.assert(honest(ORIGIN, challenge))
    expect(await object.stepUp(ann.session, byBob)).toBe('unknown')
    const elsewhere = await ann.authenticator.assert(honest(ORIGIN, await object.challenge()))
    expect(await object.stepUp(ann.session, elsewhere)).toBe('challenge')
    expect(
      await object.stepUp(ann.session, await ann.authenticator.assert(honest(ORIGIN, challenge))),
    ).toBeNull()
    expect((await object.of(ann.session))?.provenAt).toBeGreaterThan(before + 300_000)
  })
})

describe('a member', () => {
  it('has a new role at once in its sessions and its tokens, and nothing after it was removed', async () => {
    const object = people()
    const { member, session, authenticator } = await joined(object)
    const who = await object.of(session)
    const made = await object.addToken('op', who ?? principal('x'), TOKEN)
    const token = made.ok ? made.value.token : ''
    await object.changeMember('op', member.id, { role: 'publisher-viewer', publisher: 'press' })
    expect(await object.of(session)).toMatchObject({ role: 'publisher-viewer', publisher: 'press' })
    expect(await object.ofToken(token)).toMatchObject({ role: 'publisher-viewer', scopes: ['export'] })
    await object.removeMember('op', member.id)
    expect([await object.of(session), await object.ofToken(token)]).toEqual([null, null])
    const assertion = await authenticator.assert(honest(ORIGIN, await object.challenge()))
    expect(await object.signIn(assertion, '')).toEqual({ ok: false, reason: 'unknown' })
  })

  it('has an address of its own, by which Access finds it', async () => {
    const object = people()
    const { member } = await joined(object)
    expect(await object.invite('op', DRAFT)).toEqual({ ok: false, reason: 'email_taken' })
    expect(await object.byEmail('ANN@example.com')).toMatchObject({ id: member.id })
    expect(await object.byEmail('bob@example.com')).toBeNull()
  })

  it('is refused beyond the most members', async () => {
    const object = people()
    await runInDurableObject(object, (_, { storage }) => {
      storage.sql.exec(
        `INSERT INTO member SELECT 'member-' || value, 'x', NULL, 'operator', NULL, 0
           FROM json_each(?)`,
        JSON.stringify(Array.from({ length: MAX_MEMBERS - 1 }, (_, at) => at)),
      )
    })
    expect((await object.invite('op', DRAFT)).ok).toBe(true)
    expect(await object.invite('op', { ...DRAFT, email: null })).toEqual({ ok: false, reason: 'too_many' })
  })
})

describe('an API token', () => {
  it('acts for its principal with its scopes, without a proof, until it ends', async () => {
    const object = people()
    const made = await object.addToken('op', { ...principal('ann'), provenAt: Date.now() }, TOKEN)
    if (!made.ok) throw new Error(made.reason)
    const { token, view } = made.value
    expect(token).toMatch(/^t402_[A-Za-z0-9_-]{43}$/)
    expect(await object.ofToken(token)).toEqual({
      ...principal('ann'),
      scopes: ['export'],
      via: `API token ${view.id}`,
    })
    expect((await object.tokens('ann'))[0]?.usedAt).not.toBeNull()
    await pass(object, 86_400_001)
    expect(await object.ofToken(token)).toBeNull()
  })

  it('is ended by its principal, and by no other but one that reaches all', async () => {
    const object = people()
    const made = await object.addToken('op', principal('ann'), TOKEN)
    const id = made.ok ? made.value.view.id : ''
    expect(await object.dropToken('bob', id, 'bob')).toBe(false)
    expect(await object.dropToken('op', id, null)).toBe(true)
    expect(await object.tokens(null)).toEqual([])
    expect(await acts(object)).toEqual([`token.create ${id}`, `token.revoke ${id}`])
  })

  it('is refused beyond the most of one principal', async () => {
    const object = people()
    for (let made = 0; made < MAX_TOKENS; made++)
      expect((await object.addToken('op', principal('ann'), TOKEN)).ok).toBe(true)
    expect(await object.addToken('op', principal('ann'), TOKEN)).toEqual({ ok: false, reason: 'too_many' })
    expect((await object.addToken('op', principal('bob'), TOKEN)).ok).toBe(true)
  })
})
