/** E1: the account's object aborts at every point of every operation. Repeating the order returns the outcome and charges once. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Answer, Standing } from '../../../src/ledger/channel/types.ts'
import { type OpenChannel, openChannel, PRICE, stateOf, toCharge, toDeposit, toRefund } from './harness.ts'

/** Failures injected at a write. Until a write is durable the runtime holds back every answer. */
const FAILURES = [
  'aborts before the write',
  'aborts after the write, before it is durable',
  'aborts once the write is durable',
  'fails to write',
  'is evicted',
  'answers, but the answer is lost',
] as const
type Failure = (typeof FAILURES)[number]
const table = FAILURES.flatMap((failure) => [1, 2].map((nth) => ({ failure, nth })))

/** Calls while the object's `nth` write meets `failure`. `undefined`: the outcome is unknown. */
async function withFailure<Value>(
  channel: OpenChannel,
  { failure, nth }: (typeof table)[number],
  call: () => Promise<Value>,
) {
  const injected = await injectFailure(channel, failure, nth)
  const evicted =
    failure === 'is evicted' ? evictDurableObject(channel.account()).catch(() => undefined) : null
  const answer = await call().catch(() => undefined)
  await evicted
  await injected.met()
  return failure === 'answers, but the answer is lost' ? undefined : answer
}

async function injectFailure(
  channel: OpenChannel,
  failure: Failure,
  nth: number,
): Promise<{ met(): Promise<void> }> {
  const injected = { lifted: false, awaited: false, met: false }
  await runInDurableObject(channel.account(), (_, state) => {
    const { storage } = state
    const write = storage.transactionSync.bind(storage)
    let writes = 0
    storage.transactionSync = (work) => {
      const failing = ++writes === nth && !injected.lifted
      if (failing && failure === 'aborts before the write') state.abort(failure)
      if (failing && failure === 'fails to write') throw new Error(failure)
      const value = write(work)
      if (failing && failure === 'aborts after the write, before it is durable') state.abort(failure)
      if (failing && failure === 'aborts once the write is durable') {
        injected.awaited = true
        storage.sync().then(() => {
          injected.met = true
          state.abort(failure)
        })
      }
      return value
    }
  })
  return {
    /** Waits until a pending abort has happened. Disarms a failure that was not reached. */
    async met() {
      injected.lifted = true
      while (injected.awaited && !injected.met) await scheduler.wait(0)
    },
  }
}

/** Checks that the journal's last entry has every figure, and that each entry follows from the one before. */
async function consistent(channel: OpenChannel): Promise<Standing> {
  const [standing, entries] = [await channel.standing(), await channel.entries()]
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

describe('Account under an injected failure', () => {
  it.each(table)('charges once when the order is repeated ($failure, write $nth) [E1]', async (when) => {
    const channel = await openChannel()
    await channel.charge('GET /before')
    const order = toCharge(2n * PRICE)
    const first = await withFailure(channel, when, () => channel.place(order))
    const settled: Answer = first ?? (await channel.place(order))
    expect(settled).toMatchObject({ outcome: 'charged', due: PRICE, charged: 2n * PRICE })
    expect(await channel.place(order)).toMatchObject({ outcome: 'charged', due: PRICE })
    expect((await consistent(channel)).charged).toBe(2n * PRICE)
    expect((await channel.entries()).filter(({ id }) => id === order.id)).toHaveLength(1)
  })

  it.each(table)('releases once when the release is repeated ($failure, write $nth) [E1]', async (when) => {
    const channel = await openChannel()
    await channel.charge('GET /before')
    const { entry, order } = await channel.charge()
    const release = async () => channel.account().release(entry, order.id)
    await withFailure(channel, when, release)
    await release()
    await release()
    expect((await consistent(channel)).charged).toBe(PRICE)
  })

  it.each(table)(
    'journals a claim once when it is observed again ($failure, write $nth) [E1]',
    async (when) => {
      const channel = await openChannel()
      await channel.charge()
      const observe = async () => channel.account().observe(stateOf({ totalClaimed: PRICE, block: 2n }))
      await withFailure(channel, when, observe)
      expect(await observe()).toMatchObject({ redeemed: PRICE, charged: PRICE, credit: 0n })
      expect((await channel.entries()).filter(({ kind }) => kind === 'chain')).toHaveLength(1)
    },
  )

  it.each(table)('opens once when opening is repeated ($failure, write $nth) [E1]', async (when) => {
    const channel = await openChannel({ open: false })
    const open = async () => channel.account().open(channel.id, channel.config, stateOf())
    await withFailure(channel, when, open)
    await open()
    expect((await channel.charge()).charged).toBe(PRICE)
    expect((await channel.entries()).map(({ kind }) => kind)).toEqual(['open', 'charge'])
  })

  it.each(table)(
    'charges once when a deposit is begun or closed twice ($failure, write $nth) [E1]',
    async (when) => {
      const channel = await openChannel({ balance: 0n })
      const begin = toDeposit(PRICE)
      await withFailure(channel, when, () => channel.place(begin))
      expect(await channel.place(begin)).toMatchObject({ outcome: 'begun' })
      const state = stateOf({ balance: 5000n, block: 2n })
      const charge = toCharge(PRICE, { settled: { id: begin.id, state, transaction: '0xab' } })
      await withFailure(channel, when, () => channel.place(charge))
      expect(await channel.place(charge)).toMatchObject({ outcome: 'charged', transaction: '0xab' })
      expect(await consistent(channel)).toMatchObject({
        charged: PRICE,
        unresolved: null,
        state: { balance: 5000n },
      })
    },
  )

  it.each(table)(
    'refunds once when a refund is begun or closed twice ($failure, write $nth) [E1]',
    async (when) => {
      const channel = await openChannel({ balance: 5000n })
      await channel.charge()
      const begin = toRefund(PRICE)
      await withFailure(channel, when, () => channel.place(begin))
      expect(await channel.place(begin)).toMatchObject({ outcome: 'begun', amount: 4000n })
      const state = stateOf({ balance: PRICE, totalClaimed: PRICE, refundNonce: 1n, block: 2n })
      const resolve = async () => channel.account().resolve(begin.id, state)
      await withFailure(channel, when, resolve)
      expect(await resolve()).toMatchObject({ redeemed: PRICE, unresolved: null, state: { balance: PRICE } })
      await consistent(channel)
    },
  )
})

describe('Account journal', () => {
  // Each corrected voucher waits a second for its retry; the cases share nothing, so they wait together.
  it.concurrent.each(FAILURES)(
    'keeps every acknowledged charge when the account %s under load [I3]',
    async (failure) => {
      const channel = await openChannel()
      const orders = Array.from({ length: 20 }, (_, i) =>
        toCharge(BigInt(i + 1) * PRICE, { request: `GET /${i}`, id: `charge ${i}` }),
      )
      const halves = [orders.slice(0, 10), orders.slice(10)]
      const injected = await injectFailure(channel, failure, 2)
      const acknowledged = new Set<string>()
      for (const half of halves) {
        await Promise.all(
          half.map(async (order) => {
            const answer = await channel.place(order).catch(() => undefined)
            if (answer?.outcome === 'charged') acknowledged.add(order.id)
          }),
        )
      }
      await injected.met()
      const kept = new Set((await channel.entries()).map(({ id }) => id))
      expect([...acknowledged].filter((id) => !kept.has(id))).toEqual([])
      for (const order of orders) expect(await channel.place(order)).toMatchObject({ outcome: 'charged' })
      expect((await consistent(channel)).charged).toBe(20n * PRICE)
    },
  )
})
