/** The reports of accounts into D1: each charge once, whatever is lost, repeated or restarted. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  addReport,
  type FigureReport,
  MAX_PATHS,
  readPosition,
} from '../../../src/ledger/book/figure-report.ts'
import { OTHER_PATHS } from '../../../src/ledger/figures/fold.ts'
import { randomHex } from '../../chain/harness.ts'
import { openChannel, PRICE, stateOf, toCharge } from '../channel/harness.ts'
import { newLine } from '../credit/harness.ts'
import { aUse, memoryOf } from '../exact/harness.ts'
import { rowsWritten } from '../rows.ts'

const TABLES = ['figure', 'figure_day', 'figure_path', 'figure_name', 'receipt', 'figure_cursor']
const SOLD = {
  site: 'gazette',
  rule: 'default',
  policy: 1,
  who: 'GPTBot',
  request: 'GET https://a.test/news/1',
}

type Stored = {
  site: string
  rule: string
  who: string
  path: string
  charges: number
  releases: number
  charged: number
}

async function figures(): Promise<Stored[]> {
  const columns = 'site, rule, who, path, charges, releases, charged'
  const { results } = await env.BOOK.prepare(
    `SELECT ${columns} FROM figure ORDER BY site, path, who`,
  ).all<Stored>()
  return results
}

const sumOf = (column: string, table: string) =>
  env.BOOK.prepare(`SELECT coalesce(sum(${column}), 0) AS sum FROM ${table}`).first<number>('sum')

async function forgetAll(): Promise<void> {
  await env.BOOK.batch(TABLES.map((table) => env.BOOK.prepare(`DELETE FROM ${table}`)))
}

beforeEach(forgetAll)

describe('Account.report', () => {
  it('adds charges, releases and lowered prices in the hour of the charge', async () => {
    const channel = await openChannel()
    await channel.charge(SOLD.request, SOLD)
    const dropped = await channel.charge(SOLD.request, SOLD)
    const dear = await channel.charge(SOLD.request, {
      ...SOLD,
      who: '~GPTBot',
      request: 'GET https://a.test/',
    })
    await channel.account().lower(dear.entry, dear.order.id, 300n)
    await channel.account().release(dropped.entry, dropped.order.id)
    expect(await channel.account().report()).toEqual({
      ...{ kind: 'channel', account: channel.id, position: 6, charged: 1300n },
    })
    const sold = { site: 'gazette', rule: 'default' }
    expect(await figures()).toEqual([
      { ...sold, who: '~GPTBot', path: '/', charges: 1, releases: 0, charged: 300 },
      { ...sold, who: 'GPTBot', path: '/news/1', charges: 2, releases: 1, charged: 1000 },
    ])
    expect(await sumOf('charged', 'figure_day')).toBe(1300)
    expect(await sumOf('charged', 'figure_cursor')).toBe(1300)
  })

  it('counts a charge that the balance of the payer pays', async () => {
    const channel = await openChannel()
    const { entry, order } = await channel.charge(SOLD.request, SOLD)
    await channel.account().observe(stateOf({ totalClaimed: PRICE, block: 9n }))
    await channel.account().release(entry, order.id)
    await channel.place(toCharge(2n * PRICE, SOLD))
    expect(await channel.account().report()).toMatchObject({ charged: PRICE })
    expect(await figures()).toMatchObject([{ charges: 2, releases: 1, charged: 1000 }])
  })

  it('names the host as the site of charges of earlier versions', async () => {
    const channel = await openChannel()
    await channel.charge('GET https://a.test/old')
    await channel.account().report()
    expect(await figures()).toMatchObject([
      { site: 'a.test', rule: '', who: '', path: '/old', charged: 1000 },
    ])
  })

  it('counts no channel that was opened with claims of before', async () => {
    const channel = await openChannel({ totalClaimed: 5n * PRICE })
    await channel.charge(SOLD.request, SOLD)
    expect(await channel.account().report()).toMatchObject({ charged: PRICE })
    expect(await figures()).toMatchObject([{ charged: 1000 }])
  })

  it('reports nothing for an account that was never opened, and stores no row', async () => {
    const channel = await openChannel({ open: false })
    expect(await channel.account().report()).toBeNull()
    expect(await channel.sql('SELECT name FROM sqlite_master')).toEqual([])
  })

  it('reports everything again once D1 has lost its tables', async () => {
    const channel = await openChannel()
    await channel.charge(SOLD.request, SOLD)
    await runDurableObjectAlarm(channel.account())
    await forgetAll()
    await channel.charge(SOLD.request, SOLD)
    await channel.account().report()
    expect(await figures()).toMatchObject([{ charges: 2, charged: 2000 }])
  })

  it('reports by its alarm, and writes no row of its own for it but alarms', async () => {
    const channel = await openChannel()
    await channel.charge(SOLD.request, SOLD)
    const written = await rowsWritten(channel.account(), (account) => account.alarm())
    expect(written).toBe(0)
    expect(await figures()).toMatchObject([{ charges: 1 }])
  })
})

describe('CreditLine.report', () => {
  it('adds charges and releases, and no payment of the invoice', async () => {
    const line = newLine()
    const { request, ...sold } = SOLD
    await line.charge({ ...sold, request })
    const { entry, order } = await line.charge({ ...sold, request })
    await line.line().release(entry, order.id)
    expect(await line.line().report()).toMatchObject({ kind: 'credit', charged: PRICE })
    expect(await figures()).toMatchObject([{ charges: 2, releases: 1, charged: 1000, who: 'GPTBot' }])
  })
})

describe('Authorizations.report', () => {
  it('adds each settled payment once, and none of an invoice or without a transfer', async () => {
    const uses = ['a', 'b', 'c', 'd'].map((page) => ({ ...SOLD, request: `GET https://a.test/${page}` }))
    const [first, second, unpaid, invoice] = uses.map((sold) => aUse(sold)) as [
      ReturnType<typeof aUse>,
      ...ReturnType<typeof aUse>[],
    ]
    const memory = memoryOf(first)
    const all = [first, second, unpaid, { ...invoice, site: null }].map((use) => ({
      ...use,
      name: first.name,
    })) as (typeof first)[]
    for (const use of all) await memory.take(use)
    const payer = () => env.AUTHORIZATIONS.getByName(first.name)
    const [one, two, , bill] = all as [typeof first, typeof first, typeof first, typeof first]
    await memory.settled(one)
    expect(await payer().report()).toEqual({
      kind: 'exact',
      account: first.name,
      position: 1,
      charged: 1000n,
    })
    await memory.found(two)
    await memory.settled(two)
    await memory.settled(bill)
    await evictDurableObject(payer())
    expect(await payer().report()).toMatchObject({ position: 3, charged: 2000n })
    expect(await figures()).toMatchObject([
      { path: '/a', charges: 1, charged: 1000 },
      { path: '/b', charges: 1, charged: 1000 },
    ])
  })

  it('numbers only the payments of this version', async () => {
    const [old, fresh] = [aUse(SOLD), aUse(SOLD)]
    const memory = memoryOf(old)
    await memory.take(old)
    await memory.settled(old)
    await runInDurableObject(env.AUTHORIZATIONS.getByName(old.name), (_, { storage }) => {
      for (const column of ['paid_at', 'number', 'earlier'])
        storage.sql.exec(`ALTER TABLE authorization DROP COLUMN ${column}`)
      for (const column of ['last', 'sold']) storage.sql.exec(`ALTER TABLE total DROP COLUMN ${column}`)
    })
    await memory.restart()
    await memory.take({ ...fresh, name: old.name })
    await memory.settled(fresh)
    const report = await env.AUTHORIZATIONS.getByName(old.name).report()
    expect(report).toMatchObject({ position: 2, charged: 1000n })
    expect(await figures()).toMatchObject([{ charges: 1, charged: 1000 }])
  })

  it('settles with as many rows as before, beside the alarm', async () => {
    const use = aUse(SOLD)
    const memory = memoryOf(use)
    await memory.take(use)
    const { token, nonce } = use
    const settle = (object: {
      settled(token: `0x${string}`, nonce: `0x${string}`, tx: `0x${string}`): Promise<void>
    }) => object.settled(token, nonce, randomHex(32))
    expect(await rowsWritten(env.AUTHORIZATIONS.getByName(use.name), settle)).toBe(2)
  })
})

describe('receipts', () => {
  it('are added by day and kind once: a payment by exact when it is settled, and a claim when the chain has it', async () => {
    const use = aUse(SOLD)
    await memoryOf(use).take(use)
    await memoryOf(use).settled(use)
    const channel = await openChannel()
    await channel.charge(SOLD.request, SOLD)
    await channel.account().observe(stateOf({ totalClaimed: PRICE, block: 9n }), null)
    for (let times = 0; times < 2; times++) {
      await env.AUTHORIZATIONS.getByName(use.name).report()
      await channel.account().report()
    }
    const { results } = await env.BOOK.prepare('SELECT kind, received FROM receipt ORDER BY kind').all()
    expect(results).toEqual([
      { kind: 'channel', received: Number(PRICE) },
      { kind: 'exact', received: Number(use.amount) },
    ])
  })
})

describe('addReport', () => {
  const reportOf = (paths: string[], rest: Partial<FigureReport> = {}): FigureReport => ({
    kind: 'channel',
    account: 'x',
    from: 0,
    to: paths.length,
    charged: BigInt(paths.length),
    receipts: [],
    figures: paths.map((path) => ({
      hour: 30,
      site: 's',
      rule: '',
      who: '',
      path,
      charges: 1,
      releases: 0,
      charged: 1n,
    })),
    ...rest,
  })

  it('adds one of many equal reports that come at once', async () => {
    const added = await Promise.all([1, 2, 3].map(() => addReport(env.BOOK, reportOf(['/a', '/b']), 1)))
    expect(added.filter(Boolean)).toHaveLength(1)
    expect(await sumOf('charges', 'figure')).toBe(2)
  })

  it('adds nothing at another position than that of the account', async () => {
    await addReport(env.BOOK, reportOf(['/a']), 1)
    expect(await addReport(env.BOOK, reportOf(['/b'], { from: 2, to: 3 }), 1)).toBe(false)
    expect(await addReport(env.BOOK, reportOf(['/b'], { from: 0, to: 3 }), 1)).toBe(false)
    expect(await readPosition(env.BOOK, { kind: 'channel', account: 'x' })).toBe(1)
    expect(await sumOf('charges', 'figure')).toBe(1)
  })

  it(`has rows for ${MAX_PATHS} paths of a site and day, for all accounts together, and one for all others`, async () => {
    const paths = Array.from({ length: MAX_PATHS - 1 }, (_, at) => `/${at}`)
    await addReport(env.BOOK, reportOf(paths), 1)
    const more = reportOf(['/0', '/new-1', '/new-2', '/new-3'], { account: 'y' })
    await addReport(env.BOOK, more, 1)
    await addReport(
      env.BOOK,
      reportOf(['/new-9'], {
        account: 'z',
        figures: more.figures.map((figure) => ({ ...figure, hour: 54 })),
      }),
      1,
    )
    expect(await sumOf('hour = 30', 'figure')).toBe(MAX_PATHS + 1)
    const { results } = await env.BOOK.prepare(
      'SELECT hour, path, charges FROM figure WHERE path = ? OR charges > 1 ORDER BY charges',
    )
      .bind(OTHER_PATHS)
      .all()
    expect(results).toEqual([
      { hour: 30, path: '/0', charges: 2 },
      { hour: 30, path: OTHER_PATHS, charges: 2 },
    ])
    expect(await sumOf('hour = 54', 'figure')).toBe(4)
  })
})
