/** What an account does while its channel moves on chain: deposits, refunds, withdrawals, and old news. */
import { describe, expect, it } from 'vitest'
import type { Charged } from '../../../src/ledger/channel/types.ts'
import { newTab, PRICE, reasonOf, stateOf, toCharge, toDeposit, toRefund } from './harness.ts'

const HASH = `0x${'ab'.repeat(32)}` as const

describe('a deposit', () => {
  it('is closed by the charge that comes with it, in one write', async () => {
    const tab = await newTab({ balance: 0n })
    const begin = toDeposit(PRICE)
    expect(await tab.place(begin)).toMatchObject({
      outcome: 'begun',
      standing: { unresolved: { id: begin.id } },
    })
    const settled = { id: begin.id, state: stateOf({ balance: 5000n, block: 2n }), transaction: HASH }
    const charged = await tab.place(toCharge(PRICE, { settled }))
    expect(charged).toMatchObject({ outcome: 'charged', transaction: HASH, charged: PRICE })
    expect(await tab.standing()).toMatchObject({
      charged: PRICE,
      unresolved: null,
      state: { balance: 5000n },
    })
  })

  it('keeps vouchers waiting, then lets them go on over the new balance', async () => {
    const tab = await newTab({ balance: PRICE })
    await tab.charge()
    const begin = toDeposit(2n * PRICE, { request: 'GET /b' })
    await tab.place(begin)
    const waiting = tab.place(toCharge(3n * PRICE, { request: 'GET /c' }))
    const settled = { id: begin.id, state: stateOf({ balance: 9000n, block: 2n }), transaction: HASH }
    const first = await tab.place(toCharge(2n * PRICE, { request: 'GET /b', settled }))
    expect(first).toMatchObject({ outcome: 'charged', charged: 2n * PRICE })
    expect(await waiting).toMatchObject({ outcome: 'charged', charged: 3n * PRICE })
  })

  it('placed again is begun again: its answer was lost', async () => {
    const tab = await newTab({ balance: 0n })
    const begin = toDeposit(PRICE)
    await tab.place(begin)
    const entries = await tab.entries()
    expect(await tab.place(begin)).toMatchObject({ outcome: 'begun' })
    await tab.restart()
    expect(await tab.place(begin)).toMatchObject({ outcome: 'begun' })
    expect(await tab.entries()).toEqual(entries)
  })

  it('that never came is given up, and counts for nothing [F17]', async () => {
    const tab = await newTab({ balance: 0n })
    const begin = toDeposit(PRICE)
    await tab.place(begin)
    await tab.account().resolve(begin.id, null)
    expect(await tab.standing()).toMatchObject({ unresolved: null, charged: 0n, state: { balance: 0n } })
    expect(reasonOf(await tab.place(toCharge(PRICE)))).toBe('over_ceiling')
  })

  it('that nobody here remembers says busy at once, with what is to be asked about [F17]', {
    timeout: 5_000,
  }, async () => {
    const tab = await newTab({ balance: 0n })
    const begin = toDeposit(PRICE)
    await tab.place(begin)
    await tab.restart()
    const busy = await tab.place(toCharge(PRICE))
    expect(busy).toMatchObject({
      reason: 'channel_busy',
      standing: { unresolved: { kind: 'deposit', id: begin.id } },
    })
  })

  it('that was closed before is not closed again', async () => {
    const tab = await newTab({ balance: 0n })
    const [first, second] = [toDeposit(PRICE), toDeposit(PRICE)]
    await tab.place(first)
    await tab.account().resolve(first.id, null)
    await tab.place(second)
    await tab.account().resolve(first.id, null)
    expect(await tab.standing()).toMatchObject({ unresolved: { id: second.id } })
  })
})

describe('a refund', () => {
  it('of all that is left gives back what is not charged', async () => {
    const tab = await newTab({ balance: 5000n })
    await tab.charge()
    const begin = toRefund(PRICE)
    expect(await tab.place(begin)).toMatchObject({ outcome: 'begun', amount: 4000n })
    const state = stateOf({ balance: PRICE, totalClaimed: PRICE, refundNonce: 1n, block: 2n })
    expect(await tab.account().resolve(begin.id, state, HASH)).toMatchObject({
      charged: PRICE,
      redeemed: PRICE,
      unresolved: null,
    })
    expect(reasonOf(await tab.place(toCharge(2n * PRICE, { request: 'GET /b' })))).toBe('over_ceiling')
    expect(reasonOf(await tab.place(toRefund(PRICE)))).toBe('refund_empty')
  })

  it('of a part leaves the rest, and no charge comes between', async () => {
    const tab = await newTab({ balance: 5000n })
    await tab.charge()
    const begin = toRefund(PRICE, { amount: 1500n })
    expect(await tab.place(begin)).toMatchObject({ outcome: 'begun', amount: 1500n })
    const waiting = tab.place(toCharge(2n * PRICE, { request: 'GET /b' }))
    await tab.account().resolve(begin.id, stateOf({ balance: 3500n, totalClaimed: PRICE, block: 2n }), HASH)
    expect(await waiting).toMatchObject({ outcome: 'charged', state: { balance: 3500n } })
  })

  it.each([4001n, 0n, 1n << 120n])('of %s, which is not there to give, is refused', async (amount) => {
    const tab = await newTab({ balance: 5000n })
    await tab.charge()
    expect(reasonOf(await tab.place(toRefund(PRICE, { amount })))).toBe('refund_amount')
    expect(await tab.standing()).toMatchObject({ unresolved: null })
  })

  it('leaves a memory: after it, only vouchers above all that was ever charged are taken [A14]', async () => {
    const tab = await newTab({ balance: 5000n })
    const first = await tab.charge('GET /a')
    await tab.charge('GET /b')
    const begin = toRefund(2n * PRICE)
    await tab.place(begin)
    await tab.account().resolve(begin.id, stateOf({ balance: 2000n, totalClaimed: 2000n, block: 2n }))
    await tab.account().observe(stateOf({ balance: 9000n, totalClaimed: 2000n, block: 3n }))
    expect(reasonOf(await tab.place(toCharge(PRICE, { request: 'GET /c' })))).toBe('voucher_stale')
    expect(await tab.place(toCharge(first.order.max))).toMatchObject({
      outcome: 'replayed',
      entry: first.entry,
    })
    expect(await tab.place(toCharge(3n * PRICE, { request: 'GET /c' }))).toMatchObject({ outcome: 'charged' })
  })
})

