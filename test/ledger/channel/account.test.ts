import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { listings } from '../../../src/ledger/book/accounts.ts'
import type { Answer, Charged } from '../../../src/ledger/channel/types.ts'
import { MAX_DELIVERIES, REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'
import { rowsWritten } from '../rows.ts'
import { openChannel, PRICE, reasonOf, stateOf, toCharge, toDeposit } from './harness.ts'

describe('Account.open', () => {
  it('must come first: an unopened account returns channel_unknown and stores no rows [H1]', async () => {
    const channel = await openChannel({ open: false })
    expect(await channel.place(toCharge(PRICE))).toMatchObject({ reason: 'channel_unknown', standing: null })
    expect(await channel.account().standing()).toBeNull()
    expect(await channel.entries()).toEqual([])
    await channel.account().release(1, 'unknown')
    await channel.account().quarantine('nothing')
    expect(await channel.sql('SELECT name FROM sqlite_master')).toEqual([])
  })

  it('lists the account in the read model', async () => {
    const channel = await openChannel()
    await channel.account().list()
    expect(await listings(env.BOOK, '', 1000)).toContainEqual(
      expect.objectContaining({ id: channel.id, kind: 'channel', payer: channel.config.payer }),
    )
  })

  it('opens and charges while D1 cannot be written [E12]', async () => {
    const channel = await openChannel({ open: false })
    await env.BOOK.exec('ALTER TABLE account RENAME TO account_away')
    await channel.account().open(channel.id, channel.config, stateOf())
    const answer = await channel.place(toCharge(PRICE))
    await env.BOOK.exec('ALTER TABLE account_away RENAME TO account')
    expect(answer.outcome).toBe('charged')
  })

  it('opens once when called five times at once', async () => {
    const channel = await openChannel({ open: false })
    const standings = await Promise.all(
      Array.from({ length: 5 }, () => channel.account().open(channel.id, channel.config, stateOf())),
    )
    expect(new Set(standings.map(({ charged }) => charged))).toEqual(new Set([0n]))
    expect((await channel.entries()).map(({ kind }) => kind)).toEqual(['open'])
  })

  it('starts all totals at the amount already claimed', async () => {
    const channel = await openChannel({ totalClaimed: 7000n })
    expect(await channel.standing()).toMatchObject({
      authorized: 7000n,
      charged: 7000n,
      redeemed: 7000n,
      credit: 0n,
    })
    expect(await channel.place(toCharge(7000n + PRICE))).toMatchObject({ outcome: 'charged', due: PRICE })
  })
})

describe('Account charge', () => {
  it('raises authorized and charged, and stores the voucher in the journal', async () => {
    const channel = await openChannel()
    const { order, entry } = await channel.charge()
    expect(await channel.standing()).toMatchObject({
      authorized: PRICE,
      charged: PRICE,
      signature: order.signature,
    })
    expect((await channel.entries()).at(-1)).toMatchObject({
      seq: entry,
      kind: 'charge',
      id: order.id,
      amount: PRICE,
      max: PRICE,
      signature: order.signature,
      request: order.request,
    })
  })

  it('returns voucher_stale with the totals for a voucher below or above the amount due [A12]', async () => {
    const channel = await openChannel()
    const { order } = await channel.charge()
    const before = await channel.entries()
    for (const max of [1n, PRICE, 2n * PRICE - 1n, 2n * PRICE + 1n, 9n * PRICE]) {
      const answer = await channel.place(toCharge(max, { request: 'GET /b' }))
      expect(answer).toMatchObject({
        outcome: 'refused',
        reason: 'voucher_stale',
        standing: { authorized: PRICE, charged: PRICE, signature: order.signature },
      })
    }
    expect(await channel.entries()).toEqual(before)
  })

  it('returns over_ceiling for a voucher above the balance, and stores nothing', async () => {
    const channel = await openChannel({ balance: 1500n })
    await channel.charge()
    const answer = await channel.place(toCharge(2n * PRICE, { request: 'GET /b' }))
    expect(reasonOf(answer)).toBe('over_ceiling')
    expect(await channel.standing()).toMatchObject({ authorized: PRICE, charged: PRICE })
    await channel.account().observe(stateOf({ balance: 2n * PRICE, block: 2n }))
    expect(await channel.place(toCharge(2n * PRICE, { request: 'GET /b' }))).toMatchObject({
      outcome: 'charged',
    })
  })

  it('returns unclaimed_limit until a claim makes room [I7]', async () => {
    const channel = await openChannel()
    const exposure = 2n * PRICE
    for (const path of ['/1', '/2']) await channel.charge(path, { exposure })
    expect(reasonOf(await channel.place(toCharge(3n * PRICE, { exposure })))).toBe('unclaimed_limit')
    expect(await channel.standing()).toMatchObject({ authorized: 2n * PRICE, charged: 2n * PRICE })
    await channel.account().observe(stateOf({ totalClaimed: 1n, block: 2n }))
    expect(reasonOf(await channel.place(toCharge(3n * PRICE, { exposure })))).toBe('unclaimed_limit')
    await channel.account().observe(stateOf({ totalClaimed: PRICE, block: 3n }))
    expect(await channel.place(toCharge(3n * PRICE, { exposure }))).toMatchObject({ outcome: 'charged' })
  })
})

describe('Account.place', () => {
  it('charges 20 parallel uses of one voucher for one resource once [A11, I2]', async () => {
    const channel = await openChannel()
    const answers = await Promise.all(Array.from({ length: 20 }, () => channel.place(toCharge(PRICE))))
    expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['charged', ...Array(19).fill('replayed')])
    expect(await channel.standing()).toMatchObject({ charged: PRICE })
  })

  it('charges one of two resources sharing a voucher [A11]', async () => {
    const channel = await openChannel()
    const answers = await Promise.all(
      ['GET /a', 'GET /b'].map((request) => channel.place(toCharge(PRICE, { request }))),
    )
    expect(answers.map(({ outcome }) => outcome)).toEqual(['charged', 'refused'])
    expect(reasonOf(answers[1] as Answer)).toBe('voucher_stale')
    expect(await channel.standing()).toMatchObject({ charged: PRICE })
  })

  it('returns the first totals for a replayed voucher after later charges [A3]', async () => {
    const channel = await openChannel()
    const first = await channel.charge('GET /a')
    await channel.charge('GET /b')
    const again = (await channel.place(toCharge(PRICE))) as Charged
    expect(again).toMatchObject({ outcome: 'replayed', entry: first.entry, due: PRICE, charged: PRICE })
    expect(await channel.standing()).toMatchObject({ charged: 2n * PRICE })
  })

  it('returns the same answer for the same order id and adds no delivery [A3]', async () => {
    const channel = await openChannel()
    const { order, entry } = await channel.charge()
    const before = await channel.entries()
    expect(await channel.place(order)).toMatchObject({ outcome: 'charged', entry, due: PRICE })
    expect(await channel.entries()).toEqual(before)
  })

  it('records a replay once when its order is placed again after a restart (simulator, seed 47144) [A3]', async () => {
    const channel = await openChannel()
    await channel.charge()
    const again = toCharge(PRICE)
    const answer = await channel.place(again)
    const before = await channel.entries()
    await channel.restart()
    expect(await channel.place(again)).toEqual(answer)
    expect(await channel.entries()).toEqual(before)
  })

  it('releases a charge whose deposit was sent again, once both deliveries failed (simulator, seed 55893) [A3]', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge()
    const again = toDeposit(PRICE, { delivery: 'second request' })
    expect(await channel.place(again)).toMatchObject({ outcome: 'replayed', entry })
    await channel.account().release(entry, 'second request')
    expect(await channel.standing()).toMatchObject({ charged: PRICE })
    await channel.account().release(entry, order.id)
    expect(await channel.standing()).toMatchObject({ charged: 0n })
  })

  it('returns voucher_stale when the replay window is over [A5]', async () => {
    const channel = await openChannel()
    await channel.charge()
    await channel.sql(`UPDATE entry SET at = at - ${REPLAY_WINDOW_MS}`)
    await channel.restart()
    expect(reasonOf(await channel.place(toCharge(PRICE)))).toBe('voucher_stale')
  })

  it('returns voucher_stale after MAX_DELIVERIES replays, also after a restart', async () => {
    const channel = await openChannel()
    await channel.charge()
    for (let i = 1; i < MAX_DELIVERIES; i++)
      expect(await channel.place(toCharge(PRICE))).toMatchObject({ outcome: 'replayed' })
    expect(reasonOf(await channel.place(toCharge(PRICE)))).toBe('voucher_stale')
    await channel.restart()
    expect(reasonOf(await channel.place(toCharge(PRICE)))).toBe('voucher_stale')
  })
})

