/** Journals whose rows somebody has changed by hand. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { newReceiver, openChannels, received, runOf, standingOf } from './harness.ts'

const padded = (amount: number) => String(amount).padStart(39, '0')

describe('Settlement run over a changed journal', () => {
  it.each([
    ['the amount of a charge', `UPDATE entry SET amount = '${padded(9)}' WHERE seq = 3`],
    ['the total of a charge', `UPDATE entry SET charged = '${padded(51)}' WHERE seq = 4`],
    ['a whole row', 'DELETE FROM entry WHERE seq = 3'],
  ])('claims nothing of a channel where %s was changed, and all of another one [E15]', async (_, change) => {
    const setup = await newReceiver()
    const [changed, other] = await openChannels(setup, 2)
    if (!changed || !other) throw new Error('there must be two channels')
    for (const channel of [changed, other]) for (const price of [20n, 30n, 2n]) await channel.charge(price)
    await runInDurableObject(changed.account, (_, { storage }) => void storage.sql.exec(change))
    await evictDurableObject(changed.account)
    const ended = await runOf(setup)
    expect(ended.status).toBe('in_doubt')
    expect(ended.record.findings.list).toContainEqual(
      expect.objectContaining({
        account: changed.id,
        what: 'silent',
        detail: expect.stringContaining('must follow'),
      }),
    )
    expect((await standingOf(changed.id)).redeemed).toBe(0n)
    expect(await received(setup)).toBe(52n)
  })
})
