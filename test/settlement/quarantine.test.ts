/** Channels whose claim the chain rejects: in quarantine until a claim is mined, or nothing is owed. */
import { describe, expect, it } from 'vitest'
import { newPayer } from '../chain/payer.ts'
import { newReceiver, openChannel, openChannels, place, received, runOf, standingOf } from './harness.ts'

describe('Quarantine', () => {
  it('claims the valid rows, quarantines the bad one and claims it once it is valid [F4, I13]', async () => {
    const setup = await newReceiver()
    const [channels, other] = await Promise.all([openChannels(setup, 100), newPayer()])
    const bad = channels[41]
    if (!bad) throw new Error('there must be a bad channel')
    const { signature } = await other.owes(bad.config, 10n)
    await place(bad.id, 10n, signature, 10n)
    await Promise.all(channels.map((channel) => (channel === bad ? null : channel.charge(10n))))
    const ended = await runOf(setup)
    expect(await received(setup)).toBe(990n)
    expect(ended.record.quarantined).toEqual({
      accounts: 1,
      count: 1,
      list: [{ channelId: bad.id, reason: 'InvalidSignature' }],
    })
    expect((await standingOf(bad.id)).quarantine).toBe('InvalidSignature')
    expect(ended.record.transactions.list.filter(({ kind }) => kind === 'claim')).toHaveLength(1)

    await bad.charge(5n)
    await runOf(setup)
    expect(await received(setup)).toBe(1_005n)
    expect(await standingOf(bad.id)).toMatchObject({ quarantine: null, redeemed: 15n })
  })

  it('ends the quarantine of an account that owes nothing any more (simulator, seed 51428) [F4]', async () => {
    const setup = await newReceiver()
    const { id, account, charge } = await openChannel(setup)
    await charge(10n)
    await account.quarantine('ClaimExceedsBalance')
    const charged = (await account.entries(0, 10)).find(({ kind }) => kind === 'charge')
    await account.release(charged?.seq ?? 0, charged?.id ?? '')
    const { status, record } = await runOf(setup)
    expect([status, record.quarantined.accounts]).toEqual(['settled', 0])
    expect(await standingOf(id)).toMatchObject({ quarantine: null, charged: 0n })
  })
})
