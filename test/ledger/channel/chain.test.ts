/** The account while its channel changes on chain: deposits, refunds, withdrawals and outdated states. */
import { describe, expect, it } from 'vitest'
import type { Charged } from '../../../src/ledger/channel/types.ts'
import { openChannel, PRICE, reasonOf, stateOf, toCharge, toDeposit, toRefund } from './harness.ts'

const HASH = `0x${'ab'.repeat(32)}` as const

describe('Account deposit', () => {
  it('closes in the same write as the charge it came with', async () => {
    const channel = await openChannel({ balance: 0n })
    const begin = toDeposit(PRICE)
    expect(await channel.place(begin)).toMatchObject({
      outcome: 'begun',
      standing: { unresolved: { id: begin.id } },
    })
    const settled = { id: begin.id, state: stateOf({ balance: 5000n, block: 2n }), transaction: HASH }
    const charged = await channel.place(toCharge(PRICE, { settled }))
    expect(charged).toMatchObject({ outcome: 'charged', transaction: HASH, charged: PRICE })
    expect(await channel.standing()).toMatchObject({
      charged: PRICE,
      unresolved: null,
      state: { balance: 5000n },
    })
  })

  it('holds vouchers until it is mined, then charges them', async () => {
    const channel = await openChannel({ balance: PRICE })
    await channel.charge()
    const begin = toDeposit(2n * PRICE, { request: 'GET /b' })
    await channel.place(begin)
    const waiting = channel.place(toCharge(3n * PRICE, { request: 'GET /c' }))
    const settled = { id: begin.id, state: stateOf({ balance: 9000n, block: 2n }), transaction: HASH }
    const first = await channel.place(toCharge(2n * PRICE, { request: 'GET /b', settled }))
    expect(first).toMatchObject({ outcome: 'charged', charged: 2n * PRICE })
    expect(await waiting).toMatchObject({ outcome: 'charged', charged: 3n * PRICE })
  })

  it('returns begun and adds no entry when placed twice', async () => {
    const channel = await openChannel({ balance: 0n })
    const begin = toDeposit(PRICE)
    await channel.place(begin)
    const entries = await channel.entries()
    expect(await channel.place(begin)).toMatchObject({ outcome: 'begun' })
    await channel.restart()
    expect(await channel.place(begin)).toMatchObject({ outcome: 'begun' })
    expect(await channel.entries()).toEqual(entries)
  })

  it('adds no balance when it was never mined [F17]', async () => {
    const channel = await openChannel({ balance: 0n })
    const begin = toDeposit(PRICE)
    await channel.place(begin)
    await channel.account().resolve(begin.id, null)
    expect(await channel.standing()).toMatchObject({ unresolved: null, charged: 0n, state: { balance: 0n } })
    expect(reasonOf(await channel.place(toCharge(PRICE)))).toBe('over_ceiling')
  })

  it('returns channel_busy with the unresolved transaction after a restart [F17]', {
    timeout: 5_000,
  }, async () => {
    const channel = await openChannel({ balance: 0n })
    const begin = toDeposit(PRICE)
    await channel.place(begin)
    await channel.restart()
    const busy = await channel.place(toCharge(PRICE))
    expect(busy).toMatchObject({
      reason: 'channel_busy',
      standing: { unresolved: { kind: 'deposit', id: begin.id } },
    })
  })

  it('stays pending when an older deposit is resolved again', async () => {
    const channel = await openChannel({ balance: 0n })
    const [first, second] = [toDeposit(PRICE), toDeposit(PRICE)]
    await channel.place(first)
    await channel.account().resolve(first.id, null)
    await channel.place(second)
    await channel.account().resolve(first.id, null)
    expect(await channel.standing()).toMatchObject({ unresolved: { id: second.id } })
  })
})

