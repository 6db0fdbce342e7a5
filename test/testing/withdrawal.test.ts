import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { balanceOf, now, type Rig, readChannel, refusal, send, startRig, warp, warpTo } from './harness.ts'
import { makeRow, open } from './paper.ts'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig.chain.stop())

/** A channel of 1,000 of which `claimed` has been claimed. */
async function openClaimed(claimed: bigint) {
  const { config, id } = await open(rig, 1_000n)
  if (claimed > 0n) {
    await send(rig, rig.receiver.address, 'claim', [[await makeRow(config, claimed, claimed, rig.payer)]])
  }
  return { config, id }
}

describe('a withdrawal', () => {
  it('begins with the payer’s word and names the moment from which it may end', async () => {
    const { config, id } = await openClaimed(0n)
    const { events } = await send(rig, rig.payer.address, 'initiateWithdraw', [config, 400n])
    const finalizeAfter = Number(await now(rig)) + 900
    expect(events).toMatchObject([{ eventName: 'WithdrawInitiated', args: { amount: 400n, finalizeAfter } }])
    expect(await readChannel(rig, id)).toMatchObject({ pending: 400n, initiatedAt: finalizeAfter - 900 })
  })

  it('pays out after the delay, and closes an emptied channel', async () => {
    const { config, id } = await openClaimed(0n)
    const before = await balanceOf(rig, rig.payer.address)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
    await warp(rig, 900)
    const { events } = await send(rig, rig.payer.address, 'finalizeWithdraw', [config])
    expect(events.map(({ eventName }) => eventName)).toEqual(['WithdrawFinalized', 'ChannelClosed'])
    expect(await balanceOf(rig, rig.payer.address)).toBe(before + 1_000n)
    expect(await readChannel(rig, id)).toMatchObject({ balance: 0n, pending: 0n, initiatedAt: 0 })
  })

  it('pays out at most what was not claimed meanwhile', async () => {
    const { config, id } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
    await send(rig, rig.receiver.address, 'claim', [[await makeRow(config, 600n, 600n, rig.payer)]])
    await warp(rig, 900)
    const { events } = await send(rig, rig.payer.address, 'finalizeWithdraw', [config])
    expect(events).toMatchObject([{ eventName: 'WithdrawFinalized', args: { amount: 400n } }])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 600n, totalClaimed: 600n })
  })

  it('of a channel that was claimed empty ends with nothing', async () => {
    const { config } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
    await send(rig, rig.receiver.address, 'claim', [[await makeRow(config, 1_000n, 1_000n, rig.payer)]])
    await warp(rig, 900)
    const { events } = await send(rig, rig.payer.address, 'finalizeWithdraw', [config])
    expect(events).toMatchObject([{ eventName: 'WithdrawFinalized', args: { amount: 0n } }])
  })

  it('is the payer authorizer’s to begin and to end as well', async () => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: rig.stranger.address })
    await send(rig, rig.stranger.address, 'initiateWithdraw', [config, 1_000n])
    await warp(rig, 900)
    const before = await balanceOf(rig, rig.payer.address)
    await send(rig, rig.stranger.address, 'finalizeWithdraw', [config])
    expect(await balanceOf(rig, rig.payer.address)).toBe(before + 1_000n)
  })

  it('begun by anyone else is refused: InvalidChannel', async () => {
    const { config } = await openClaimed(0n)
    expect(await refusal(rig, rig.receiver.address, 'initiateWithdraw', [config, 1n])).toBe('InvalidChannel')
  })

  it('ended by anyone else is refused: NotAuthorizedToFinalizeWithdraw', async () => {
    const { config } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1n])
    await warp(rig, 900)
    const refused = await refusal(rig, rig.receiver.address, 'finalizeWithdraw', [config])
    expect(refused).toBe('NotAuthorizedToFinalizeWithdraw')
  })

  it('of nothing is refused: NothingToWithdraw', async () => {
    const { config } = await openClaimed(0n)
    expect(await refusal(rig, rig.payer.address, 'initiateWithdraw', [config, 0n])).toBe('NothingToWithdraw')
  })

  it('of more than is unclaimed is refused: WithdrawAmountExceedsAvailable', async () => {
    const { config } = await openClaimed(300n)
    const refused = await refusal(rig, rig.payer.address, 'initiateWithdraw', [config, 701n])
    expect(refused).toBe('WithdrawAmountExceedsAvailable')
    expect(await refusal(rig, rig.payer.address, 'initiateWithdraw', [config, 700n])).toBe(null)
  })

  it('beside another is refused: WithdrawalAlreadyPending', async () => {
    const { config } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1n])
    expect(await refusal(rig, rig.payer.address, 'initiateWithdraw', [config, 1n])).toBe(
      'WithdrawalAlreadyPending',
    )
  })

  it('that was not begun cannot end: WithdrawalNotPending', async () => {
    const { config } = await openClaimed(0n)
    expect(await refusal(rig, rig.payer.address, 'finalizeWithdraw', [config])).toBe('WithdrawalNotPending')
  })

  it('cannot end a second before its delay: WithdrawDelayNotElapsed', async () => {
    const { config, id } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1n])
    const { initiatedAt } = await readChannel(rig, id)
    await warpTo(rig, initiatedAt + 899)
    expect(await refusal(rig, rig.payer.address, 'finalizeWithdraw', [config])).toBe(
      'WithdrawDelayNotElapsed',
    )
    await warpTo(rig, initiatedAt + 900)
    expect(await refusal(rig, rig.payer.address, 'finalizeWithdraw', [config])).toBe(null)
  })
})
