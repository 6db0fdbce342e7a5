import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { balanceOf, now, type Rig, readChannel, refusal, send, startRig, warp, warpTo } from './harness.ts'
import { makeRow, open } from './paper.ts'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig.chain.stop())

/** A channel with a balance of 1,000 and a claimed total of `claimed`. */
async function openClaimed(claimed: bigint) {
  const { config, id } = await open(rig, 1_000n)
  if (claimed > 0n) {
    await send(rig, rig.receiver.address, 'claim', [[await makeRow(config, claimed, claimed, rig.payer)]])
  }
  return { config, id }
}

describe('escrow withdrawal', () => {
  it('is initiated by the payer and emits the time from which it can be finalized', async () => {
    const { config, id } = await openClaimed(0n)
    const { events } = await send(rig, rig.payer.address, 'initiateWithdraw', [config, 400n])
    const finalizeAfter = Number(await now(rig)) + 900
    expect(events).toMatchObject([{ eventName: 'WithdrawInitiated', args: { amount: 400n, finalizeAfter } }])
    expect(await readChannel(rig, id)).toMatchObject({ pending: 400n, initiatedAt: finalizeAfter - 900 })
  })

  it('transfers the amount after the delay, and closes an emptied channel', async () => {
    const { config, id } = await openClaimed(0n)
    const before = await balanceOf(rig, rig.payer.address)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
    await warp(rig, 900)
    const { events } = await send(rig, rig.payer.address, 'finalizeWithdraw', [config])
    expect(events.map(({ eventName }) => eventName)).toEqual(['WithdrawFinalized', 'ChannelClosed'])
    expect(await balanceOf(rig, rig.payer.address)).toBe(before + 1_000n)
    expect(await readChannel(rig, id)).toMatchObject({ balance: 0n, pending: 0n, initiatedAt: 0 })
  })

  it('transfers at most the unclaimed amount', async () => {
    const { config, id } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
    await send(rig, rig.receiver.address, 'claim', [[await makeRow(config, 600n, 600n, rig.payer)]])
    await warp(rig, 900)
    const { events } = await send(rig, rig.payer.address, 'finalizeWithdraw', [config])
    expect(events).toMatchObject([{ eventName: 'WithdrawFinalized', args: { amount: 400n } }])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 600n, totalClaimed: 600n })
  })

  it('transfers nothing if everything was claimed meanwhile', async () => {
    const { config } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
    await send(rig, rig.receiver.address, 'claim', [[await makeRow(config, 1_000n, 1_000n, rig.payer)]])
    await warp(rig, 900)
    const { events } = await send(rig, rig.payer.address, 'finalizeWithdraw', [config])
    expect(events).toMatchObject([{ eventName: 'WithdrawFinalized', args: { amount: 0n } }])
  })

  it('can be initiated and finalized by the payer authorizer', async () => {
    const { config } = await open(rig, 1_000n, { payerAuthorizer: rig.stranger.address })
    await send(rig, rig.stranger.address, 'initiateWithdraw', [config, 1_000n])
    await warp(rig, 900)
    const before = await balanceOf(rig, rig.payer.address)
    await send(rig, rig.stranger.address, 'finalizeWithdraw', [config])
    expect(await balanceOf(rig, rig.payer.address)).toBe(before + 1_000n)
  })

  it('is rejected with InvalidChannel if another account initiates it', async () => {
    const { config } = await openClaimed(0n)
    expect(await refusal(rig, rig.receiver.address, 'initiateWithdraw', [config, 1n])).toBe('InvalidChannel')
  })

  it('is rejected with NotAuthorizedToFinalizeWithdraw if another account finalizes it', async () => {
    const { config } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1n])
    await warp(rig, 900)
    const refused = await refusal(rig, rig.receiver.address, 'finalizeWithdraw', [config])
    expect(refused).toBe('NotAuthorizedToFinalizeWithdraw')
  })

  it('is rejected with NothingToWithdraw for an amount of zero', async () => {
    const { config } = await openClaimed(0n)
    expect(await refusal(rig, rig.payer.address, 'initiateWithdraw', [config, 0n])).toBe('NothingToWithdraw')
  })

  it('is rejected with WithdrawAmountExceedsAvailable above the unclaimed amount', async () => {
    const { config } = await openClaimed(300n)
    const refused = await refusal(rig, rig.payer.address, 'initiateWithdraw', [config, 701n])
    expect(refused).toBe('WithdrawAmountExceedsAvailable')
    expect(await refusal(rig, rig.payer.address, 'initiateWithdraw', [config, 700n])).toBe(null)
  })

  it('is rejected with WithdrawalAlreadyPending while another is pending', async () => {
    const { config } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1n])
    expect(await refusal(rig, rig.payer.address, 'initiateWithdraw', [config, 1n])).toBe(
      'WithdrawalAlreadyPending',
    )
  })

  it('is rejected with WithdrawalNotPending if it was not initiated', async () => {
    const { config } = await openClaimed(0n)
    expect(await refusal(rig, rig.payer.address, 'finalizeWithdraw', [config])).toBe('WithdrawalNotPending')
  })

  it('is rejected with WithdrawDelayNotElapsed one second before its delay ends', async () => {
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