describe('Account journal', () => {
  it('ends with the current totals and numbers its entries without gaps', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge('GET /a')
    await channel.charge('GET /b')
    await channel.account().release(entry, order.id)
    await channel.account().observe(stateOf({ totalClaimed: 500n, block: 9n }))
    const { authorized, charged, redeemed, credit, state } = await channel.standing()
    const entries = await channel.entries()
    expect(entries.at(-1)).toMatchObject({ authorized, charged, redeemed, credit, ceiling: state.balance })
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
    expect(entries.map(({ kind }) => kind)).toEqual(['open', 'charge', 'charge', 'release', 'chain'])
    expect(await channel.account().entries(3, 1)).toEqual(entries.slice(3, 4))
  })

  it('stores one row for a charge, from which a restart restores the account', async () => {
    const channel = await openChannel()
    await channel.place(toCharge(PRICE))
    const written = await rowsWritten(channel.account(), (object) => object.place(toCharge(2n * PRICE)))
    expect(written).toBe(1)
    const before = await channel.standing()
    await channel.restart()
    expect(await channel.standing()).toEqual(before)
  })

  it('stores site, rule, policy version and asker with a charge and its release, and writes no row more', async () => {
    const channel = await openChannel()
    const sold = { site: 'gazette', rule: 'RULES[2] origin', policy: 7, who: '~GPTBot' }
    await channel.charge('GET /first')
    const order = toCharge(2n * PRICE, sold)
    expect(await rowsWritten(channel.account(), (object) => object.place(order))).toBe(1)
    await channel.account().release(3, order.id)
    const nothing = { site: null, rule: null, policy: null, who: null }
    expect(await channel.entries()).toMatchObject([
      { kind: 'open', ...nothing },
      { kind: 'charge', ...nothing },
      { kind: 'charge', ...sold },
      { kind: 'release', of: 3, ...sold },
    ])
  })

  it('opens a ledger of a version that stored nothing of the sale', async () => {
    const channel = await openChannel()
    await channel.place(toCharge(PRICE))
    for (const column of ['rule', 'site', 'policy', 'who'])
      await channel.sql(`ALTER TABLE entry DROP COLUMN ${column}`)
    await channel.restart()
    await channel.place(toCharge(2n * PRICE, { rule: 'default', site: 'a.test' }))
    const entries = await channel.entries()
    expect(entries.map(({ charged, rule, site }) => [charged, rule, site])).toEqual([
      [0n, null, null],
      [PRICE, null, null],
      [2n * PRICE, 'default', 'a.test'],
    ])
  })

  it('keeps the new voucher after its charge was released and a restart', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge()
    await channel.account().observe(stateOf({ balance: 200_000n, block: 2n }))
    await channel.account().release(entry, order.id)
    await channel.place(toCharge(PRICE, { signature: `0x${'ab'.repeat(65)}`, request: 'GET /b' }))
    const before = await channel.standing()
    await channel.restart()
    expect(await channel.standing()).toEqual(before)
  })

  it('stores 50 concurrent charges and restores them after a restart', async () => {
    const channel = await openChannel()
    const orders = Array.from({ length: 50 }, (_, i) =>
      toCharge(BigInt(i + 1) * PRICE, { request: `GET /${i}` }),
    )
    const answers = await Promise.all(orders.map((order) => channel.place(order)))
    expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['charged']))
    expect(await channel.standing()).toMatchObject({ charged: 50n * PRICE })
    await channel.restart()
    expect(await channel.standing()).toMatchObject({ charged: 50n * PRICE, authorized: 50n * PRICE })
    expect(await channel.entries()).toHaveLength(51)
  })

  it('stays in order of time when the clock goes back [E13]', async () => {
    const channel = await openChannel()
    await channel.charge()
    await channel.sql('UPDATE entry SET at = at + 60000')
    await channel.restart()
    await channel.charge('GET /b')
    const times = (await channel.entries()).map(({ at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})
