/** E1: the account's object dies at every point of every operation; the same order again finds out, and nothing is charged twice. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Answer, Standing } from '../../../src/ledger/channel/types.ts'
import { newTab, PRICE, stateOf, type Tab, toCharge, toDeposit, toRefund } from './harness.ts'

/** What befalls the object at a write. Until a write is durable the runtime holds back every answer. */
const DEATHS = [
  'dies before the write',
  'dies after the write, before it is durable',
  'dies once the write is durable',
  'has a disk that refuses',
  'is evicted',
  'answers, and the answer is lost',
] as const
type Death = (typeof DEATHS)[number]
const table = DEATHS.flatMap((death) => [1, 2].map((nth) => ({ death, nth })))

/** Calls while the object suffers `death` at its `nth` write. `undefined`: the outcome is unknown. */
async function dying<Value>(tab: Tab, { death, nth }: (typeof table)[number], call: () => Promise<Value>) {
  const fate = await doom(tab, death, nth)
  const evicted = death === 'is evicted' ? evictDurableObject(tab.account()).catch(() => undefined) : null
  const answer = await call().catch(() => undefined)
  await evicted
  await fate.met()
  return death === 'answers, and the answer is lost' ? undefined : answer
}

async function doom(tab: Tab, death: Death, nth: number): Promise<{ met(): Promise<void> }> {
  const fate = { lifted: false, awaited: false, met: false }
  await runInDurableObject(tab.account(), (_, state) => {
    const { storage } = state
    const write = storage.transactionSync.bind(storage)
    let writes = 0
    storage.transactionSync = (work) => {
      const doomed = ++writes === nth && !fate.lifted
      if (doomed && death === 'dies before the write') state.abort(death)
      if (doomed && death === 'has a disk that refuses') throw new Error(death)
      const value = write(work)
      if (doomed && death === 'dies after the write, before it is durable') state.abort(death)
      if (doomed && death === 'dies once the write is durable') {
        fate.awaited = true
        storage.sync().then(() => {
          fate.met = true
          state.abort(death)
        })
      }
      return value
    }
  })
  return {
    /** Until an object that is to die is dead. One that is not doomed yet will not be. */
    async met() {
      fate.lifted = true
      while (fate.awaited && !fate.met) await scheduler.wait(0)
    },
  }
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

describe('an account that dies [E1]', () => {
  it.each(table)('while it charges ($death, $nth) has charged once when asked again', async (when) => {
    const tab = await newTab()
    await tab.charge('GET /before')
    const order = toCharge(2n * PRICE)
    const first = await dying(tab, when, () => tab.place(order))
    const settled: Answer = first ?? (await tab.place(order))
    expect(settled).toMatchObject({ outcome: 'charged', due: PRICE, charged: 2n * PRICE })
    expect(await tab.place(order)).toMatchObject({ outcome: 'charged', due: PRICE })
    expect((await consistent(tab)).charged).toBe(2n * PRICE)
    expect((await tab.entries()).filter(({ id }) => id === order.id)).toHaveLength(1)
  })

  it.each(table)('while it releases ($death, $nth) has released once when asked again', async (when) => {
    const tab = await newTab()
    await tab.charge('GET /before')
    const { entry, order } = await tab.charge()
    const release = async () => tab.account().release(entry, order.id)
    await dying(tab, when, release)
    await release()
    await release()
    expect((await consistent(tab)).charged).toBe(PRICE)
  })

  it.each(table)('while it learns of a claim ($death, $nth) knows it once when told again', async (when) => {
    const tab = await newTab()
    await tab.charge()
    const observe = async () => tab.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
    await dying(tab, when, observe)
    expect(await observe()).toMatchObject({ redeemed: PRICE, charged: PRICE, credit: 0n })
    expect((await tab.entries()).filter(({ kind }) => kind === 'chain')).toHaveLength(1)
  })

  it.each(table)('while it is opened ($death, $nth) is opened once when asked again', async (when) => {
    const tab = await newTab({ open: false })
    const open = async () => tab.account().open(tab.id, tab.config, stateOf())
    await dying(tab, when, open)
    await open()
    expect((await tab.charge()).charged).toBe(PRICE)
    expect((await tab.entries()).map(({ kind }) => kind)).toEqual(['open', 'charge'])
  })

  it.each(table)('while a deposit is begun or closed ($death, $nth) comes to one charge', async (when) => {
    const tab = await newTab({ balance: 0n })
    const begin = toDeposit(PRICE)
    await dying(tab, when, () => tab.place(begin))
    expect(await tab.place(begin)).toMatchObject({ outcome: 'begun' })
    const state = stateOf({ balance: 5000n, block: 2n })
    const charge = toCharge(PRICE, { settled: { id: begin.id, state, transaction: '0xab' } })
    await dying(tab, when, () => tab.place(charge))
    expect(await tab.place(charge)).toMatchObject({ outcome: 'charged', transaction: '0xab' })
    expect(await consistent(tab)).toMatchObject({
      charged: PRICE,
      unresolved: null,
      state: { balance: 5000n },
    })
  })

  it.each(table)('while a refund is begun or closed ($death, $nth) comes to one refund', async (when) => {
    const tab = await newTab({ balance: 5000n })
    await tab.charge()
    const begin = toRefund(PRICE)
    await dying(tab, when, () => tab.place(begin))
    expect(await tab.place(begin)).toMatchObject({ outcome: 'begun', amount: 4000n })
    const state = stateOf({ balance: PRICE, totalClaimed: PRICE, refundNonce: 1n, block: 2n })
    const resolve = async () => tab.account().resolve(begin.id, state)
    await dying(tab, when, resolve)
    expect(await resolve()).toMatchObject({ redeemed: PRICE, unresolved: null, state: { balance: PRICE } })
    await consistent(tab)
  })
})

describe('what was acknowledged [I3]', () => {
  it.each(DEATHS)('survives when the account %s under many charges', async (death) => {
    const tab = await newTab()
    const orders = Array.from({ length: 20 }, (_, i) =>
      toCharge(BigInt(i + 1) * PRICE, { request: `GET /${i}`, id: `charge ${i}` }),
    )
    const halves = [orders.slice(0, 10), orders.slice(10)]
    const fate = await doom(tab, death, 2)
    const acknowledged = new Set<string>()
    for (const half of halves) {
      await Promise.all(
        half.map(async (order) => {
          const answer = await tab.place(order).catch(() => undefined)
          if (answer?.outcome === 'charged') acknowledged.add(order.id)
        }),
      )
    }
    await fate.met()
    const kept = new Set((await tab.entries()).map(({ id }) => id))
    expect([...acknowledged].filter((id) => !kept.has(id))).toEqual([])
    for (const order of orders) expect(await tab.place(order)).toMatchObject({ outcome: 'charged' })
    expect((await consistent(tab)).charged).toBe(20n * PRICE)
  })
})
