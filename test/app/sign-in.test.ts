/** Which credential opens the console, by the settings of the deployment. */
import { describe, expect, it } from 'vitest'
import { type DoorSettings, isStillIn, openFor, takesToken } from '../../src/app/sign-in.ts'
import type { Credential } from '../../src/people/console-call.ts'
import { ownerOf, type Principal } from '../../src/people/principal.ts'
import { sha256Hex } from '../../src/platform/digest.ts'

const TOKEN = 'a-token-of-the-operator'
const MEMBER: Principal = { id: 'member-1', name: 'Ann', role: 'operator', publisher: null }
const ASSERTION = { id: 'AA', clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA' }
const ACCESS = { team: 'team', audience: 'aud', takesToken: false } as unknown as NonNullable<
  DoorSettings['access']
>

/** Opens a session for everything that it is asked for. */
const people = {
  open: async () => 'session',
  signIn: async () => ({ ok: true as const, session: 'session', principal: MEMBER }),
  byEmail: async () => MEMBER,
  useCode: async () => MEMBER,
}

async function opens(credential: Credential, door: Partial<DoorSettings> = {}): Promise<boolean> {
  const settings = { tokenSha256: await sha256Hex(TOKEN), access: undefined, ...door }
  return (await openFor(credential, 'Firefox', settings, people)).ok
}

describe('a credential', () => {
  it('of Cloudflare Access proves no one where Access is not configured, whatever the header holds', async () => {
    for (const access of ['', 'a.b.c', JSON.stringify({ email: 'ann@example.com' })])
      expect(await opens({ access })).toBe(false)
  })

  it('other than that of Access proves no one where Access is configured', async () => {
    expect(await opens({ token: TOKEN })).toBe(true)
    expect(await opens({ assertion: ASSERTION })).toBe(true)
    for (const credential of [{ token: TOKEN }, { code: 'x' }, { assertion: ASSERTION }])
      expect(await opens(credential, { access: ACCESS })).toBe(false)
    expect(await opens({ token: TOKEN }, { access: { ...ACCESS, takesToken: true } })).toBe(true)
  })

  it('of the operator is the whole token, and none where the deployment has none', async () => {
    for (const token of ['', TOKEN.slice(0, -1), `${TOKEN} `, TOKEN.toUpperCase()])
      expect(await opens({ token })).toBe(false)
    expect(await opens({ token: TOKEN }, { tokenSha256: undefined })).toBe(false)
  })
})

describe('a session by the operator’s token', () => {
  it('ends with the token, and with the way in that it came by', async () => {
    const door = { tokenSha256: await sha256Hex(TOKEN), access: undefined }
    const owner = ownerOf(door.tokenSha256)
    expect([takesToken(door), isStillIn(owner, door)]).toEqual([true, true])
    expect(isStillIn(owner, { ...door, tokenSha256: await sha256Hex('another') })).toBe(false)
    expect(isStillIn(owner, { ...door, access: ACCESS })).toBe(false)
    expect(isStillIn(MEMBER, { ...door, access: ACCESS })).toBe(true)
  })
})
