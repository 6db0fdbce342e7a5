/** An account that owes writes itself into the read model by an alarm, for each kind of account. */
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { LIST_AFTER_MS, LIST_RETRY_MS, REPORT_RETRY_MS } from '../../src/ledger/alarm.ts'
import type { Account } from '../../src/ledger/channel/account.ts'
import type { CreditLine } from '../../src/ledger/credit/credit-line.ts'
import type { Authorizations } from '../../src/ledger/exact/authorizations.ts'
import { REPORT_MS, STRETCHED_MS } from '../../src/ledger/figures/report.ts'
import { randomHex } from '../chain/harness.ts'
import { openChannel, PRICE, stateOf, toCharge } from './channel/harness.ts'
import { EVER, invoiceOf, newLine } from './credit/harness.ts'

type Debtor = {
  id: string
  table: 'account' | 'line'
  stub(): DurableObjectStub<Account | CreditLine | Authorizations>
  /** Makes the account owe a little more. */
  owe(): Promise<unknown>
  /** Settles everything that is owed. */
  settle(): Promise<unknown>
}

async function channelDebtor(): Promise<Debtor> {
  const channel = await openChannel()
  let charged = 0n
  return {
    id: channel.id,
    table: 'account',
    stub: channel.account,
    owe: () => {
      charged += PRICE
      return channel.place(toCharge(charged))
    },
    settle: () => channel.account().observe(stateOf({ totalClaimed: charged, block: 9n })),
  }
}

async function lineDebtor(): Promise<Debtor> {
  const line = newLine()
  await line.line().configure(line.enrolment)
  return {
    id: line.enrolment.agent,
    table: 'line',
    stub: line.line,
    owe: () => line.charge(),
    settle: async () => {
      const statement = await line.line().close(EVER)
      if (!statement) throw new Error('there must be a statement')
      const charged = statement.total
      const invoice = invoiceOf(line, { number: 1, periods: [statement.period.id], charged })
      await line.line().invoiced(invoice)
      const { id, total: amount } = invoice
      await line
        .line()
        .paid({ id: randomHex(4), invoice: id, amount, rail: 'transfer', reference: 'r', at: 1 })
      await line.line().notified((await line.line().bill()).pendingSteps.map((step) => step.id))
    },
  }
}

async function payerDebtor(): Promise<Debtor> {
  const [payer, receiver, token] = [randomHex(20), randomHex(20), randomHex(20)]
  const id = `eip155:84532:${payer}`
  const stub = () => env.AUTHORIZATIONS.getByName(id)
  const taken: { nonce: `0x${string}`; use: string }[] = []
  return {
    id,
    table: 'account',
    stub,
    owe: () => {
      const [nonce, use] = [randomHex(32), randomHex(4)]
      taken.push({ nonce, use })
      const signed = { nonce, amount: 1000n, validBefore: 2n ** 40n, signature: randomHex(65) }
      return stub().take({ id: use, name: id, payer, receiver, token, ...signed, request: 'GET /a' })
    },
    settle: async () => {
      for (const { nonce, use } of taken) await stub().release(token, nonce, use)
    },
  }
}

const DEBTORS = [
  ['a channel account', channelDebtor],
  ['a credit line', lineDebtor],
  ['a payer of exact', payerDebtor],
] as const

const alarmOf = ({ stub }: Debtor) => runInDurableObject(stub(), (_, { storage }) => storage.getAlarm())

const rowOf = ({ id, table }: Debtor) =>
  env.BOOK.prepare(`SELECT relisted_at FROM ${table} WHERE id = ?`).bind(id).first<{ relisted_at: number }>()

/** Rings for the report, where there is one to make first, so that the next alarm is the list's. */
async function reportFirst(debtor: Debtor): Promise<void> {
  const at = await alarmOf(debtor)
  if (at !== null && at <= Date.now() + STRETCHED_MS) await runDurableObjectAlarm(debtor.stub())
}

/** Runs the account's alarm once the row is gone. Returns how long it waits before the next one, or null. */
async function ringWithoutRow(debtor: Debtor): Promise<number | null> {
  await env.BOOK.prepare(`DELETE FROM ${debtor.table} WHERE id = ?`).bind(debtor.id).run()
  const before = Date.now()
  await runDurableObjectAlarm(debtor.stub())
  const next = await alarmOf(debtor)
  return next === null ? null : next - before
}

const CHARGED = DEBTORS.filter(([, newDebtor]) => newDebtor !== payerDebtor)

describe.each(CHARGED)('AccountAlarm of %s with charges to report', (_, newDebtor) => {
  it('is set once for many charges, to a minute after a charge that is alone', async () => {
    const debtor = await newDebtor()
    const before = Date.now()
    await debtor.owe()
    const first = await alarmOf(debtor)
    expect(Number(first) - before).toBeLessThan(REPORT_MS + 1000)
    for (let more = 0; more < 5; more++) await debtor.owe()
    expect(await alarmOf(debtor)).toBe(first)
  })

  it('is set to five minutes for a charge that follows others', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    await runDurableObjectAlarm(debtor.stub())
    const before = Date.now()
    await debtor.owe()
    expect(Number(await alarmOf(debtor)) - before).toBeGreaterThanOrEqual(STRETCHED_MS)
  })

  it('keeps the time of the report through a restart and later charges', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    const first = await alarmOf(debtor)
    await evictDurableObject(debtor.stub())
    await debtor.owe()
    expect(await alarmOf(debtor)).toBe(first)
    await evictDurableObject(debtor.stub())
    await runDurableObjectAlarm(debtor.stub())
    expect(Number(await alarmOf(debtor)) - Date.now()).toBeGreaterThan(STRETCHED_MS)
  })

  it('rings again within five minutes when D1 lacks the tables for figures', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    await env.BOOK.exec('ALTER TABLE figure_cursor RENAME TO away')
    await runDurableObjectAlarm(debtor.stub())
    const next = await alarmOf(debtor)
    await env.BOOK.exec('ALTER TABLE away RENAME TO figure_cursor')
    expect(Number(next) - Date.now()).toBeLessThanOrEqual(REPORT_RETRY_MS)
  })
})

