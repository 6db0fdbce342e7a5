/** The bearer of a request: the operator's token, API tokens, and a flood of unknown ones. */
import { describe, expect, it } from 'vitest'
import { bearers, MAX_UNKNOWN } from '../../src/operator/bearer.ts'
import type { PeoplePort } from '../../src/operator/settings.ts'
import type { Principal } from '../../src/people/principal.ts'
import { newSecret } from '../../src/people/secret.ts'
import { sha256Hex } from '../../src/platform/digest.ts'

const MEMBER: Principal = {
  id: 'member-1',
  name: 'Ann',
  role: 'accountant',
  publisher: null,
  scopes: ['export'],
}
const token = () => `t402_${newSecret()}`
const KNOWN = token()

/** Bearers of a deployment in which `KNOWN` is the one API token. Counts how often it is asked. */
async function door() {
  const asked: string[] = []
  const ofToken = async (text: string) => {
    asked.push(text)
    return text === KNOWN ? MEMBER : null
  }
  const clock = { now: 1_000 }
  const of = bearers({ ofToken } as PeoplePort, await sha256Hex('secret'), () => clock.now)
  return { asked, clock, of: (text: string) => of(`Bearer ${text}`) }
}

describe('a bearer', () => {
  it('of the operator’s token is the owner, with a proof of this moment', async () => {
    const { of, asked } = await door()
    expect(await of('secret')).toMatchObject({ role: 'owner', publisher: null, provenAt: 1_000 })
    expect(asked).toEqual([])
  })

  it('of an API token is its principal, with its scopes and without a proof', async () => {
    const { of } = await door()
    expect(await of(KNOWN)).toEqual(MEMBER)
  })

  it('of another text is a stranger, and asks nothing', async () => {
    const { of, asked } = await door()
    for (const text of ['x', KNOWN.slice(0, -1), `${KNOWN}x`, KNOWN.toUpperCase(), 't402_', `x${KNOWN}`])
      expect(await of(text)).toBeNull()
    expect(asked).toEqual([])
  })

  it('of unknown tokens is looked up so often in a minute, while tokens in use go on', async () => {
    const { of, asked, clock } = await door()
    expect(await of(KNOWN)).toEqual(MEMBER)
    for (let sent = 0; sent < MAX_UNKNOWN; sent++) expect(await of(token())).toBeNull()
    expect(await of(token())).toBe('unavailable')
    expect(asked).toHaveLength(MAX_UNKNOWN + 1)
    expect(await of(KNOWN)).toEqual(MEMBER)
    clock.now += 60_000
    expect(await of(token())).toBeNull()
  })
})
