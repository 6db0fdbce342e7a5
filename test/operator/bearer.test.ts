/** The bearer of a request: the operator's token, API tokens, and a flood of unknown ones. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { bearers, MAX_UNKNOWN } from '../../src/operator/bearer.ts'
import type { PeoplePort } from '../../src/operator/settings.ts'
import { newSecret } from '../../src/people/secret.ts'
import { sha256Hex } from '../../src/platform/digest.ts'

const MEMBER = { id: 'ann', name: 'Ann', role: 'accountant', publisher: null } as const
const unknown = () => `t402_${newSecret()}`

/** A deployment with one API token. Counts how often its object is asked. */
async function door() {
  const people = env.PEOPLE?.getByName(newSecret())
  const made = await people?.addToken('op', MEMBER, { name: 'export', scopes: ['export'], days: 1 })
  if (!people || !made?.ok) throw new Error('the token must be made')
  const asked: string[] = []
  const ofToken = async (text: string) => {
    asked.push(text)
    return people.ofToken(text)
  }
  const clock = { now: 1_000 }
  const of = bearers({ ofToken } as PeoplePort, await sha256Hex('secret'), () => clock.now)
  return { asked, clock, known: made.value.token, of: (text: string) => of(`Bearer ${text}`) }
}

describe('a bearer', () => {
  it('of the operator’s token is the owner, with a proof of this moment', async () => {
    const { of, asked } = await door()
    expect(await of('secret')).toMatchObject({ role: 'owner', publisher: null, provenAt: 1_000 })
    expect(asked).toEqual([])
  })

  it('of an API token is its principal, with its scopes and without a proof', async () => {
    const { of, known } = await door()
    expect(await of(known)).toMatchObject({ ...MEMBER, scopes: ['export'] })
    expect(await of(known)).not.toHaveProperty('provenAt')
  })

  it('of another text is a stranger, and asks nothing', async () => {
    const { of, asked, known } = await door()
    for (const text of ['x', known.slice(0, -1), `${known}x`, `T${known.slice(1)}`, 't402_', `x${known}`])
      expect(await of(text)).toBeNull()
    expect(asked).toEqual([])
  })

  it('of unknown tokens is looked up so often in a minute, while tokens in use go on', async () => {
    const { of, asked, clock, known } = await door()
    expect(await of(known)).toMatchObject(MEMBER)
    for (let sent = 0; sent < MAX_UNKNOWN; sent++) expect(await of(unknown())).toBeNull()
    expect(await of(unknown())).toBe('unavailable')
    expect(asked).toHaveLength(MAX_UNKNOWN + 1)
    expect(await of(known)).toMatchObject(MEMBER)
    clock.now += 60_000
    expect(await of(unknown())).toBeNull()
  })
})
