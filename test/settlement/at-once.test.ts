import { describe, expect, it } from 'vitest'
import { watch } from '../../src/settlement/channels/withdrawal-watch.ts'
import { countOf } from '../chain/harness.ts'
import { nextTime, withdraw } from './channels/harness.ts'
import { newReceiver, openChannel, received, runOf, standingOf, steps } from './harness.ts'

describe('Alarm and cron at once', () => {
  it('send one claim and one sweep when the relayer’s alarm fires in every step of a run [E7]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(70n)
    const sentBefore = await countOf(setup.relayer.address)
    // The first broadcast is lost, so the alarm and the run both have a transaction to send again.
    await setup.relayer.lane.misbehave({ method: 'eth_sendRawTransaction', does: 'drop', times: 1 })
    const ended = await runOf(
      setup,
      steps(async (_, work) => {
        await Promise.all([work(), setup.relayer.alarm(), setup.relayer.alarm()])
      }),
    )
    expect(ended).toMatchObject({ status: 'settled', record: { claimed: '70', swept: '70' } })
    expect(await countOf(setup.relayer.address)).toBe(sentBefore + 2)
    expect(await received(setup)).toBe(70n)
  })

  it('claim once when a run, a watch and the alarm find the same withdrawal [E7]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(40n)
    await withdraw(channel, setup.chain.escrow, 900n)
    const sentBefore = await countOf(setup.relayer.address)
    await Promise.all([runOf(setup), watch(setup.settings, nextTime()), setup.relayer.alarm()])
    expect(await standingOf(channel.id)).toMatchObject({ charged: 40n, redeemed: 40n })
    // The claim of the watch may come after the sweep; the next run sweeps it.
    await runOf(setup)
    expect(await countOf(setup.relayer.address)).toBe(sentBefore + 2)
    expect(await received(setup)).toBe(40n)
  })
})
