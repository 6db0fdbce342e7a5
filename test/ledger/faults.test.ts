/** E1: the account's object dies at every point of every operation; the same order again finds out, and nothing is charged twice. */
import { abortAllDurableObjects, evictDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Answer, Order, Standing } from '../../src/ledger/standing.ts'
import { newTab, PRICE, stateOf, type Tab, toCharge, toDeposit, toRefund } from './rig.ts'

/** Where in the life of a call its object dies: before it, so many turns of the event loop into it, after it. */
const POINTS = [0, 1, 2, 3, 4, 6, 8, 12, 20, 40]
const DEATHS = ['abort', 'evict'] as const
const table = DEATHS.flatMap((death) => POINTS.map((point) => ({ death, point })))

async function die(tab: Tab, death: (typeof DEATHS)[number], point: number): Promise<void> {
  for (let turn = 0; turn < point; turn++) await Promise.resolve()
  if (point > 8) await scheduler.wait(point / 20)
  if (death === 'abort') await abortAllDurableObjects()
  else await evictDurableObject(tab.account()).catch(() => undefined)
}

/** The answer, or `undefined` when the object died under the call: the outcome is unknown. */
async function tryOnce<Value>(call: () => Promise<Value>): Promise<Value | undefined> {
  return call().catch(() => undefined)
}

async function placeDying(tab: Tab, order: Order, { death, point }: (typeof table)[number]) {
  const [answer] = await Promise.all([tryOnce(() => tab.place(order)), die(tab, death, point)])
  return answer
}

/** Every figure must be in the journal's last line, and every line must follow from the one before. */
async function consistent(tab: Tab): Promise<Standing> {
  const [standing, entries] = [await tab.standing(), await tab.entries()]
  const { authorized, charged, redeemed, credit } = standing
  expect(entries.at(-1)).toMatchObject({ authorized, charged, redeemed, credit })
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
  const delivered = entries.reduce((sum, { kind, amount }) => {
    if (kind === 'charge') return sum + amount
    return kind === 'release' ? sum - amount : sum
  }, 0n)
  expect(charged - credit).toBe(delivered)
  return standing
}

describe('E1: an account that dies', () => {
  it.each(table)('while it charges ($death at $point) has charged once when asked again', async (when) => {
    const tab = await newTab()
    await tab.charge('GET /before')
    const order = toCharge(2n * PRICE)
    const first = await placeDying(tab, order, when)
    const settled: Answer = first ?? (await tab.place(order))
    expect(settled).toMatchObject({ outcome: 'charged', due: PRICE, standing: { charged: 2n * PRICE } })
    expect(await tab.place(order)).toMatchObject({ outcome: 'charged', due: PRICE })
    expect((await consistent(tab)).charged).toBe(2n * PRICE)
    expect((await tab.entries()).filter(({ id }) => id === order.id)).toHaveLength(1)
  })

  it.each(table)('while it releases ($death at $point) has released once when asked again', async (when) => {
    const tab = await newTab()
    await tab.charge('GET /before')
    const { entry, order } = await tab.charge()
    const release = async () => tab.account().release(entry, order.id)
    await Promise.all([tryOnce(release), die(tab, when.death, when.point)])
    await release()
    await release()
    expect((await consistent(tab)).charged).toBe(PRICE)
  })

  it.each(table)(
    'while it learns of a claim ($death at $point) knows it once when told again',
    async (when) => {
      const tab = await newTab()
      await tab.charge()
      const observe = async () => tab.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
      await Promise.all([tryOnce(observe), die(tab, when.death, when.point)])
      expect(await observe()).toMatchObject({ redeemed: PRICE, charged: PRICE, credit: 0n })
      expect((await tab.entries()).filter(({ kind }) => kind === 'chain')).toHaveLength(1)
    },
  )

  it.each(table)('while it is opened ($death at $point) is opened once when asked again', async (when) => {
    const tab = await newTab({ open: false })
    const open = async () => tab.account().open(tab.id, tab.config, stateOf())
    await Promise.all([tryOnce(open), die(tab, when.death, when.point)])
    await open()
    expect((await tab.charge()).standing.charged).toBe(PRICE)
    expect((await tab.entries()).map(({ kind }) => kind)).toEqual(['open', 'charge'])
  })

  it.each(table)(
    'while a deposit is begun or closed ($death at $point) comes to one charge',
    async (when) => {
      const tab = await newTab({ balance: 0n })
      const begin = toDeposit(PRICE)
      await placeDying(tab, begin, when)
      expect(await tab.place(begin)).toMatchObject({ outcome: 'begun' })
      const state = stateOf({ balance: 5000n, block: 2n })
      const charge = toCharge(PRICE, { settled: { id: begin.id, state, transaction: '0xab' } })
      await placeDying(tab, charge, when)
      expect(await tab.place(charge)).toMatchObject({ outcome: 'charged', transaction: '0xab' })
      expect(await consistent(tab)).toMatchObject({
        charged: PRICE,
        unresolved: null,
        state: { balance: 5000n },
      })
    },
  )

  it.each(table)('while a refund is begun or closed ($death at $point) comes to one refund', async (when) => {
    const tab = await newTab({ balance: 5000n })
    await tab.charge()
    const begin = toRefund(PRICE)
    await placeDying(tab, begin, when)
    expect(await tab.place(begin)).toMatchObject({ outcome: 'begun', amount: 4000n })
    const state = stateOf({ balance: PRICE, totalClaimed: PRICE, refundNonce: 1n, block: 2n })
    const resolve = async () => tab.account().resolve(begin.id, state)
    await Promise.all([tryOnce(resolve), die(tab, when.death, when.point)])
    expect(await resolve()).toMatchObject({ redeemed: PRICE, unresolved: null, state: { balance: PRICE } })
    await consistent(tab)
  })
})

describe('I3: what was acknowledged', () => {
  it('survives: of many charges under way when the account dies, the answered ones are in the journal', async () => {
    for (const point of POINTS) {
      const tab = await newTab()
      const orders = Array.from({ length: 20 }, (_, i) =>
        toCharge(BigInt(i + 1) * PRICE, { request: `GET /${i}`, id: `charge ${i}` }),
      )
      const calls = orders.map((order) => tryOnce(() => tab.place(order)))
      const [answers] = await Promise.all([Promise.all(calls), die(tab, 'abort', point)])
      const kept = new Set((await tab.entries()).map(({ id }) => id))
      const acknowledged = orders.filter((_, i) => answers[i]?.outcome === 'charged')
      expect(acknowledged.filter(({ id }) => !kept.has(id))).toEqual([])
      for (const order of orders) expect(await tab.place(order)).toMatchObject({ outcome: 'charged' })
      expect((await consistent(tab)).charged).toBe(20n * PRICE)
    }
  })
})
