import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { balanceOf, type Rig, readChannel, refusal, send, startRig } from './harness.ts'
import { makeRow, open, signRefund } from './paper.ts'

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

describe('escrow refund', () => {
  it('transfers unclaimed escrow to the payer', async () => {
    const { config, id } = await openClaimed(300n)
    const before = await balanceOf(rig, rig.payer.address)
    const { events } = await send(rig, rig.authorizer.address, 'refund', [config, 200n])
    expect(events).toMatchObject([{ eventName: 'Refunded', args: { amount: 200n } }])
    expect(await balanceOf(rig, rig.payer.address)).toBe(before + 200n)
    expect(await readChannel(rig, id)).toMatchObject({ balance: 800n, totalClaimed: 300n, nonce: 1n })
  })

  it('transfers at most the unclaimed amount', async () => {
    const { config, id } = await openClaimed(300n)
    const { events } = await send(rig, rig.receiver.address, 'refund', [config, 2n ** 128n - 1n])
    expect(events).toMatchObject([{ eventName: 'Refunded', args: { amount: 700n } }])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 300n, totalClaimed: 300n })
  })

  it('closes an unclaimed channel when it takes the whole balance', async () => {
    const { config } = await openClaimed(0n)
    const { events } = await send(rig, rig.receiver.address, 'refund', [config, 1_000n])
    expect(events.map(({ eventName }) => eventName)).toEqual(['Refunded', 'ChannelClosed'])
  })

  it('leaves an unclaimed channel open when it takes a part', async () => {
    const { config } = await openClaimed(0n)
    const { events } = await send(rig, rig.receiver.address, 'refund', [config, 999n])
    expect(events.map(({ eventName }) => eventName)).toEqual(['Refunded'])
  })

  it('leaves a claimed channel open when it takes the rest', async () => {
    const { config } = await openClaimed(300n)
    const { events } = await send(rig, rig.receiver.address, 'refund', [config, 700n])
    expect(events.map(({ eventName }) => eventName)).toEqual(['Refunded'])
  })

  it('transfers nothing and raises the nonce when nothing is unclaimed', async () => {
    const { config, id } = await openClaimed(1_000n)
    const { events } = await send(rig, rig.receiver.address, 'refund', [config, 1n])
    expect(events).toEqual([])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 1_000n, nonce: 1n })
  })

  it('rejects an amount of zero with ZeroRefund', async () => {
    const { config } = await openClaimed(0n)
    expect(await refusal(rig, rig.receiver.address, 'refund', [config, 0n])).toBe('ZeroRefund')
  })

  it('rejects the payer as sender with NotAuthorizedToRefund', async () => {
    const { config } = await openClaimed(0n)
    expect(await refusal(rig, rig.payer.address, 'refund', [config, 1n])).toBe('NotAuthorizedToRefund')
  })

  it('lowers a pending withdrawal by the refunded amount', async () => {
    const { config, id } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
    const { initiatedAt } = await readChannel(rig, id)
    await send(rig, rig.receiver.address, 'refund', [config, 1n])
    expect(await readChannel(rig, id)).toMatchObject({ pending: 999n, initiatedAt })
  })

  it('cancels a pending withdrawal of the same amount', async () => {
    const { config, id } = await openClaimed(0n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 250n])
    await send(rig, rig.receiver.address, 'refund', [config, 250n])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 750n, pending: 0n, initiatedAt: 0 })
  })
})

describe('escrow refundWithSignature', () => {
  it('refunds for any sender with the authorizer’s signature', async () => {
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

  it('rejects a signature sent twice with InvalidRefundNonce', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.authorizer)]
    await send(rig, rig.stranger.address, 'refundWithSignature', args)
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('InvalidRefundNonce')
  })

  it('rejects a future nonce with InvalidRefundNonce', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 10n, 1n, await signRefund(id, 1n, 10n, rig.authorizer)]
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('InvalidRefundNonce')
  })

  it('rejects a signature from before a direct refund with InvalidRefundNonce', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.authorizer)]
    await send(rig, rig.receiver.address, 'refund', [config, 1n])
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('InvalidRefundNonce')
  })

  it('raises the nonce even if it transfers nothing', async () => {
    const { config, id } = await openClaimed(1_000n)
    const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.authorizer)]
    await send(rig, rig.stranger.address, 'refundWithSignature', args)
    expect(await readChannel(rig, id)).toMatchObject({ nonce: 1n })
  })

  it('rejects another amount than the signed one with InvalidSignature', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 11n, 0n, await signRefund(id, 0n, 10n, rig.authorizer)]
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('InvalidSignature')
  })

  it('rejects the signature of the receiver, who is not the authorizer, with InvalidSignature', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 10n, 0n, await signRefund(id, 0n, 10n, rig.receiver)]
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('InvalidSignature')
  })

  it('rejects an amount of zero with ZeroRefund', async () => {
    const { config, id } = await openClaimed(0n)
    const args = [config, 0n, 0n, await signRefund(id, 0n, 0n, rig.authorizer)]
    expect(await refusal(rig, rig.stranger.address, 'refundWithSignature', args)).toBe('ZeroRefund')
  })
})
