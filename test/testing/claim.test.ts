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

/** A valid row for a claim of `total` from a fresh channel with `balance`. */
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

describe('escrow claim', () => {
  it('raises the totals of the channel and the receiver, and moves no token', async () => {
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

  it('takes less than the voucher allows, and the rest later with the same voucher', async () => {
    const { config, id, row } = await fund(1_000n, 300n, 700n)
    await claim([row])
    const { events } = await claim([await makeRow(config, 700n, 700n, rig.payer)])
    expect(events).toMatchObject([{ args: { claimAmount: 400n, newTotalClaimed: 700n } }])
    expect(await readChannel(rig, id)).toMatchObject({ totalClaimed: 700n })
  })

  it('takes the whole balance', async () => {
    const { id, row } = await fund(1_000n, 1_000n)
    await claim([row])
    expect(await readChannel(rig, id)).toMatchObject({ balance: 1_000n, totalClaimed: 1_000n })
  })

  it('accepts the receiver as sender', async () => {
    const { row } = await fund(1_000n, 300n)
    expect(await refusedClaim([row], rig.receiver.address)).toBe(null)
  })

  it('rejects any other sender with NotAuthorizedToClaim', async () => {
    const { row } = await fund(1_000n, 300n)
    expect(await refusedClaim([row], rig.stranger.address)).toBe('NotAuthorizedToClaim')
  })

  it('rejects a batch with a row of another receiver with NotAuthorizedToClaim', async () => {
    const { row } = await fund(1_000n, 300n)
    const { config } = await open(rig, 10n, {
      receiver: rig.stranger.address,
      receiverAuthorizer: rig.stranger.address,
    })
    const foreign = await makeRow(config, 10n, 10n, rig.payer)
    expect(await refusedClaim([row, foreign])).toBe('NotAuthorizedToClaim')
  })

  it('rejects an empty batch with EmptyBatch', async () => {
    expect(await refusedClaim([])).toBe('EmptyBatch')
  })

  it('rejects an amount above the voucher with ClaimExceedsCeiling', async () => {
    const { row } = await fund(1_000n, 301n, 300n)
    expect(await refusedClaim([row])).toBe('ClaimExceedsCeiling')
  })

  it('rejects an amount above the balance with ClaimExceedsBalance', async () => {
    const { row } = await fund(1_000n, 1_001n)
    expect(await refusedClaim([row])).toBe('ClaimExceedsBalance')
  })

  it('rejects a voucher signed by another key with InvalidSignature', async () => {
    const { config } = await open(rig, 1_000n)
    const row = await makeRow(config, 300n, 300n, rig.stranger)
    expect(await refusedClaim([row])).toBe('InvalidSignature')
  })

  it('ignores a row at or below the claimed total, whatever its signature', async () => {
    const { id, row } = await fund(1_000n, 300n)
    await claim([row])
    const { events } = await claim([row, { ...row, totalClaimed: 200n, signature: '0x' }])
    expect(events).toEqual([])
    expect(await readChannel(rig, id)).toMatchObject({ totalClaimed: 300n })
  })

  it('adds the difference once for a channel that is twice in a batch', async () => {
    const { config, id, row } = await fund(1_000n, 300n)
    const before = await totals()
    await claim([row, await makeRow(config, 500n, 500n, rig.payer)])
    expect(await readChannel(rig, id)).toMatchObject({ totalClaimed: 500n })
    expect((await totals()).claimed).toBe(before.claimed + 500n)
  })

  it('reverts the whole batch for one bad row', async () => {
    const [good, bad] = [await fund(1_000n, 300n), await fund(1_000n, 1_001n)]
    await expect(claim([good.row, bad.row])).rejects.toThrow('claim reverted')
    expect(await readChannel(rig, good.id)).toMatchObject({ totalClaimed: 0n })
  })

  it('rejects a claim after a withdrawal emptied the channel with ClaimExceedsBalance', async () => {
    const { config, row } = await fund(1_000n, 300n)
    await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
    await warp(rig, 900)
    await send(rig, rig.payer.address, 'finalizeWithdraw', [config])
    expect(await refusedClaim([row])).toBe('ClaimExceedsBalance')
  })
})

describe('escrow claimWithSignature', () => {
  async function refused(rows: Row[], signer = rig.authorizer) {
    const signature = await signBatch(rows, signer)
    return refusal(rig, rig.stranger.address, 'claimWithSignature', [rows, signature])
  }

  it('claims from many channels for any sender', async () => {
    const funded = [await fund(1_000n, 300n), await fund(1_000n, 400n)]
    const rows = funded.map(({ row }) => row)
    const signature = await signBatch(rows, rig.authorizer)
    const { events } = await send(rig, rig.stranger.address, 'claimWithSignature', [rows, signature])
    expect(events).toMatchObject([{ args: { claimAmount: 300n } }, { args: { claimAmount: 400n } }])
  })

  it('does nothing when it is sent again', async () => {
    const { row } = await fund(1_000n, 300n)
    const args = [[row], await signBatch([row], rig.authorizer)]
    await send(rig, rig.stranger.address, 'claimWithSignature', args)
    expect((await send(rig, rig.stranger.address, 'claimWithSignature', args)).events).toEqual([])
  })

  it('rejects an empty batch with EmptyBatch', async () => {
    expect(await refused([])).toBe('EmptyBatch')
  })

  it('rejects the signature of another key with InvalidSignature', async () => {
    const { row } = await fund(1_000n, 300n)
    expect(await refused([row], rig.receiver)).toBe('InvalidSignature')
  })

  it('rejects a signature over other totals with InvalidSignature', async () => {
    const { row } = await fund(1_000n, 300n)
    const signature = await signBatch([{ ...row, totalClaimed: 299n }], rig.authorizer)
    const args = [[row], signature]
    expect(await refusal(rig, rig.stranger.address, 'claimWithSignature', args)).toBe('InvalidSignature')
  })

  it('rejects rows of two authorizers with NotReceiverAuthorizer', async () => {
    const { row } = await fund(1_000n, 300n)
    const { config } = await open(rig, 10n, { receiverAuthorizer: rig.stranger.address })
    expect(await refused([row, await makeRow(config, 10n, 10n, rig.payer)])).toBe('NotReceiverAuthorizer')
  })
})

describe('escrow settle', () => {
  it('transfers the claimed total of all channels to the receiver for any sender', async () => {
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

  it('succeeds and emits nothing when there is nothing to transfer', async () => {
    const { events } = await send(rig, rig.stranger.address, 'settle', [rig.stranger.address, USDC])
    expect(events).toEqual([])
  })

  it('fails with the token’s reason and keeps the claimed total', async () => {
    await claim([(await fund(1_000n, 300n)).row])
    const before = await totals()
    await send(rig, rig.stranger.address, 'blacklist', [rig.receiver.address], USDC)
    const refused = await refusal(rig, rig.stranger.address, 'settle', [rig.receiver.address, USDC])
    await send(rig, rig.stranger.address, 'unBlacklist', [rig.receiver.address], USDC)
    expect(refused).toBe('Blacklistable: account is blacklisted')
    expect(await totals()).toEqual(before)
  })
})

describe('escrow multicall', () => {
  it('claims and settles in one transaction', async () => {
    const { row } = await fund(1_000n, 300n)
    const calls = [
      encodeFunctionData({ abi: ESCROW_ABI, functionName: 'claim', args: [[row]] }),
      encodeFunctionData({ abi: ESCROW_ABI, functionName: 'settle', args: [rig.receiver.address, USDC] }),
    ]
    const { events } = await send(rig, rig.authorizer.address, 'multicall', [calls])
    expect(events.map(({ eventName }) => eventName)).toEqual(['Claimed', 'Settled'])
  })

  it('fails with the reason of the failed call and reverts the others', async () => {
    const { id, row } = await fund(1_000n, 300n)
    const calls = [[row], []].map((rows) =>
      encodeFunctionData({ abi: ESCROW_ABI, functionName: 'claim', args: [rows] }),
    )
    expect(await refusal(rig, rig.authorizer.address, 'multicall', [calls])).toBe('EmptyBatch')
    expect(await readChannel(rig, id)).toMatchObject({ totalClaimed: 0n })
  })
})