describe.each(DEBTORS)('AccountAlarm of %s', (_, newDebtor) => {
  it('is set by the first charge and by no later one', async () => {
    const debtor = await newDebtor()
    expect(await alarmOf(debtor)).toBeNull()
    const before = Date.now()
    await debtor.owe()
    const first = await alarmOf(debtor)
    await debtor.owe()
    expect(await alarmOf(debtor)).toBe(first)
    await reportFirst(debtor)
    expect(Number(await alarmOf(debtor)) - before).toBeGreaterThanOrEqual(LIST_AFTER_MS)
  })

  it('writes the lost row again, until nothing is owed [E12, I11]', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    await debtor.stub().list()
    expect(await rowOf(debtor)).toEqual({ relisted_at: null })
    await reportFirst(debtor)
    expect(await ringWithoutRow(debtor)).toBeGreaterThanOrEqual(LIST_AFTER_MS)
    expect(Number((await rowOf(debtor))?.relisted_at)).toBeGreaterThan(0)
    await debtor.settle()
    await reportFirst(debtor)
    expect(await ringWithoutRow(debtor)).toBeNull()
    expect(await rowOf(debtor)).toBeNull()
  })

  it('writes the row at the first charge after a restart: a kill can lose the first write [E12]', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    await debtor.stub().list()
    await env.BOOK.prepare(`DELETE FROM ${debtor.table} WHERE id = ?`).bind(debtor.id).run()
    await evictDurableObject(debtor.stub())
    await debtor.owe()
    await expect.poll(() => rowOf(debtor)).not.toBeNull()
  })

  it('is set again by the first charge after everything was settled', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    await debtor.settle()
    await reportFirst(debtor)
    await runDurableObjectAlarm(debtor.stub())
    expect(await alarmOf(debtor)).toBeNull()
    await debtor.owe()
    expect(await alarmOf(debtor)).not.toBeNull()
  })

  it('rings again soon when D1 cannot be written [E6, E12]', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    await debtor.stub().list()
    await reportFirst(debtor)
    await env.BOOK.exec(`ALTER TABLE ${debtor.table} RENAME TO away`)
    await runDurableObjectAlarm(debtor.stub())
    const next = await alarmOf(debtor)
    await env.BOOK.exec(`ALTER TABLE away RENAME TO ${debtor.table}`)
    expect(Number(next) - Date.now()).toBeLessThanOrEqual(LIST_RETRY_MS)
  })

  it('writes the row that an account lacked when it was settled, and rings no more [E12]', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    await debtor.settle()
    await reportFirst(debtor)
    // As after a start at which D1 was down.
    await evictDurableObject(debtor.stub())
    expect(await ringWithoutRow(debtor)).toBeNull()
    expect(await rowOf(debtor)).not.toBeNull()
  })

  it('lists at its time after restarts and reports between [E12]', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    await debtor.stub().list()
    await reportFirst(debtor)
    await evictDurableObject(debtor.stub())
    await runInDurableObject(debtor.stub(), (_, { storage }) => {
      storage.kv.put('list_at', Date.now() - 1)
      return storage.deleteAlarm()
    })
    await evictDurableObject(debtor.stub())
    await ringWithoutRow(debtor)
    expect(await rowOf(debtor)).not.toBeNull()
  })

  it('does not list before its time when the alarm of a report has woken the account', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    await debtor.stub().list()
    await reportFirst(debtor)
    await runInDurableObject(debtor.stub(), (_, { storage }) => storage.deleteAlarm())
    await evictDurableObject(debtor.stub())
    expect(await ringWithoutRow(debtor)).toBeGreaterThan(LIST_AFTER_MS / 2)
    expect(await rowOf(debtor)).toBeNull()
  })

  it('is set at the next start of an account that owes without one', async () => {
    const debtor = await newDebtor()
    await debtor.owe()
    await runInDurableObject(debtor.stub(), (_, { storage }) => storage.deleteAlarm())
    await evictDurableObject(debtor.stub())
    expect(await alarmOf(debtor)).not.toBeNull()
  })
})

it('a charge whose write fails sets no alarm', async () => {
  const channel = await openChannel()
  await runInDurableObject(channel.account(), (_, { storage }) => {
    const write = storage.transactionSync.bind(storage)
    storage.transactionSync = (work) =>
      write(() => {
        work()
        throw new Error('the write fails')
      })
  })
  await channel.place(toCharge(PRICE)).catch(() => undefined)
  expect(await alarmOf({ stub: channel.account } as Debtor)).toBeNull()
})
