import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { markPaid, markReturned } from '../../src/billing/payments.ts'
import type { OpenBill } from '../../src/billing/run.ts'
import { lines } from '../../src/ledger/book/credit.ts'
import { makeRun, type RunKind, type Work } from '../../src/settlement/run.ts'
import { randomHex } from '../chain/harness.ts'
import { newReceiver, openChannel, recordOf, steps } from '../settlement/harness.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, type Operator } from './harness.ts'

const CENT = 10_000n

function workOf({ settings }: Operator, rest: Partial<Work> = {}): Work {
  const bill: OpenBill = async () => settings
  return { book: env.BOOK, channels: [], exact: [], bill, ...rest }
}

async function run(work: Work, moment = MIDNIGHT, through = steps(), kind: RunKind = 'billing') {
  const id = `${kind}-test-${randomHex(4)}`
  const status = await makeRun(work, through, id, { kind, window: 'test', startedBy: 'cron', moment })
  return { status, record: (await recordOf(id)).record as Record<string, unknown> }
}

describe('Billing run', () => {
  it('bills credit lines without a chain', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    const { status, record } = await run(workOf(operator))
    expect(status).toBe('settled')
    expect(record).toMatchObject({
      bill: { lines: 1, statements: 1, stated: '10000', invoices: 1, invoiced: '10000', received: '0' },
      findings: { count: 0 },
    })
    expect((await customer.only()).net).toBe(CENT)
  })

  it('bills the periods that ended by its scheduled time', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    await run(workOf(operator), MIDNIGHT - 1)
    expect(await customer.invoices()).toEqual([])
    await run(workOf(operator), MIDNIGHT)
    expect(await customer.only()).toMatchObject({ issuedAt: MIDNIGHT, dueAt: MIDNIGHT + 14 * DAY })
  })

  it('bills every day of a missed week in the next run [F2]', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    await run(workOf(operator), MIDNIGHT)
    await customer.charge({ price: 2n * CENT })
    const { status, record } = await run(workOf(operator), MIDNIGHT + 8 * DAY)
    expect([status, record.bill]).toMatchObject(['settled', { statements: 1, invoiced: '20000' }])
    await run(workOf(operator), MIDNIGHT + 9 * DAY)
    expect((await customer.invoices()).map(({ net }) => net)).toEqual([CENT, 2n * CENT])
  })

  it('bills nothing of a line whose journal was changed by hand, and all of another one [E15]', async () => {
    const operator = await newOperator()
    const [changed, other] = [await newCustomer([CENT, CENT]), await newCustomer([CENT])]
    const amount = String(9n * CENT).padStart(39, '0')
    await runInDurableObject(changed.line(), (_, { storage }) => {
      storage.sql.exec(`UPDATE entry SET amount = '${amount}' WHERE kind = 'charge' AND seq = 2`)
    })
    const { status, record } = await run(workOf(operator))
    expect([status, record.findings]).toMatchObject([
      'in_doubt',
      { list: [{ what: 'silent', detail: expect.stringContaining('must follow') }] },
    ])
    expect(await changed.invoices()).toEqual([])
    expect((await other.only()).net).toBe(CENT)
  })

  it('bills once when every step runs twice or fails once after its work [E1]', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT, CENT])
    const twice = steps(async (_, work) => {
      await work()
      await work()
    })
    await run(workOf(operator), MIDNIGHT, twice)
    const names = new Set<string>()
    const failing = steps(async (name, work) => {
      await work()
      if (names.has(name)) return
      names.add(name)
      throw new Error(`the step "${name}" failed after its work`)
    })
    await customer.charge({ price: 3n * CENT })
    for (let tries = 0; tries < 8; tries++) {
      await run(workOf(operator), MIDNIGHT + DAY, failing).catch((fault) =>
        expect(String(fault)).toContain('failed'),
      )
    }
    const nets = (await customer.invoices()).map(({ net }) => net)
    expect(nets).toEqual([2n * CENT, 3n * CENT])
    expect(await customer.line().statements()).toHaveLength(2)
  })

  it('names an overpayment until a run has stored its finding, then no more (simulator, seed 2425)', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    await run(workOf(operator))
    const named = { agent: customer.agent, invoice: (await customer.only()).id }
    await markPaid(operator.settings, named, { amount: CENT + 5n, reference: 'bank 1', at: 0 })
    const dying = steps(async (_, work) => {
      await work()
      throw new Error('the run was killed')
    })
    await run(workOf(operator), MIDNIGHT + DAY, dying).catch(() => undefined)
    const twice = steps(async (_, work) => {
      await work()
      await work()
    })
    const { record } = await run(workOf(operator), MIDNIGHT + DAY, twice)
    expect(record.findings).toMatchObject({ list: [{ what: 'overpaid', detail: `${named.invoice} by 5` }] })
    expect((await run(workOf(operator), MIDNIGHT + 2 * DAY)).record.findings).toMatchObject({ count: 0 })
  })

  it('names a row that its line wrote again until a run has stored its finding [E1, E12]', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    await env.BOOK.prepare('UPDATE line SET relisted_at = 1').run()
    const twice = steps(async (_, work) => {
      await work()
      await work()
    })
    const { record } = await run(workOf(operator), MIDNIGHT, twice)
    expect(record.findings).toMatchObject({ list: [{ account: customer.agent, what: 'relisted' }] })
    expect((await run(workOf(operator), MIDNIGHT + DAY)).record.findings).toMatchObject({ count: 0 })
  })

  it('names what a transfer overpays after its invoice was settled', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    await run(workOf(operator))
    const named = { agent: customer.agent, invoice: (await customer.only()).id }
    await markPaid(operator.settings, named, { amount: CENT, reference: 'bank 1', at: 0 })
    await run(workOf(operator), MIDNIGHT + DAY)
    await markPaid(operator.settings, named, { amount: 7n, reference: 'bank 2', at: 0 })
    const { record } = await run(workOf(operator), MIDNIGHT + 2 * DAY)
    expect(record.findings).toMatchObject({ list: [{ what: 'overpaid', detail: `${named.invoice} by 7` }] })
  })

  it('names an overpayment again when it was returned and comes back', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    await run(workOf(operator))
    const named = { agent: customer.agent, invoice: (await customer.only()).id }
    const counts: unknown[] = []
    const night = async (day: number) =>
      counts.push(
        ((await run(workOf(operator), MIDNIGHT + day * DAY)).record.findings as { count: number }).count,
      )
    const pay = (reference: string, amount: bigint) =>
      markPaid(operator.settings, named, { amount, reference, at: 0 })
    await pay('bank 1', CENT + 5n)
    await night(1)
    await pay('bank 2', 2n)
    await night(2)
    await markReturned(operator.settings, named, { reference: 'bank 2', reason: 'an error', at: 0 })
    await night(3)
    await night(4)
    await markReturned(operator.settings, named, { reference: 'bank 1', reason: 'an error', at: 0 })
    await pay('bank 3', CENT + 5n)
    await night(5)
    await night(6)
    expect(counts).toEqual([1, 1, 1, 0, 1, 0])
  })

  it('bills lines from the registry when the read model has lost them', async () => {
    const operator = await newOperator()
    const registry = env.AGENTS.getByName(randomHex(8))
    const customers = await Promise.all(['a', 'b'].map(() => newCustomer([CENT])))
    for (const { agent, enrolment } of customers) {
      const { name, terms } = enrolment
      const draft = { id: agent, name, url: `https://${agent}.example/keys`, keys: null, terms }
      expect(await registry.create(draft, 'anna')).toMatchObject({ outcome: 'registered' })
    }
    await env.BOOK.prepare('DELETE FROM line').run()
    const settings = {
      ...operator.settings,
      agents: { getByName: () => registry } as unknown as typeof env.AGENTS,
    }
    await run(workOf({ ...operator, settings }))
    for (const customer of customers) expect((await customer.only()).net).toBe(CENT)
    expect(await lines(env.BOOK, '', 10)).toHaveLength(2)
  })

  it('bills and records a finding when the registry does not answer', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    const agents = { getByName: () => ({ count: () => Promise.reject(new Error('overloaded')) }) }
    const settings = { ...operator.settings, agents: agents as unknown as typeof env.AGENTS }
    const { status, record } = await run(workOf({ ...operator, settings }))
    expect(status).toBe('in_doubt')
    expect(record).toMatchObject({ findings: { list: [{ account: 'agents', what: 'silent' }] } })
    expect((await customer.only()).net).toBe(CENT)
  })

  it('bills while the chain cannot be read, and the settlement run fails with the chain’s error', async () => {
    const there = await newReceiver()
    await openChannel(there)
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    const channels = [{ ...there.settings, chain: { ...there.chain, rpcUrl: 'http://127.0.0.1:1' } }]
    const work = workOf(operator, { channels })
    const [settlement, billing] = await Promise.allSettled([
      run(work, MIDNIGHT, steps(), 'settlement'),
      run(work),
    ])
    expect(settlement).toMatchObject({ status: 'rejected', reason: { code: 'unreachable' } })
    expect(billing).toMatchObject({ value: { status: 'settled', record: { bill: { invoices: 1 } } } })
    expect((await customer.only()).net).toBe(CENT)
  })

  it('fails alone, and the settlement run claims', async () => {
    const there = await newReceiver()
    const channel = await openChannel(there)
    await channel.charge(15n)
    const bill = async () => {
      throw new Error('the operator key is invalid')
    }
    const work: Work = { book: env.BOOK, channels: [there.settings], exact: [], bill }
    const [settlement, billing] = await Promise.allSettled([
      run(work, MIDNIGHT, steps(), 'settlement'),
      run(work),
    ])
    expect(settlement).toMatchObject({ value: { status: 'settled' } })
    expect(billing).toMatchObject({ reason: { message: 'the operator key is invalid' } })
    expect(await channel.account.standing()).toMatchObject({ redeemed: 15n })
  })

  it('ends as in_doubt while an invoice cannot be submitted', async () => {
    const operator = await newOperator()
    await newCustomer([60n * CENT], { rail: 'stripe' })
    operator.stripe.fail(/./, 'unreachable', 6)
    const { status, record } = await run(workOf(operator))
    expect(status).toBe('in_doubt')
    expect(record).toMatchObject({ findings: { list: [{ what: 'rail_failed' }, { what: 'rail_failed' }] } })
    expect(await run(workOf(operator))).toMatchObject({ status: 'settled' })
  })

  it('reads Stripe’s events back to the last run that could reach Stripe [F20]', async () => {
    const operator = await newOperator()
    await env.BOOK.prepare('DELETE FROM rail_mark').run()
    const customer = await newCustomer([60n * CENT], { rail: 'stripe' })
    const today = Date.now()
    operator.clock.at = today - 20 * DAY
    await run(workOf(operator))
    const reference = (await customer.only()).presented?.reference ?? ''
    operator.stripe.books.pay(reference)
    const { record } = await run(workOf(operator))
    expect(record).toMatchObject({ bill: { received: '600000' } })
    // The webhook of a dispute is lost, then Stripe cannot be reached for weeks.
    await env.BOOK.prepare('UPDATE rail_mark SET asked_until = asked_until - ?')
      .bind(20 * DAY)
      .run()
    operator.clock.at = today - 15 * DAY
    operator.stripe.books.dispute(reference)
    operator.clock.at = today
    operator.stripe.fail(/events/, 'unreachable', 3)
    expect(await run(workOf(operator))).toMatchObject({ status: 'in_doubt' })
    expect(await customer.stage()).toBe('settled')
    expect(await run(workOf(operator))).toMatchObject({ record: { bill: { received: '-600000' } } })
    expect(await customer.stage()).toBe('past_due')
  })
})