describe('Account refund', () => {
  it('returns balance minus charges when the payer names no amount', async () => {
    const channel = await openChannel({ balance: 5000n })
    await channel.charge()
    const begin = toRefund(PRICE)
    expect(await channel.place(begin)).toMatchObject({ outcome: 'begun', amount: 4000n })
    const state = stateOf({ balance: PRICE, totalClaimed: PRICE, refundNonce: 1n, block: 2n })
    expect(await channel.account().resolve(begin.id, state, HASH)).toMatchObject({
      charged: PRICE,
      redeemed: PRICE,
      unresolved: null,
    })
    expect(reasonOf(await channel.place(toCharge(2n * PRICE, { request: 'GET /b' })))).toBe('over_ceiling')
    expect(reasonOf(await channel.place(toRefund(PRICE)))).toBe('refund_empty')
  })

  it('leaves the rest after a partial refund, and holds charges until it is mined', async () => {
    const channel = await openChannel({ balance: 5000n })
    await channel.charge()
    const begin = toRefund(PRICE, { amount: 1500n })
    expect(await channel.place(begin)).toMatchObject({ outcome: 'begun', amount: 1500n })
    const waiting = channel.place(toCharge(2n * PRICE, { request: 'GET /b' }))
    await channel
      .account()
      .resolve(begin.id, stateOf({ balance: 3500n, totalClaimed: PRICE, refundNonce: 1n, block: 2n }), HASH)
    expect(await waiting).toMatchObject({ outcome: 'charged', state: { balance: 3500n } })
  })

  it.each([4001n, 0n, 1n << 120n])('rejects %s when 4000 can be refunded', async (amount) => {
    const channel = await openChannel({ balance: 5000n })
    await channel.charge()
    expect(reasonOf(await channel.place(toRefund(PRICE, { amount })))).toBe('refund_amount')
    expect(await channel.standing()).toMatchObject({ unresolved: null })
  })

  it('requires later vouchers to exceed all past charges [A14, I6]', async () => {
    const channel = await openChannel({ balance: 5000n })
    const first = await channel.charge('GET /a')
    await channel.charge('GET /b')
    const begin = toRefund(2n * PRICE)
    const refunded = { totalClaimed: 2000n, refundNonce: 1n }
    await channel.place(begin)
    await channel.account().resolve(begin.id, stateOf({ balance: 2000n, ...refunded, block: 2n }))
    await channel.account().observe(stateOf({ balance: 9000n, ...refunded, block: 3n }))
    expect(reasonOf(await channel.place(toCharge(PRICE, { request: 'GET /c' })))).toBe('voucher_stale')
    expect(await channel.place(toCharge(first.order.max))).toMatchObject({
      outcome: 'replayed',
      entry: first.entry,
    })
    expect(await channel.place(toCharge(3n * PRICE, { request: 'GET /c' }))).toMatchObject({
      outcome: 'charged',
    })
  })
})

describe('Account withdrawal', () => {
  it('rejects charges and deposits, allows replays and refunds', async () => {
    const channel = await openChannel({ balance: 5000n })
    const paid = await channel.charge()
    const state = stateOf({
      balance: 5000n,
      withdrawRequestedAt: 1_700_000_000,
      withdrawAmount: 4000n,
      block: 2n,
    })
    await channel.account().observe(state)
    expect(reasonOf(await channel.place(toCharge(2n * PRICE, { request: 'GET /b' })))).toBe(
      'withdrawal_pending',
    )
    expect(reasonOf(await channel.place(toDeposit(2n * PRICE, { request: 'GET /b' })))).toBe(
      'withdrawal_pending',
    )
    expect(await channel.place(toCharge(PRICE))).toMatchObject({ outcome: 'replayed', entry: paid.entry })
    expect(await channel.place(toRefund(PRICE))).toMatchObject({ outcome: 'begun', amount: 4000n })
  })

  it('lowers the ceiling below the charged amount when finalized, and still allows a release', async () => {
    const channel = await openChannel({ balance: 5000n })
    const { entry, order } = await channel.charge()
    await channel.account().observe(stateOf({ balance: 0n, block: 2n }))
    expect(reasonOf(await channel.place(toCharge(2n * PRICE, { request: 'GET /b' })))).toBe('over_ceiling')
    expect(reasonOf(await channel.place(toRefund(PRICE)))).toBe('refund_empty')
    await channel.account().release(entry, order.id)
    expect(await channel.standing()).toMatchObject({ charged: 0n, authorized: PRICE })
  })
})

