import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { listings } from '../../../src/ledger/book/accounts.ts'
import type { Answer, Charged } from '../../../src/ledger/channel/types.ts'
import { MAX_DELIVERIES, REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'
import { rowsWritten } from '../rows.ts'
import { configOf, newTab, PRICE, reasonOf, stateOf, toCharge } from './harness.ts'

describe('an account', () => {
  it('that was never opened answers that it is unknown, and holds no rows [H1]', async () => {
    const tab = await newTab({ open: false })
    expect(await tab.place(toCharge(PRICE))).toMatchObject({ reason: 'channel_unknown', standing: null })
    expect(await tab.account().standing()).toBeNull()
    expect(await tab.entries()).toEqual([])
    await tab.account().release(1, 'nobody')
    await tab.account().quarantine('nothing')
    expect(await tab.sql('SELECT name FROM sqlite_master')).toEqual([])
  })

  it('is listed in the book before it is opened', async () => {
    const tab = await newTab()
    expect(await listings(env.BOOK, '', 1000)).toContainEqual(
      expect.objectContaining({ id: tab.id, kind: 'channel', payer: tab.config.payer }),
    )
  })

  it('is not opened while the book cannot be written', async () => {
    const tab = await newTab({ open: false })
    await env.BOOK.exec('ALTER TABLE account RENAME TO account_away')
    await runInDurableObject(tab.account(), (account) =>
      expect(account.open(tab.id, configOf(), stateOf())).rejects.toThrow('no such table'),
    )
    await env.BOOK.exec('ALTER TABLE account_away RENAME TO account')
    expect(await tab.account().standing()).toBeNull()
    expect(await tab.sql('SELECT name FROM sqlite_master')).toEqual([])
  })

  it('opens once, however often at once it is asked to', async () => {
    const tab = await newTab({ open: false })
    const standings = await Promise.all(
      Array.from({ length: 5 }, () => tab.account().open(tab.id, tab.config, stateOf())),
    )
    expect(new Set(standings.map(({ charged }) => charged))).toEqual(new Set([0n]))
    expect((await tab.entries()).map(({ kind }) => kind)).toEqual(['open'])
  })

  it('starts where the chain stands', async () => {
    const tab = await newTab({ totalClaimed: 7000n })
    expect(await tab.standing()).toMatchObject({
      authorized: 7000n,
      charged: 7000n,
      redeemed: 7000n,
      credit: 0n,
    })
    expect(await tab.place(toCharge(7000n + PRICE))).toMatchObject({ outcome: 'charged', due: PRICE })
  })
})

describe('a charge', () => {
  it('raises what is authorized and charged, and keeps the voucher as evidence', async () => {
    const tab = await newTab()
    const { order, entry } = await tab.charge()
    expect(await tab.standing()).toMatchObject({
      authorized: PRICE,
      charged: PRICE,
      signature: order.signature,
    })
    expect((await tab.entries()).at(-1)).toMatchObject({
      seq: entry,
      kind: 'charge',
      id: order.id,
      amount: PRICE,
      max: PRICE,
      signature: order.signature,
      request: order.request,
    })
  })

  it('of a voucher below or above what is due is refused with the totals, and changes nothing [A12]', async () => {
    const tab = await newTab()
    const { order } = await tab.charge()
    const before = await tab.entries()
    for (const max of [1n, PRICE, 2n * PRICE - 1n, 2n * PRICE + 1n, 9n * PRICE]) {
      const answer = await tab.place(toCharge(max, { request: 'GET /b' }))
      expect(answer).toMatchObject({
        outcome: 'refused',
        reason: 'voucher_stale',
        standing: { authorized: PRICE, charged: PRICE, signature: order.signature },
      })
    }
    expect(await tab.entries()).toEqual(before)
  })

  it('beyond the ceiling is refused and changes nothing', async () => {
    const tab = await newTab({ balance: 1500n })
    await tab.charge()
    const answer = await tab.place(toCharge(2n * PRICE, { request: 'GET /b' }))
    expect(reasonOf(answer)).toBe('over_ceiling')
    expect(await tab.standing()).toMatchObject({ authorized: PRICE, charged: PRICE })
    await tab.account().observe(stateOf({ balance: 2n * PRICE, block: 2n }))
    expect(await tab.place(toCharge(2n * PRICE, { request: 'GET /b' }))).toMatchObject({ outcome: 'charged' })
  })

  it('beyond what may stay unclaimed is refused until a claim', async () => {
    const tab = await newTab()
    const exposure = 2n * PRICE
    for (const path of ['/1', '/2']) await tab.charge(path, { exposure })
    expect(reasonOf(await tab.place(toCharge(3n * PRICE, { exposure })))).toBe('unclaimed_limit')
    expect(await tab.standing()).toMatchObject({ authorized: 2n * PRICE, charged: 2n * PRICE })
    await tab.account().observe(stateOf({ totalClaimed: 1n, block: 2n }))
    expect(reasonOf(await tab.place(toCharge(3n * PRICE, { exposure })))).toBe('unclaimed_limit')
    await tab.account().observe(stateOf({ totalClaimed: PRICE, block: 3n }))
    expect(await tab.place(toCharge(3n * PRICE, { exposure }))).toMatchObject({ outcome: 'charged' })
  })
})

describe('the same voucher again', () => {
  it('in parallel for one resource is charged once and serves them all [A11]', async () => {
    const tab = await newTab()
    const answers = await Promise.all(Array.from({ length: 20 }, () => tab.place(toCharge(PRICE))))
    expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['charged', ...Array(19).fill('replayed')])
    expect(await tab.standing()).toMatchObject({ charged: PRICE })
  })

  it('in parallel for two resources buys one of them [A11]', async () => {
    const tab = await newTab()
    const answers = await Promise.all(
      ['GET /a', 'GET /b'].map((request) => tab.place(toCharge(PRICE, { request }))),
    )
    expect(answers.map(({ outcome }) => outcome)).toEqual(['charged', 'refused'])
    expect(reasonOf(answers[1] as Answer)).toBe('voucher_stale')
    expect(await tab.standing()).toMatchObject({ charged: PRICE })
  })

  it('answers with the totals of the first time, whatever came between [A3]', async () => {
    const tab = await newTab()
    const first = await tab.charge('GET /a')
    await tab.charge('GET /b')
    const again = (await tab.place(toCharge(PRICE))) as Charged
    expect(again).toMatchObject({ outcome: 'replayed', entry: first.entry, due: PRICE, charged: PRICE })
    expect(await tab.standing()).toMatchObject({ charged: 2n * PRICE })
  })

  it('with the same id is the same answer, and no second delivery [A3]', async () => {
    const tab = await newTab()
    const { order, entry } = await tab.charge()
    const before = await tab.entries()
    expect(await tab.place(order)).toMatchObject({ outcome: 'charged', entry, due: PRICE })
    expect(await tab.entries()).toEqual(before)
  })

  it('after the window is stale [A5]', async () => {
    const tab = await newTab()
    await tab.charge()
    await tab.sql(`UPDATE entry SET at = at - ${REPLAY_WINDOW_MS}`)
    await tab.restart()
    expect(reasonOf(await tab.place(toCharge(PRICE)))).toBe('voucher_stale')
  })

  it('is good for so many deliveries, also after the account slept', async () => {
    const tab = await newTab()
    await tab.charge()
    for (let i = 1; i < MAX_DELIVERIES; i++)
      expect(await tab.place(toCharge(PRICE))).toMatchObject({ outcome: 'replayed' })
    expect(reasonOf(await tab.place(toCharge(PRICE)))).toBe('voucher_stale')
    await tab.restart()
    expect(reasonOf(await tab.place(toCharge(PRICE)))).toBe('voucher_stale')
  })
})

