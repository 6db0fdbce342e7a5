import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Standing } from '../../../src/ledger/channel/types.ts'
import type { Address } from '../../../src/protocol/evm/hex.ts'
import {
  batchesOf,
  bisect,
  type ClaimRow,
  claimOf,
  MAX_ROWS,
  redeemable,
  transactionsOf,
} from '../../../src/settlement/channels/claims.ts'

const ADDRESS: Address = `0x${'11'.repeat(20)}`
const HASH = `0x${'22'.repeat(32)}` as const

function standing(of: Partial<Standing> & { balance?: bigint; withdrawRequestedAt?: number }): Standing {
  const { balance = 1_000n, withdrawRequestedAt = 0, ...rest } = of
  return {
    channelId: HASH,
    config: {
      payer: ADDRESS,
      payerAuthorizer: ADDRESS,
      receiver: ADDRESS,
      receiverAuthorizer: ADDRESS,
      token: ADDRESS,
      withdrawDelay: 86_400,
      salt: HASH,
    },
    authorized: 300n,
    charged: 200n,
    redeemed: 50n,
    credit: 0n,
    signature: '0x01',
    state: {
      balance,
      totalClaimed: 50n,
      withdrawRequestedAt,
      withdrawAmount: 0n,
      refundNonce: 0n,
      block: 1n,
    },
    quarantine: null,
    unresolved: null,
    ...rest,
  }
}

describe('redeemable', () => {
  it('returns a claim over the charged amount, below the voucher’s maximum [I6]', () => {
    const row = redeemable(standing({}))
    expect(row && claimOf(row)).toMatchObject({ totalClaimed: 200n, maxClaimableAmount: 300n })
  })

  it('returns null when all charges are redeemed or there is only the signature 0x', () => {
    expect(redeemable(standing({ redeemed: 200n }))).toBeNull()
    expect(redeemable(standing({ signature: '0x' }))).toBeNull()
  })

  it('returns a claim over the escrow balance when it is below the charged amount', () => {
    expect(redeemable(standing({ balance: 120n }))?.total).toBe('120')
    expect(redeemable(standing({ balance: 50n }))).toBeNull()
  })

  it('returns a row that is sent alone when its payer withdraws', () => {
    expect(redeemable(standing({}))?.alone).toBe(false)
    expect(redeemable(standing({ withdrawRequestedAt: 1 }))?.alone).toBe(true)
  })
})

describe('batchesOf', () => {
  const kinds = fc.array(fc.record({ withdrawing: fc.boolean(), bad: fc.boolean() }), { maxLength: 450 })
  const rows = kinds.map((each) =>
    each.map(({ withdrawing, bad }, at): ClaimRow => {
      const of = { withdrawRequestedAt: withdrawing ? 1 : 0, quarantine: bad ? 'InvalidSignature' : null }
      const row = redeemable(standing(of))
      if (!row) throw new Error('the channel must be redeemable')
      return { ...row, signature: `0x${at.toString(16)}` }
    }),
  )

  it('returns every row once, at most 100 per batch', () => {
    fc.assert(
      fc.property(rows, fc.boolean(), (all, last) => {
        const { batches, rest } = batchesOf(all, last)
        const names = [...batches.flat(), ...rest].map((row) => row.signature)
        expect(names.length).toBe(all.length)
        expect(new Set(names).size).toBe(all.length)
        for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(MAX_ROWS)
        if (last) expect(rest).toEqual([])
      }),
    )
  })

  it('keeps quarantined rows apart from valid ones, and sends withdrawing rows alone [F4]', () => {
    fc.assert(
      fc.property(rows, (all) => {
        for (const rows of batchesOf(all, true).batches.flatMap(transactionsOf)) {
          expect(new Set(rows.map((row) => row.quarantined && !row.alone)).size).toBe(1)
          if (rows.some((row) => row.alone)) expect(rows.length).toBe(1)
        }
      }),
    )
  })

  it('returns full batches at once and leaves the rest for later', () => {
    const row = redeemable(standing({}))
    if (!row) throw new Error('the channel must be redeemable')
    const many = Array.from({ length: 250 }, () => row)
    const { batches, rest } = batchesOf(many, false)
    expect([batches.map((batch) => batch.length), rest.length]).toEqual([[100, 100], 50])
  })
})

describe('bisect', () => {
  /** Acts as the contract: the first bad row in order fails the batch with its own reason. */
  function chainRejecting(bad: ReadonlySet<number>) {
    let trials = 0
    const trial = async (items: number[]) => {
      trials++
      const first = items.find((item) => bad.has(item))
      return first === undefined ? null : `bad ${first}`
    }
    return { trial, trials: () => trials }
  }

  it('returns exactly the bad rows, each with its own reason', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 120 }), async (flags) => {
        const bad = new Set(flags.flatMap((flag, at) => (flag ? [at] : [])))
        const items = flags.map((_, at) => at)
        const chain = chainRejecting(bad)
        const found = await bisect(items, chain.trial)
        expect(found.good).toEqual(items.filter((item) => !bad.has(item)))
        expect(found.bad).toEqual([...bad].map((item) => ({ item, reason: `bad ${item}` })))
        expect(chain.trials()).toBeLessThanOrEqual(Math.max(2 * items.length - 1, 0))
      }),
    )
  })

  it('finds one bad row among 100 with at most two trials per halving [F4, I13]', async () => {
    for (let bad = 0; bad < MAX_ROWS; bad++) {
      const chain = chainRejecting(new Set([bad]))
      const found = await bisect(
        Array.from({ length: MAX_ROWS }, (_, at) => at),
        chain.trial,
      )
      expect(found.bad).toEqual([{ item: bad, reason: `bad ${bad}` }])
      expect(chain.trials()).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(MAX_ROWS)))
    }
  })

  it('tries a valid batch once and an empty one never', async () => {
    const chain = chainRejecting(new Set())
    await bisect([1, 2, 3], chain.trial)
    await bisect([], chain.trial)
    expect(chain.trials()).toBe(1)
  })
})