describe('Account.observe', () => {
  it('ignores an older block and journals no unchanged state', async () => {
    const channel = await openChannel({ balance: 5000n, block: 10n })
    await channel.account().observe(stateOf({ balance: 1n, block: 9n }))
    await channel.account().observe(stateOf({ balance: 5000n, block: 11n }))
    expect((await channel.standing()).state.balance).toBe(5000n)
    expect(await channel.entries()).toHaveLength(1)
  })

  it('journals a claim once, with the amount it redeemed', async () => {
    const channel = await openChannel()
    await channel.charge('GET /a')
    await channel.charge('GET /b')
    await channel.account().observe(stateOf({ totalClaimed: 1200n, block: 2n }), HASH)
    await channel.account().observe(stateOf({ totalClaimed: 1200n, block: 3n }), HASH)
    const chain = (await channel.entries()).filter(({ kind }) => kind === 'chain')
    expect(chain).toMatchObject([{ amount: 1200n, redeemed: 1200n, transaction: HASH }])
  })

  it('stores the signature 0x for a claim above every voucher we hold', async () => {
    const channel = await openChannel()
    await channel.charge()
    const standing = await channel.account().observe(stateOf({ totalClaimed: 5000n, block: 2n }))
    expect(standing).toMatchObject({
      authorized: 5000n,
      charged: 5000n,
      redeemed: 5000n,
      credit: 4000n,
      signature: '0x',
    })
    const next = (await channel.place(toCharge(5000n + PRICE, { request: 'GET /b' }))) as Charged
    expect(next).toMatchObject({ outcome: 'charged', due: 0n, charged: 5000n })
    expect(await channel.standing()).toMatchObject({ credit: 3000n })
  })

  it('restores the last voucher when a claim is reverted [F8, F9]', async () => {
    const channel = await openChannel()
    const { order } = await channel.charge()
    await channel.account().observe(stateOf({ totalClaimed: 50n * PRICE, block: 2n }))
    await channel.restart()
    await channel.account().observe(stateOf({ block: 3n }))
    const owed = { authorized: PRICE, charged: PRICE, redeemed: 0n, credit: 0n }
    expect(await channel.standing()).toMatchObject({ ...owed, signature: order.signature })
    const next = await channel.charge('GET /b')
    expect(await channel.standing()).toMatchObject({
      authorized: 2n * PRICE,
      signature: next.order.signature,
    })
  })

  it('keeps the next voucher claimable when a claim from before the opening is reverted [F8, I6]', async () => {
    const channel = await openChannel({ totalClaimed: 5n * PRICE })
    await channel.account().observe(stateOf({ totalClaimed: 0n, block: 2n }))
    const { order } = await channel.charge()
    expect(await channel.standing()).toMatchObject({ authorized: 6n * PRICE, signature: order.signature })
  })
})

describe('Account.quarantine', () => {
  it('is ended by a claim, and by no other change on chain, while more is owed [E3]', async () => {
    const channel = await openChannel()
    await channel.charge()
    await channel.charge()
    await channel.account().quarantine('ClaimExceedsBalance')
    await channel.account().observe(stateOf({ refundNonce: 1n, block: 8n }))
    expect(await channel.standing()).toMatchObject({ quarantine: 'ClaimExceedsBalance' })
    await channel.account().observe(stateOf({ totalClaimed: PRICE, block: 9n }))
    expect(await channel.standing()).toMatchObject({ quarantine: null, charged: 2n * PRICE, redeemed: PRICE })
  })

  it('sets and lifts the quarantine once each, also across a restart', async () => {
    const channel = await openChannel()
    await channel.account().quarantine('ClaimExceedsBalance')
    await channel.account().quarantine('ClaimExceedsBalance')
    await channel.restart()
    expect(await channel.standing()).toMatchObject({ quarantine: 'ClaimExceedsBalance' })
    await channel.account().quarantine(null)
    expect(await channel.standing()).toMatchObject({ quarantine: null })
    expect((await channel.entries()).map(({ id }) => id).slice(1)).toEqual(['ClaimExceedsBalance', 'lifted'])
  })
})
