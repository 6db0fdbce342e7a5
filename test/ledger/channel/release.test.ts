import { describe, expect, it } from 'vitest'
import type { Charged } from '../../../src/ledger/channel/types.ts'
import { REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'
import { openChannel, PRICE, reasonOf, stateOf, toCharge } from './harness.ts'

describe('Account.release', () => {
  it('takes the charge back and lets the same voucher buy again', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge()
    await channel.account().release(entry, order.id)
    expect(await channel.standing()).toMatchObject({ charged: 0n, authorized: PRICE, credit: 0n })
    expect(await channel.place(toCharge(PRICE))).toMatchObject({ outcome: 'charged', due: PRICE })
  })

  it.each(['in memory', 'after a restart'])(
    'takes back no more than a lowered charge is over (%s)',
    async (how) => {
      const channel = await openChannel()
      await channel.charge('GET /before')
      const { entry, order } = await channel.charge('GET /lowered')
      const lowered = await channel.account().lower(entry, order.id, 300n)
      expect(lowered).toMatchObject({ due: 300n, charged: PRICE + 300n })
      if (how === 'after a restart') await channel.restart()
      expect(await channel.place({ ...order, id: 'again' })).toMatchObject({
        outcome: 'replayed',
        due: 300n,
        charged: PRICE + 300n,
      })
      expect(await channel.account().lower(entry, order.id, 100n)).toMatchObject({ due: 300n })
      await channel.account().release(entry, 'again')
      await channel.account().release(entry, order.id)
      expect(await channel.standing()).toMatchObject({ charged: PRICE, credit: 0n })
      expect((await channel.entries()).at(-1)).toMatchObject({ kind: 'release', amount: 300n })
    },
  )

  it('takes back the lowered price of a charge that was claimed meanwhile', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge()
    await channel.account().observe(stateOf({ totalClaimed: PRICE }))
    await channel.account().lower(entry, order.id, 300n)
    await channel.account().release(entry, order.id)
    expect(await channel.standing()).toMatchObject({ charged: PRICE, redeemed: PRICE, credit: PRICE })
  })

  it('lowers the next amount due when an earlier charge is released', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge('GET /a')
    await channel.charge('GET /b')
    await channel.account().release(entry, order.id)
    expect(reasonOf(await channel.place(toCharge(3n * PRICE, { request: 'GET /c' })))).toBe('voucher_stale')
    const last = await channel.place(toCharge(2n * PRICE, { request: 'GET /c' }))
    expect(last).toMatchObject({ outcome: 'charged', charged: 2n * PRICE })
  })

  it('keeps the highest voucher for the claim when several charges are released', async () => {
    const channel = await openChannel()
    const [a, b, c] = [
      await channel.charge('GET /a'),
      await channel.charge('GET /b'),
      await channel.charge('GET /c'),
    ]
    await channel.account().release(a.entry, a.order.id)
    await channel.account().release(b.entry, b.order.id)
    await channel.charge('GET /d')
    expect(await channel.standing()).toMatchObject({
      authorized: 3n * PRICE,
      charged: 2n * PRICE,
      signature: c.order.signature,
    })
  })

  it('changes nothing when repeated or called for an unknown delivery', async () => {
    const channel = await openChannel()
    await channel.charge('GET /before')
    const { entry, order } = await channel.charge()
    await channel.account().release(entry, 'unknown')
    expect(await channel.standing()).toMatchObject({ charged: 2n * PRICE })
    await Promise.all([1, 2, 3].map(() => channel.account().release(entry, order.id)))
    await channel.account().release(entry, order.id)
    await channel.restart()
    await channel.account().release(entry, order.id)
    expect(await channel.standing()).toMatchObject({ charged: PRICE })
  })

  it('releases once when called twice during the write of another charge [E3]', async () => {
    const channel = await openChannel()
    await channel.charge('GET /before')
    const { entry, order } = await channel.charge()
    const account = channel.account()
    const other = account.place(toCharge(3n * PRICE, { request: 'GET /c' }))
    await Promise.all([other, account.release(entry, order.id), account.release(entry, order.id)])
    expect(await channel.standing()).toMatchObject({ charged: 2n * PRICE })
  })

  it('changes nothing for an entry other than a charge', async () => {
    const channel = await openChannel()
    await channel.charge()
    for (const seq of [0, 1, 99]) await channel.account().release(seq, channel.id)
    expect(await channel.standing()).toMatchObject({ charged: PRICE })
  })

  it.each(['running', 'restarted', 'restarted after the window'])(
    'takes the charge back only after both deliveries failed (account %s)',
    async (when) => {
      const channel = await openChannel()
      const { entry, order } = await channel.charge()
      const second = toCharge(PRICE)
      expect(await channel.place(second)).toMatchObject({ outcome: 'replayed' })
      const pause = async () => {
        if (when === 'restarted after the window')
          await channel.sql(`UPDATE entry SET at = at - ${REPLAY_WINDOW_MS}`)
        if (when !== 'running') await channel.restart()
      }
      await pause()
      await channel.account().release(entry, second.id)
      expect(await channel.standing()).toMatchObject({ charged: PRICE })
      await pause()
      await channel.account().release(entry, second.id)
      expect(await channel.standing()).toMatchObject({ charged: PRICE })
      await channel.account().release(entry, order.id)
      expect(await channel.standing()).toMatchObject({ charged: 0n })
    },
  )
})

describe('Account balance', () => {
  it('grows when a redeemed charge is released, and pays for the next charge', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge('GET /a')
    await channel.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
    await channel.account().release(entry, order.id)
    expect(await channel.standing()).toMatchObject({ charged: PRICE, redeemed: PRICE, credit: PRICE })

    const next = await channel.charge('GET /b', { price: PRICE })
    expect(next).toMatchObject({ outcome: 'charged', due: 0n, charged: PRICE })
    expect(await channel.standing()).toMatchObject({ authorized: 2n * PRICE, charged: PRICE, credit: 0n })
    expect(await channel.charge('GET /c')).toMatchObject({ due: PRICE, charged: 2n * PRICE })
  })

  it('pays a part of a price it does not cover', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge('GET /a')
    await channel.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
    await channel.account().release(entry, order.id)
    const dear = toCharge(PRICE + 2500n, { price: 2500n, request: 'GET /b' })
    expect(await channel.place(dear)).toMatchObject({ due: 1500n, charged: 2500n })
  })

  it('is restored when the charge it paid for is released', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge('GET /a')
    await channel.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
    await channel.account().release(entry, order.id)
    const spent = (await channel.place(toCharge(2n * PRICE, { request: 'GET /b', id: 'b' }))) as Charged
    expect(spent.due).toBe(0n)
    await channel.account().release(spent.entry, 'b')
    expect(await channel.standing()).toMatchObject({ charged: PRICE, credit: PRICE })

    const dear = toCharge(PRICE + 2500n, { price: 2500n, request: 'GET /c', id: 'c' })
    const partly = (await channel.place(dear)) as Charged
    await channel.restart()
    await channel.account().release(partly.entry, 'c')
    expect(await channel.standing()).toMatchObject({ charged: PRICE, redeemed: PRICE, credit: PRICE })
  })

  it('grows when a claim is observed after its charge was released', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge()
    await channel.account().release(entry, order.id)
    await channel.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
    expect(await channel.standing()).toMatchObject({ charged: PRICE, redeemed: PRICE, credit: PRICE })
  })
})
