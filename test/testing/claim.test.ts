import { encodeFunctionData } from 'viem'
import { readContract } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ESCROW, USDC } from '../../src/testing/chain/chain.ts'
import { ESCROW_ABI } from './abi.ts'
import { balanceOf, type Rig, readChannel, refusal, send, startRig, warp } from './harness.ts'
import { makeRow, open, type Row, signBatch } from './paper.ts'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig.chain.stop())

/** One row that is good for a claim of `total` from a fresh channel with `balance` in it. */
async function fund(balance: bigint, total: bigint, max = total) {
  const { config, id } = await open(rig, balance)
  return { config, id, row: await makeRow(config, max, total, rig.payer) }
}

async function claim(rows: Row[], from = rig.authorizer.address) {
  return send(rig, from, 'claim', [rows])
}

async function refusedClaim(rows: Row[], from = rig.authorizer.address) {
  return refusal(rig, from, 'claim', [rows])
}

async function totals() {
  const args = [rig.receiver.address, USDC] as const
  const [claimed, settled] = await readContract(rig.client, {
    address: ESCROW,
    abi: ESCROW_ABI,
    functionName: 'receivers',
    args,
  })
  return { claimed, settled }
}

describe('claim', () => {
  it('raises the channel’s total and the receiver’s, and moves no token', async () => {
    const { id, row } = await fund(1_000n, 300n)
    const [before, held] = [await totals(), await balanceOf(rig, ESCROW)]
    const { events } = await claim([row])
    expect(events).toMatchObject([
      { eventName: 'Claimed', args: { claimAmount: 300n, newTotalClaimed: 300n } },
    ])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 1_000n, totalClaimed: 300n })
    expect(await totals()).toEqual({ ...before, claimed: before.claimed + 300n })
    expect(await balanceOf(rig, ESCROW)).toBe(held)
  })

  it('may take less than the voucher allows, and the rest later by the same voucher', async () => {
    const { config, id, row } = await fund(1_000n, 300n, 700n)
    await claim([row])
    const { events } = await claim([await makeRow(config, 700n, 700n, rig.payer)])
    expect(events).toMatchObject([{ args: { claimAmount: 400n, newTotalClaimed: 700n } }])
    expect(await readChannel(rig, id)).toMatchObject({ totalClaimed: 700n })
  })

  it('may take the whole balance', async () => {
    const { id, row } = await fund(1_000n, 1_000n)
    await claim([row])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 1_000n, totalClaimed: 1_000n })
  })

  it('is the receiver’s to send as well', async () => {
    const { row } = await fund(1_000n, 300n)
    expect(await refusedClaim([row], rig.receiver.address)).toBe(null)
  })

  it('by anyone else is refused: NotAuthorizedToClaim', async () => {
    const { row } = await fund(1_000n, 300n)
    expect(await refusedClaim([row], rig.stranger.address)).toBe('NotAuthorizedToClaim')
  })

  it('with one row that is not the sender’s is refused: NotAuthorizedToClaim', async () => {
    const { row } = await fund(1_000n, 300n)
    const { config } = await open(rig, 10n, {
      receiver: rig.stranger.address,
      receiverAuthorizer: rig.stranger.address,
    })
    const foreign = await makeRow(config, 10n, 10n, rig.payer)
    expect(await refusedClaim([row, foreign])).toBe('NotAuthorizedToClaim')
  })

  it('of no rows is refused: EmptyBatch', async () => {
    expect(await refusedClaim([])).toBe('EmptyBatch')
  })

  it('above the voucher is refused: ClaimExceedsCeiling', async () => {
    const { row } = await fund(1_000n, 301n, 300n)
    expect(await refusedClaim([row])).toBe('ClaimExceedsCeiling')
  })

  it('above the balance is refused: ClaimExceedsBalance', async () => {
    const { row } = await fund(1_000n, 1_001n)
    expect(await refusedClaim([row])).toBe('ClaimExceedsBalance')
  })

  it('by a voucher that another key signed is refused: InvalidSignature', async () => {
    const { config } = await open(rig, 1_000n)
    const row = await makeRow(config, 300n, 300n, rig.stranger)
    expect(await refusedClaim([row])).toBe('InvalidSignature')
  })

  it('of a row at or below what was claimed does nothing, whatever its signature', async () => {
    const { id, row } = await fund(1_000n, 300n)
    await claim([row])
    const { events } = await claim([row, { ...row, totalClaimed: 200n, signature: '0x' }])
    expect(events).toEqual([])
    expect(await readChannel(rig, id)).toMatchObject({ totalClaimed: 300n })
  })

  it('of one channel twice in a batch counts the difference once', async () => {
    const { config, id, row } = await fund(1_000n, 300n)
    const before = await totals()
    await claim([row, await makeRow(config, 500n, 500n, rig.payer)])
    expect(await readChannel(rig, id)).toMatchObject({ totalClaimed: 500n })
    expect((await totals()).claimed).toBe(before.claimed + 500n)
  })

  it('is all or nothing: one poisoned row undoes the good ones', async () => {
    const [good, poisoned] = [await fund(1_000n, 300n), await fund(1_000n, 1_001n)]
    await expect(claim([good.row, poisoned.row])).rejects.toThrow('claim reverted')
    expect(await readChannel(rig, good.id)).toMatchObject({ totalClaimed: 0n })
  })

  it('after a withdrawal has drained the channel is refused: ClaimExceedsBalance', async () => {
    const { config, row } = await fund(1_000n, 300n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
    await warp(rig, 900)
    await send(rig, rig.payer.address, 'finalizeWithdraw', [config])
    expect(await refusedClaim([row])).toBe('ClaimExceedsBalance')
  })
})