describe('a withdrawal', () => {
  it('stops charges and deposits at once, but neither replays nor refunds', async () => {
    const tab = await newTab({ balance: 5000n })
    const paid = await tab.charge()
    const state = stateOf({
      balance: 5000n,
      withdrawRequestedAt: 1_700_000_000,
      withdrawAmount: 4000n,
      block: 2n,
    })
    await tab.account().observe(state)
    expect(reasonOf(await tab.place(toCharge(2n * PRICE, { request: 'GET /b' })))).toBe('withdrawal_pending')
    expect(reasonOf(await tab.place(toDeposit(2n * PRICE, { request: 'GET /b' })))).toBe('withdrawal_pending')
    expect(await tab.place(toCharge(PRICE))).toMatchObject({ outcome: 'replayed', entry: paid.entry })
    expect(await tab.place(toRefund(PRICE))).toMatchObject({ outcome: 'begun', amount: 4000n })
  })

  it('that was finalized lowers the ceiling below what is owed, and breaks nothing', async () => {
    const tab = await newTab({ balance: 5000n })
    const { entry, order } = await tab.charge()
    await tab.account().observe(stateOf({ balance: 0n, block: 2n }))
    expect(reasonOf(await tab.place(toCharge(2n * PRICE, { request: 'GET /b' })))).toBe('over_ceiling')
    expect(reasonOf(await tab.place(toRefund(PRICE)))).toBe('refund_empty')
    await tab.account().release(entry, order.id)
    expect(await tab.standing()).toMatchObject({ charged: 0n, authorized: PRICE })
  })
})

describe('the word of the chain', () => {
  it('of an older block changes nothing, and the same word again writes nothing', async () => {
    const tab = await newTab({ balance: 5000n, block: 10n })
    await tab.account().observe(stateOf({ balance: 1n, block: 9n }))
    await tab.account().observe(stateOf({ balance: 5000n, block: 11n }))
    expect((await tab.standing()).state.balance).toBe(5000n)
    expect(await tab.entries()).toHaveLength(1)
  })

  it('of a claim is journaled once, with what was redeemed by it', async () => {
    const tab = await newTab()
    await tab.charge('GET /a')
    await tab.charge('GET /b')
    await tab.account().observe(stateOf({ totalClaimed: 1200n, block: 2n }), HASH)
    await tab.account().observe(stateOf({ totalClaimed: 1200n, block: 3n }), HASH)
    const chain = (await tab.entries()).filter(({ kind }) => kind === 'chain')
    expect(chain).toMatchObject([{ amount: 1200n, redeemed: 1200n, transaction: HASH }])
  })

  it('of a claim that we never signed for leaves no voucher to show', async () => {
    const tab = await newTab()
    await tab.charge()
    const standing = await tab.account().observe(stateOf({ totalClaimed: 5000n, block: 2n }))
    expect(standing).toMatchObject({
      authorized: 5000n,
      charged: 5000n,
      redeemed: 5000n,
      credit: 4000n,
      signature: '0x',
    })
    const next = (await tab.place(toCharge(5000n + PRICE, { request: 'GET /b' }))) as Charged
    expect(next).toMatchObject({ outcome: 'charged', due: 0n, charged: 5000n })
    expect(await tab.standing()).toMatchObject({ credit: 3000n })
  })

  it('of more than was promised, taken back later, leaves what is owed claimable [F8, F9]', async () => {
    const tab = await newTab()
    const { order } = await tab.charge()
    await tab.account().observe(stateOf({ totalClaimed: 50n * PRICE, block: 2n }))
    await tab.restart()
    await tab.account().observe(stateOf({ block: 3n }))
    const owed = { authorized: PRICE, charged: PRICE, redeemed: 0n, credit: 0n }
    expect(await tab.standing()).toMatchObject({ ...owed, signature: order.signature })
    const next = await tab.charge('GET /b')
    expect(await tab.standing()).toMatchObject({ authorized: 2n * PRICE, signature: next.order.signature })
  })

  it('of what was claimed before the account was opened, taken back, leaves the next voucher claimable [F8]', async () => {
    const tab = await newTab({ totalClaimed: 5n * PRICE })
    await tab.account().observe(stateOf({ totalClaimed: 0n, block: 2n }))
    const { order } = await tab.charge()
    expect(await tab.standing()).toMatchObject({ authorized: 6n * PRICE, signature: order.signature })
  })

  it('sets a row aside and takes it back in, also across a sleep', async () => {
    const tab = await newTab()
    await tab.account().quarantine('ClaimExceedsBalance')
    await tab.account().quarantine('ClaimExceedsBalance')
    await tab.restart()
    expect(await tab.standing()).toMatchObject({ quarantine: 'ClaimExceedsBalance' })
    await tab.account().quarantine(null)
    expect(await tab.standing()).toMatchObject({ quarantine: null })
    expect((await tab.entries()).map(({ id }) => id).slice(1)).toEqual(['ClaimExceedsBalance', 'lifted'])
  })
})