describe('the journal', () => {
  it('ends where the account stands, in an unbroken line', async () => {
    const tab = await newTab()
    const { entry, order } = await tab.charge('GET /a')
    await tab.charge('GET /b')
    await tab.account().release(entry, order.id)
    await tab.account().observe(stateOf({ totalClaimed: 500n, block: 9n }))
    const { authorized, charged, redeemed, credit, state } = await tab.standing()
    const entries = await tab.entries()
    expect(entries.at(-1)).toMatchObject({ authorized, charged, redeemed, credit, ceiling: state.balance })
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
    expect(entries.map(({ kind }) => kind)).toEqual(['open', 'charge', 'charge', 'release', 'chain'])
    expect(await tab.account().entries(3, 1)).toEqual(entries.slice(3, 4))
  })

  it('has one row for a charge: the entry tells all that it changed', async () => {
    const tab = await newTab()
    await tab.place(toCharge(PRICE))
    const written = await rowsWritten(tab.account(), (object) => object.place(toCharge(2n * PRICE)))
    expect(written).toBe(1)
    const before = await tab.standing()
    await tab.restart()
    expect(await tab.standing()).toEqual(before)
  })

  it('keeps the voucher that was signed anew after its charge was given back', async () => {
    const tab = await newTab()
    const { entry, order } = await tab.charge()
    await tab.account().observe(stateOf({ balance: 200_000n, block: 2n }))
    await tab.account().release(entry, order.id)
    await tab.place(toCharge(PRICE, { signature: `0x${'ab'.repeat(65)}`, request: 'GET /b' }))
    const before = await tab.standing()
    await tab.restart()
    expect(await tab.standing()).toEqual(before)
  })

  it('of many charges at once is written as one', async () => {
    const tab = await newTab()
    const orders = Array.from({ length: 50 }, (_, i) =>
      toCharge(BigInt(i + 1) * PRICE, { request: `GET /${i}` }),
    )
    const answers = await Promise.all(orders.map((order) => tab.place(order)))
    expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['charged']))
    expect(await tab.standing()).toMatchObject({ charged: 50n * PRICE })
    await tab.restart()
    expect(await tab.standing()).toMatchObject({ charged: 50n * PRICE, authorized: 50n * PRICE })
    expect(await tab.entries()).toHaveLength(51)
  })
})
