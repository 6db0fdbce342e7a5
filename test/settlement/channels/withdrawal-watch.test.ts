import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { readChannels } from '../../../src/chain/channels.ts'
import { encodeRefund } from '../../../src/chain/escrow.ts'
import { windowOf } from '../../../src/platform/time.ts'
import { WATCH_SHARE, watch } from '../../../src/settlement/channels/withdrawal-watch.ts'
import { countOf, randomHex } from '../../chain/harness.ts'
import { send } from '../../chain/payer.ts'
import { runs } from '../../ledger/book/lists.ts'
import { newReceiver, openChannel, openChannels, received, recordOf, runOf, standingOf } from '../harness.ts'
import { nextTime, withdraw } from './harness.ts'

describe('Withdrawal watch', () => {
  it('claims at once when a payer withdraws, and the account rejects new vouchers [F1]', async () => {
    const setup = await newReceiver()
    const [leaving, staying] = await openChannels(setup, 2)
    if (!leaving || !staying) throw new Error('too few channels')
    await leaving.charge(300n)
    await staying.charge(50n)
    await withdraw(leaving, setup.chain.escrow, 1_000n)
    const now = nextTime()
    expect(await watch(setup.settings, now)).toBe(1)

    const [state] = await readChannels(setup.chain, [leaving.id])
    expect(state?.totalClaimed).toBe(300n)
    expect(await standingOf(leaving.id)).toMatchObject({ charged: 300n, redeemed: 300n })
    expect(await standingOf(staying.id)).toMatchObject({ charged: 50n, redeemed: 0n })
    const { signature } = await leaving.payer.owes(leaving.config, 310n)
    const order = { kind: 'charge' as const, id: randomHex(8), price: 10n, exposure: 1_000n, request: 'x' }
    expect(await leaving.account.place({ ...order, max: 310n, signature })).toMatchObject({
      outcome: 'refused',
      reason: 'withdrawal_pending',
    })
    const { kind, status, record } = await recordOf(`watch-${windowOf(now)}`)
    expect([kind, status]).toEqual(['watch', 'settled'])
    expect(record).toMatchObject({ withdrawing: 1, claimed: '300', swept: '0' })

    // The nightly run sweeps the watch's claim and claims the rest.
    const ended = await runOf(setup)
    expect(ended.record).toMatchObject({ claimed: '50', swept: '350' })
    expect(await received(setup)).toBe(350n)
  })

  it('claims the remaining escrow and records the loss [F1]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(700n)
    await withdraw(channel, setup.chain.escrow, 1_000n)
    // Simulates a partly paid withdrawal: the escrow holds less than the charged amount.
    await send(setup.relayer.address, setup.chain.escrow, encodeRefund(channel.config, 600n))
    const now = nextTime()
    await watch(setup.settings, now)
    expect(await standingOf(channel.id)).toMatchObject({ charged: 700n, redeemed: 400n })
    const { record } = await recordOf(`watch-${windowOf(now)}`)
    expect(record.findings.list).toEqual([{ account: channel.id, what: 'uncovered', detail: '300 of 700' }])
  })

  it('claims in the same watch when the call to the relayer is lost (seed 683) [E3]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(700n)
    await withdraw(channel, setup.chain.escrow, 1_000n)
    const { relayer } = setup.settings
    let sends = 0
    const send: typeof relayer.send = async (order) => {
      if (++sends === 1) throw new Error('Network connection lost.')
      return relayer.send(order)
    }
    await watch({ ...setup.settings, relayer: { ...relayer, send } }, nextTime())
    expect(await standingOf(channel.id)).toMatchObject({ charged: 700n, redeemed: 700n })
  })

  it('claims once when two watches overlap [F3]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(40n)
    await withdraw(channel, setup.chain.escrow, 500n)
    const sentBefore = await countOf(setup.relayer.address)
    await Promise.all([watch(setup.settings, nextTime()), watch(setup.settings, nextTime())])
    expect(await countOf(setup.relayer.address)).toBe(sentBefore + 1)
    expect(await standingOf(channel.id)).toMatchObject({ redeemed: 40n })
  })

  it('keeps the record of a firing when the cron fires once more [F3]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(40n)
    await withdraw(channel, setup.chain.escrow, 500n)
    const time = nextTime()
    await watch(setup.settings, time)
    // The second firing finds nothing to do.
    await watch(setup.settings, time, { ...WATCH_SHARE, overlap: 0 })
    const { status, record } = await recordOf(`watch-${windowOf(time)}`)
    expect([status, record.claimed]).toEqual(['settled', '40'])
  })

  it('stores no record when no payer withdraws', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(40n)
    const before = (await runs(env.BOOK, 100)).length
    // Without the withdrawals of earlier tests.
    expect(await watch(setup.settings, nextTime(), { ...WATCH_SHARE, overlap: 0 })).toBe(0)
    expect((await runs(env.BOOK, 100)).length).toBe(before)
  })

  it('allows vouchers again once a run has observed the end of the withdrawal', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await withdraw(channel, setup.chain.escrow, 400n)
    await watch(setup.settings, nextTime())
    // A refund of the whole withdrawal amount ends the withdrawal.
    await send(setup.relayer.address, setup.chain.escrow, encodeRefund(channel.config, 400n))
    await runOf(setup)
    await channel.charge(10n)
    expect(await standingOf(channel.id)).toMatchObject({ charged: 10n })
  })
})
