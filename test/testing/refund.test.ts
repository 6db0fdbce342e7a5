import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { balanceOf, type Rig, readChannel, refusal, send, startRig } from './harness.ts'
import { makeRow, open, signRefund } from './paper.ts'

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

describe('refund', () => {
  it('gives unclaimed escrow back to the payer', async () => {
    const { config, id } = await openClaimed(300n)
    const before = await balanceOf(rig, rig.payer.address)
    const { events } = await send(rig, rig.authorizer.address, 'refund', [config, 200n])
    expect(events).toMatchObject([{ eventName: 'Refunded', args: { amount: 200n } }])
    expect(await balanceOf(rig, rig.payer.address)).toBe(before + 200n)
    expect(await readChannel(rig, id)).toMatchObject({ balance: 800n, totalClaimed: 300n, nonce: 1n })
  })

  it('gives at most what is unclaimed', async () => {
    const { config, id } = await openClaimed(300n)
    const { events } = await send(rig, rig.receiver.address, 'refund', [config, 2n ** 128n - 1n])
    expect(events).toMatchObject([{ eventName: 'Refunded', args: { amount: 700n } }])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 300n, totalClaimed: 300n })
  })

  it('of all of a channel that was never claimed from closes it', async () => {
    const { config } = await openClaimed(0n)
    const { events } = await send(rig, rig.receiver.address, 'refund', [config, 1_000n])
    expect(events.map(({ eventName }) => eventName)).toEqual(['Refunded', 'ChannelClosed'])
  })

  it('of a part of a channel that was never claimed from leaves it open', async () => {
    const { config } = await openClaimed(0n)
    const { events } = await send(rig, rig.receiver.address, 'refund', [config, 999n])
    expect(events.map(({ eventName }) => eventName)).toEqual(['Refunded'])
  })

  it('of all that was not claimed from a channel leaves it open', async () => {
    const { config } = await openClaimed(300n)
    const { events } = await send(rig, rig.receiver.address, 'refund', [config, 700n])
    expect(events.map(({ eventName }) => eventName)).toEqual(['Refunded'])
  })

  it('with nothing unclaimed moves nothing, but the nonce', async () => {
    const { config, id } = await openClaimed(1_000n)
    const { events } = await send(rig, rig.receiver.address, 'refund', [config, 1n])
    expect(events).toEqual([])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 1_000n, nonce: 1n })
  })

  it('of nothing is refused: ZeroRefund', async () => {
    const { config } = await openClaimed(0n)
    expect(await refusal(rig, rig.receiver.address, 'refund', [config, 0n])).toBe('ZeroRefund')
  })

  it('by anyone but the receiver’s side is refused: NotAuthorizedToRefund', async () => {
    const { config } = await openClaimed(0n)
    expect(await refusal(rig, rig.payer.address, 'refund', [config, 1n])).toBe('NotAuthorizedToRefund')
  })

  it('lowers a pending withdrawal by what it gave', async () => {
    const { config, id } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
    const { initiatedAt } = await readChannel(rig, id)
    await send(rig, rig.receiver.address, 'refund', [config, 1n])
    expect(await readChannel(rig, id)).toMatchObject({ pending: 999n, initiatedAt })
  })

  it('that gives as much as is pending cancels the withdrawal', async () => {
    const { config, id } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 250n])
    await send(rig, rig.receiver.address, 'refund', [config, 250n])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 750n, pending: 0n, initiatedAt: 0 })
  })
})

describe('refundWithSignature', () => {
  it('refunds by the authorizer’s signature, whoever sends it', async () => {
    const { config, id } = await openClaimed(300n)
    const signature = await signRefund(id, 0n, 700n, rig.authorizer)
    const { events } = await send(rig, rig.stranger.address, 'refundWithSignature', [
      config,
      700n,
      0n,
      signature,
    ])
    expect(events).toMatchObject([{ eventName: 'Refunded', args: { amount: 700n } }])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 300n, nonce: 1n })
  })

  it('cannot be sent twice: InvalidRefundNonce', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.authorizer)]
    await send(rig, rig.stranger.address, 'refundWithSignature', args)
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('InvalidRefundNonce')
  })

  it('with a nonce to come is refused: InvalidRefundNonce', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 10n, 1n, await signRefund(id, 1n, 10n, rig.authorizer)]
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('InvalidRefundNonce')
  })

  it('signed before a direct refund is refused: InvalidRefundNonce', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.authorizer)]
    await send(rig, rig.receiver.address, 'refund', [config, 1n])
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('InvalidRefundNonce')
  })

  it('that gave nothing has used its signature up all the same', async () => {
    const { config, id } = await openClaimed(1_000n)
    const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.authorizer)]
    await send(rig, rig.stranger.address, 'refundWithSignature', args)
    expect(await readChannel(rig, id)).toMatchObject({ nonce: 1n })
  })

  it('for another amount than the signed one is refused: InvalidSignature', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 11n, 0n, await signRefund(id, 0n, 10n, rig.authorizer)]
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('InvalidSignature')
  })

  it('signed by the receiver, who is not the authorizer, is refused: InvalidSignature', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.receiver)]
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('InvalidSignature')
  })

  it('of nothing is refused: ZeroRefund', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 0n, 0n, await signRefund(id, 0n, 0n, rig.authorizer)]
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('ZeroRefund')
  })
})