describe('claimWithSignature', () => {
  async function refused(rows: Row[], signer = rig.authorizer) {
    const signature = await signBatch(rows, signer)
    return refusal(rig, rig.stranger.address, 'claimWithSignature', [rows, signature])
  }

  it('claims from many channels, whoever sends it', async () => {
    const funded = [await fund(1_000n, 300n), await fund(1_000n, 400n)]
    const rows = funded.map(({ row }) => row)
    const signature = await signBatch(rows, rig.authorizer)
    const { events } = await send(rig, rig.stranger.address, 'claimWithSignature', [rows, signature])
    expect(events).toMatchObject([{ args: { claimAmount: 300n } }, { args: { claimAmount: 400n } }])
  })

  it('sent again does nothing', async () => {
    const { row } = await fund(1_000n, 300n)
    const args = [[row], await signBatch([row], rig.authorizer)]
    await send(rig, rig.stranger.address, 'claimWithSignature', args)
    expect((await send(rig, rig.stranger.address, 'claimWithSignature', args)).events).toEqual([])
  })

  it('of no rows is refused: EmptyBatch', async () => {
    expect(await refused([])).toBe('EmptyBatch')
  })

  it('with the signature of another key is refused: InvalidSignature', async () => {
    const { row } = await fund(1_000n, 300n)
    expect(await refused([row], rig.receiver)).toBe('InvalidSignature')
  })

  it('with a signature over other totals is refused: InvalidSignature', async () => {
    const { row } = await fund(1_000n, 300n)
    const signature = await signBatch([{ ...row, totalClaimed: 299n }], rig.authorizer)
    const args = [[row], signature]
    expect(await refusal(rig, rig.stranger.address, 'claimWithSignature', args)).toBe('InvalidSignature')
  })

  it('with rows of two authorizers is refused: NotReceiverAuthorizer', async () => {
    const { row } = await fund(1_000n, 300n)
    const { config } = await open(rig, 10n, { receiverAuthorizer: rig.stranger.address })
    expect(await refused([row, await makeRow(config, 10n, 10n, rig.payer)])).toBe('NotReceiverAuthorizer')
  })
})

describe('settle', () => {
  it('moves all that was claimed from every channel to the receiver at once, whoever sends it', async () => {
    const rows = [(await fund(1_000n, 300n)).row, (await fund(1_000n, 400n)).row]
    await claim(rows)
    const { claimed, settled } = await totals()
    const before = await balanceOf(rig, rig.receiver.address)
    const { events } = await send(rig, rig.stranger.address, 'settle', [rig.receiver.address, USDC])
    const amount = claimed - settled
    expect(amount).toBeGreaterThanOrEqual(700n)
    expect(events).toMatchObject([{ eventName: 'Settled', args: { amount } }])
    expect(await balanceOf(rig, rig.receiver.address)).toBe(before + amount)
    expect(await totals()).toEqual({ claimed, settled: claimed })
  })

  it('with nothing to move succeeds and emits nothing', async () => {
    const { events } = await send(rig, rig.stranger.address, 'settle', [rig.stranger.address, USDC])
    expect(events).toEqual([])
  })

  it('fails with the token’s own reason, and what was claimed stays claimed', async () => {
    await claim([(await fund(1_000n, 300n)).row])
    const before = await totals()
    await send(rig, rig.stranger.address, 'blacklist', [rig.receiver.address], USDC)
    const refused = await refusal(rig, rig.stranger.address, 'settle', [rig.receiver.address, USDC])
    await send(rig, rig.stranger.address, 'unBlacklist', [rig.receiver.address], USDC)
    expect(refused).toBe('Blacklistable: account is blacklisted')
    expect(await totals()).toEqual(before)
  })
})

describe('multicall', () => {
  it('claims and settles in one transaction', async () => {
    const { row } = await fund(1_000n, 300n)
    const calls = [
      encodeFunctionData({ abi: ESCROW_ABI, functionName: 'claim', args: [[row]] }),
      encodeFunctionData({ abi: ESCROW_ABI, functionName: 'settle', args: [rig.receiver.address, USDC] }),
    ]
    const { events } = await send(rig, rig.authorizer.address, 'multicall', [calls])
    expect(events.map(({ eventName }) => eventName)).toEqual(['Claimed', 'Settled'])
  })

  it('fails with the reason of the call that failed, and undoes the others', async () => {
    const { id, row } = await fund(1_000n, 300n)
    const calls = [[row], []].map((rows) =>
      encodeFunctionData({ abi: ESCROW_ABI, functionName: 'claim', args: [rows] }),
    )
    expect(await refusal(rig, rig.authorizer.address, 'multicall', [calls])).toBe('EmptyBatch')
    expect(await readChannel(rig, id)).toMatchObject({ totalClaimed: 0n })
  })
})
