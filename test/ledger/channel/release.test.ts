import { describe, expect, it } from 'vitest'
import type { Charged } from '../../../src/ledger/channel/types.ts'
import { REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'
import { newTab, PRICE, reasonOf, stateOf, toCharge } from './harness.ts'

describe('a release', () => {
  it('takes the charge back, and the same voucher buys anew', async () => {
    const tab = await newTab()
    const { entry, order } = await tab.charge()
    await tab.account().release(entry, order.id)
    expect(await tab.standing()).toMatchObject({ charged: 0n, authorized: PRICE, credit: 0n })
    expect(await tab.place(toCharge(PRICE))).toMatchObject({ outcome: 'charged', due: PRICE })
  })

  it('of one charge among later ones lowers what is due next', async () => {
    const tab = await newTab()
    const { entry, order } = await tab.charge('GET /a')
    await tab.charge('GET /b')
    await tab.account().release(entry, order.id)
    expect(reasonOf(await tab.place(toCharge(3n * PRICE, { request: 'GET /c' })))).toBe('voucher_stale')
    const last = await tab.place(toCharge(2n * PRICE, { request: 'GET /c' }))
    expect(last).toMatchObject({ outcome: 'charged', charged: 2n * PRICE })
  })

  it('of several lowers what is due below what was promised, whose voucher is kept for the claim', async () => {
    const tab = await newTab()
    const [a, b, c] = [await tab.charge('GET /a'), await tab.charge('GET /b'), await tab.charge('GET /c')]
    await tab.account().release(a.entry, a.order.id)
    await tab.account().release(b.entry, b.order.id)
    await tab.charge('GET /d')
    expect(await tab.standing()).toMatchObject({
      authorized: 3n * PRICE,
      charged: 2n * PRICE,
      signature: c.order.signature,
    })
  })

  it('asked for again, or by a stranger, changes nothing', async () => {
    const tab = await newTab()
    await tab.charge('GET /before')
    const { entry, order } = await tab.charge()
    await tab.account().release(entry, 'a stranger')
    expect(await tab.standing()).toMatchObject({ charged: 2n * PRICE })
    await Promise.all([1, 2, 3].map(() => tab.account().release(entry, order.id)))
    await tab.account().release(entry, order.id)
    await tab.restart()
    await tab.account().release(entry, order.id)
    expect(await tab.standing()).toMatchObject({ charged: PRICE })
  })

  it('asked for twice while other charges are being written takes back once [E3]', async () => {
    const tab = await newTab()
    await tab.charge('GET /before')
    const { entry, order } = await tab.charge()
    const account = tab.account()
    const other = account.place(toCharge(3n * PRICE, { request: 'GET /c' }))
    await Promise.all([other, account.release(entry, order.id), account.release(entry, order.id)])
    expect(await tab.standing()).toMatchObject({ charged: 2n * PRICE })
  })

  it('of what is no charge changes nothing', async () => {
    const tab = await newTab()
    await tab.charge()
    for (const seq of [0, 1, 99]) await tab.account().release(seq, tab.id)
    expect(await tab.standing()).toMatchObject({ charged: PRICE })
  })

  it.each(['awake', 'asleep', 'too late to remember'])(
    'of one of two deliveries leaves the charge standing, of both takes it back (%s)',
    async (when) => {
      const tab = await newTab()
      const { entry, order } = await tab.charge()
      const second = toCharge(PRICE)
      expect(await tab.place(second)).toMatchObject({ outcome: 'replayed' })
      const pause = async () => {
        if (when === 'too late to remember') await tab.sql(`UPDATE entry SET at = at - ${REPLAY_WINDOW_MS}`)
        if (when !== 'awake') await tab.restart()
      }
      await pause()
      await tab.account().release(entry, second.id)
      expect(await tab.standing()).toMatchObject({ charged: PRICE })
      await pause()
      await tab.account().release(entry, second.id)
      expect(await tab.standing()).toMatchObject({ charged: PRICE })
      await tab.account().release(entry, order.id)
      expect(await tab.standing()).toMatchObject({ charged: 0n })
    },
  )
})

describe('a credit', () => {
  it('comes of a release after the charge was redeemed, and pays for the next charge', async () => {
    const tab = await newTab()
    const { entry, order } = await tab.charge('GET /a')
    await tab.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
    await tab.account().release(entry, order.id)
    expect(await tab.standing()).toMatchObject({ charged: PRICE, redeemed: PRICE, credit: PRICE })

    const next = await tab.charge('GET /b', { price: PRICE })
    expect(next).toMatchObject({ outcome: 'charged', due: 0n, charged: PRICE })
    expect(await tab.standing()).toMatchObject({ authorized: 2n * PRICE, charged: PRICE, credit: 0n })
    expect(await tab.charge('GET /c')).toMatchObject({ due: PRICE, charged: 2n * PRICE })
  })

  it('that does not cover the price pays its part', async () => {
    const tab = await newTab()
    const { entry, order } = await tab.charge('GET /a')
    await tab.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
    await tab.account().release(entry, order.id)
    const dear = toCharge(PRICE + 2500n, { price: 2500n, request: 'GET /b' })
    expect(await tab.place(dear)).toMatchObject({ due: 1500n, charged: 2500n })
  })

  it('is given back when the charge that it paid for is released', async () => {
    const tab = await newTab()
    const { entry, order } = await tab.charge('GET /a')
    await tab.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
    await tab.account().release(entry, order.id)
    const spent = (await tab.place(toCharge(2n * PRICE, { request: 'GET /b', id: 'b' }))) as Charged
    expect(spent.due).toBe(0n)
    await tab.account().release(spent.entry, 'b')
    expect(await tab.standing()).toMatchObject({ charged: PRICE, credit: PRICE })

    const dear = toCharge(PRICE + 2500n, { price: 2500n, request: 'GET /c', id: 'c' })
    const partly = (await tab.place(dear)) as Charged
    await tab.restart()
    await tab.account().release(partly.entry, 'c')
    expect(await tab.standing()).toMatchObject({ charged: PRICE, redeemed: PRICE, credit: PRICE })
  })

  it('comes too of a release that overtook its claim', async () => {
    const tab = await newTab()
    const { entry, order } = await tab.charge()
    await tab.account().release(entry, order.id)
    await tab.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
    expect(await tab.standing()).toMatchObject({ charged: PRICE, redeemed: PRICE, credit: PRICE })
  })
})
