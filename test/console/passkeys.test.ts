import { describe, expect, it } from 'vitest'
import { MAX_PASSKEYS } from '../../src/people/passkeys.ts'
import { browse, OWN_PASSKEYS, OWNER } from './edge.ts'

/** The page that follows the form of a new passkey. `had`: the passkeys of the member. */
async function beginWith(name: string, had = 1) {
  const passkeys = Array.from({ length: had }, (_, at) => ({
    ...{ id: `A${at}`, name: 'Laptop', madeAt: 1, usedAt: null },
  }))
  const { send } = browse(() => undefined, OWNER, { ...OWN_PASSKEYS, passkeys })
  const answer = await send('/settings/passkeys/new', { name })
  return { status: answer.status, text: await answer.text() }
}

describe('a new passkey', () => {
  it('is asked of the device once its name and the number of passkeys are in order', async () => {
    const { status, text } = await beginWith(' Phone ', MAX_PASSKEYS - 1)
    expect(status).toBe(200)
    expect(text).toContain('data-options=')
    expect(text).toContain('name="name" value="Phone"')
  })

  it.each(['', ' ', 'two\nlines', 'x'.repeat(61)])(
    'is not asked of the device by the name %j',
    async (name) => {
      const { status, text } = await beginWith(name)
      expect(status).toBe(400)
      expect(text).not.toContain('data-options=')
    },
  )

  it('is not asked of the device by a member that has the most already', async () => {
    const { status, text } = await beginWith('Phone', MAX_PASSKEYS)
    expect(status).toBe(409)
    expect(text).toContain('You have ten passkeys')
    expect(text).not.toContain('data-options=')
  })
})
