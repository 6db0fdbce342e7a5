/** A refund that a reorganization has undone: the relayer sends it again, and its amount must stay in escrow until then. */
import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import {
  type OpenChannel,
  openChannel,
  PRICE,
  reasonOf,
  stateOf,
  toCharge,
  toDeposit,
  toRefund,
} from './harness.ts'

const HASH = `0x${'cc'.repeat(32)}` as const
const AFTER = { balance: PRICE, totalClaimed: PRICE, refundNonce: 1n }
const BEFORE = { balance: 5n * PRICE, totalClaimed: 0n, refundNonce: 0n }

/** A channel whose refund of all that was left is mined in block 2. */
async function refunded() {
  const channel = await openChannel({ balance: 5n * PRICE })
  await channel.charge()
  const { id } = await refundOf(channel)
  return { ...channel, refund: id }
}

async function refundOf(channel: OpenChannel, state = AFTER) {
  const order = toRefund(PRICE)
  await channel.place(order)
  await channel.account().resolve(order.id, stateOf({ ...state, block: 2n }), HASH)
  return order
}

const next = () => toCharge(2n * PRICE, { request: 'GET /b' })

describe('Account whose refund a reorganization has undone', () => {
  it('takes no voucher over the amount that is about to leave, also across a restart [F18, I6]', async () => {
    const channel = await refunded()
    await channel.account().observe(stateOf({ ...BEFORE, block: 3n }))
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
    await channel.restart()
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
    expect(await channel.standing()).toMatchObject({
      charged: PRICE,
      unresolved: { kind: 'refund', id: channel.refund, refundNonce: '1' },
    })
  })

  it('takes none either when that comes before the end of the refund is on disk [F18, I6]', async () => {
    const channel = await openChannel({ balance: 5n * PRICE })
    await channel.charge()
    const order = toRefund(PRICE)
    await channel.place(order)
    await Promise.all([
      channel.account().resolve(order.id, stateOf({ ...AFTER, block: 2n }), HASH),
      channel.account().observe(stateOf({ ...BEFORE, block: 3n })),
    ])
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
  })

  it('stays so while the chain lacks the refund that the relayer calls mined [F18]', async () => {
    const channel = await refunded()
    await channel.account().observe(stateOf({ ...BEFORE, block: 3n }))
    await channel.account().resolve(channel.refund, stateOf({ ...BEFORE, block: 4n }), HASH)
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
  })

  it('takes vouchers again up to the balance after the refund, once the chain has that again [F18]', async () => {
    const channel = await refunded()
    await channel.account().observe(stateOf({ ...BEFORE, block: 3n }))
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
    await channel.account().observe(stateOf({ ...AFTER, balance: 2n * PRICE, block: 5n }))
    expect(await channel.standing()).toMatchObject({ unresolved: null })
    expect(await channel.place(next())).toMatchObject({ outcome: 'charged', due: PRICE })
    expect(reasonOf(await channel.place(toCharge(3n * PRICE, { request: 'GET /c' })))).toBe('over_ceiling')
  })

  it('takes vouchers again when the refund can no longer be mined [F18]', async () => {
    const channel = await refunded()
    await channel.account().observe(stateOf({ ...BEFORE, block: 3n }))
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
    await channel.account().resolve(channel.refund, null)
    expect(await channel.place(next())).toMatchObject({ outcome: 'charged', due: PRICE })
  })

  it('waits for the last of two refunds that were undone [F18]', async () => {
    const channel = await openChannel({ balance: 9n * PRICE })
    await channel.charge()
    const last = { balance: 5n * PRICE, totalClaimed: PRICE, refundNonce: 2n }
    for (const [amount, state] of [
      [2n * PRICE, { ...last, balance: 7n * PRICE, refundNonce: 1n, block: 2n }],
      [2n * PRICE, { ...last, block: 3n }],
    ] as const) {
      const order = toRefund(PRICE, { amount })
      await channel.place(order)
      await channel.account().resolve(order.id, stateOf(state), HASH)
    }
    await channel.account().observe(stateOf({ ...BEFORE, balance: 9n * PRICE, block: 4n }))
    const { unresolved } = await channel.standing()
    const id = unresolved?.id ?? ''
    await channel
      .account()
      .resolve(id, stateOf({ ...last, balance: 7n * PRICE, refundNonce: 1n, block: 5n }), HASH)
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
    await channel.account().resolve(id, stateOf({ ...last, block: 6n }), HASH)
    expect(await channel.place(next())).toMatchObject({ outcome: 'charged', due: PRICE })
  })

  it('waits for it after a deposit that was open meanwhile and was never sent [F18]', async () => {
    const channel = await refunded()
    const deposit = toDeposit(2n * PRICE)
    await channel.place(deposit)
    await channel.account().observe(stateOf({ ...BEFORE, block: 3n }))
    expect(await channel.standing()).toMatchObject({ unresolved: { kind: 'deposit', id: deposit.id } })
    await channel.account().resolve(deposit.id, null)
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
    await channel.account().resolve(channel.refund, stateOf({ ...AFTER, block: 5n }), HASH)
    expect(await channel.standing()).toMatchObject({ unresolved: null })
  })

  it('waits for no refund after a deposit that was mined after it [F18]', async () => {
    const channel = await refunded()
    const deposit = toDeposit(2n * PRICE)
    await channel.place(deposit)
    await channel.account().observe(stateOf({ ...BEFORE, block: 3n }))
    await channel.account().resolve(deposit.id, stateOf({ ...AFTER, balance: 6n * PRICE, block: 5n }), HASH)
    expect(await channel.place(next())).toMatchObject({ outcome: 'charged', due: PRICE })
  })

  it('stays so when a late request brings the state from before the reorganization [F18]', async () => {
    const channel = await refunded()
    await channel.account().observe(stateOf({ ...BEFORE, block: 3n }))
    await channel.account().resolve(channel.refund, stateOf({ ...AFTER, block: 2n }), HASH)
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
  })

  it('takes no voucher when the first state after the refund lacks it [F18, I6]', async () => {
    const channel = await openChannel({ balance: 5n * PRICE })
    await channel.charge()
    const { id } = await refundOf(channel, BEFORE)
    expect(await channel.standing()).toMatchObject({ unresolved: { id } })
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
  })

  it('waits no longer than a block takes to be final: a node may have named a false nonce [F9]', async () => {
    const channel = await refunded()
    await channel.account().observe(stateOf({ ...AFTER, balance: 9n * PRICE, refundNonce: 5n, block: 3n }))
    const truth = { ...AFTER, balance: 9n * PRICE }
    await channel.account().observe(stateOf({ ...truth, block: 4n }))
    expect(reasonOf(await channel.place(next()))).toBe('channel_busy')
    await runInDurableObject(channel.account(), (_, { storage }) => {
      const since = `json_extract(unresolved, '$.since') - 1200000`
      storage.sql.exec(`UPDATE standing SET unresolved = json_set(unresolved, '$.since', ${since})`)
    })
    await channel.restart()
    await channel.account().resolve(channel.refund, stateOf({ ...truth, block: 5n }), HASH)
    expect(await channel.place(next())).toMatchObject({ outcome: 'charged', due: PRICE })
  })

  it('waits for nothing once the operator has said that the state before was false [F9]', async () => {
    const channel = await refunded()
    const truth = { ...AFTER, balance: 9n * PRICE }
    await channel.account().observe(stateOf({ ...truth, refundNonce: 5n, block: 3n }))
    await channel.account().observe(stateOf({ ...truth, block: 4n }))
    await channel.account().observe(stateOf({ ...truth, block: 4n }), null, true)
    expect(await channel.place(next())).toMatchObject({ outcome: 'charged', due: PRICE })
  })

  it('names nothing for refunds from before its ledger', async () => {
    const channel = await openChannel({ refundNonce: 2n })
    await channel.account().observe(stateOf({ refundNonce: 1n, block: 3n }))
    expect(await channel.standing()).toMatchObject({ unresolved: null })
  })
})
