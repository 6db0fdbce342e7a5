import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { OpenBill } from '../../src/billing/run.ts'
import { lines } from '../../src/ledger/book/credit.ts'
import { type Cause, settle, type Work } from '../../src/settlement/run.ts'
import { randomHex } from '../chain/harness.ts'
import { newNight, openTab, recordOf, steps } from '../settlement/harness.ts'
import { DAY, MIDNIGHT, newOperator, type Operator, tabOf } from './harness.ts'

const CENT = 10_000n

function workOf({ settings }: Operator, rest: Partial<Work> = {}): Work {
  const bill: OpenBill = async () => settings
  return { book: env.BOOK, channels: null, exact: null, bill, ...rest }
}

function causeAt(moment: number): Cause {
  return { window: 'test', startedBy: 'cron', moment }
}

async function run(work: Work, moment = MIDNIGHT, through = steps()) {
  const id = `settle-test-${randomHex(4)}`
  const status = await settle(work, through, id, causeAt(moment))
  return { status, record: (await recordOf(id)).record as Record<string, unknown> }
}

describe('a run', () => {
  it('bills credit lines where there is no chain at all', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT])
    const { status, record } = await run(workOf(operator))
    expect(status).toBe('settled')
    expect(record).toMatchObject({
      bill: { lines: 1, statements: 1, stated: '10000', invoices: 1, invoiced: '10000', received: '0' },
      findings: { count: 0 },
    })
    expect((await tab.only()).net).toBe(CENT)
  })

  it('bills the periods that ended by its own moment, whenever it runs', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT])
    await run(workOf(operator), MIDNIGHT - 1)
    expect(await tab.invoices()).toEqual([])
    await run(workOf(operator), MIDNIGHT)
    expect(await tab.only()).toMatchObject({ issuedAt: MIDNIGHT, dueAt: MIDNIGHT + 14 * DAY })
  })

  it('bills once although every step is done twice, and each of them dies once [E1]', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT, CENT])
    const twice = steps(async (_, work) => {
      await work()
      await work()
    })
    await run(workOf(operator), MIDNIGHT, twice)
    const names = new Set<string>()
    const dying = steps(async (name, work) => {
      await work()
      if (names.has(name)) return
      names.add(name)
      throw new Error(`the step "${name}" died after its work`)
    })
    await tab.charge({ price: 3n * CENT })
    for (let tries = 0; tries < 8; tries++) {
      await run(workOf(operator), MIDNIGHT + DAY, dying).catch((fault) =>
        expect(String(fault)).toContain('died'),
      )
    }
    const nets = (await tab.invoices()).map(({ net }) => net)
    expect(nets).toEqual([2n * CENT, 3n * CENT])
    expect(await tab.line().statements()).toHaveLength(2)
  })

  it('bills the lines that the book has lost: the registry knows them all', async () => {
    const operator = await newOperator()
    const registry = env.AGENTS.getByName(randomHex(8))
    const tabs = await Promise.all(['a', 'b'].map(() => tabOf([CENT])))
    for (const { agent, enrolment } of tabs) {
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
    for (const tab of tabs) expect((await tab.only()).net).toBe(CENT)
    expect(await lines(env.BOOK, '', 10)).toHaveLength(2)
  })

  it('bills although the registry does not answer, and says so', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT])
    const agents = { getByName: () => ({ count: () => Promise.reject(new Error('overloaded')) }) }
    const settings = { ...operator.settings, agents: agents as unknown as typeof env.AGENTS }
    const { status, record } = await run(workOf({ ...operator, settings }))
    expect(status).toBe('in_doubt')
    expect(record).toMatchObject({ findings: { list: [{ account: 'agents', what: 'silent' }] } })
    expect((await tab.only()).net).toBe(CENT)
  })

  it('bills although the chain cannot be read, and fails with the chain’s fault', async () => {
    const there = await newNight()
    await openTab(there)
    const operator = await newOperator()
    const tab = await tabOf([CENT])
    const channels = { ...there.settings, chain: { ...there.chain, rpcUrl: 'http://127.0.0.1:1' } }
    await expect(run(workOf(operator, { channels }))).rejects.toThrow('unreachable')
    expect((await tab.only()).net).toBe(CENT)
  })

  it('claims although billing is broken', async () => {
    const there = await newNight()
    const channel = await openTab(there)
    await channel.charge(15n)
    const bill = async () => {
      throw new Error('the operator’s key is none')
    }
    await expect(run({ book: env.BOOK, channels: there.settings, exact: null, bill })).rejects.toThrow(
      'the operator’s key',
    )
    expect(await channel.account.standing()).toMatchObject({ redeemed: 15n })
  })

  it('is in doubt while an invoice cannot be handed over', async () => {
    const operator = await newOperator()
    await tabOf([60n * CENT], { rail: 'stripe' })
    operator.stripe.fail(/./, 'unreachable', 6)
    const { status, record } = await run(workOf(operator))
    expect(status).toBe('in_doubt')
    expect(record).toMatchObject({ findings: { list: [{ what: 'rail_failed' }, { what: 'rail_failed' }] } })
    expect(await run(workOf(operator))).toMatchObject({ status: 'settled' })
  })

  it('hears of what happened at Stripe since the last run that could ask, however long ago [F20]', async () => {
    const operator = await newOperator()
    await env.BOOK.prepare('DELETE FROM run').run()
    const tab = await tabOf([60n * CENT], { rail: 'stripe' })
    const today = Date.now()
    operator.clock.at = today - 20 * DAY
    await run(workOf(operator))
    const reference = (await tab.only()).presented?.reference ?? ''
    operator.stripe.books.pay(reference)
    const { record } = await run(workOf(operator))
    expect(record).toMatchObject({ bill: { received: '600000' } })
    // A dispute whose webhook is lost, then weeks in which Stripe cannot be asked.
    await env.BOOK.prepare('UPDATE run SET started_at = started_at - ?')
      .bind(20 * DAY)
      .run()
    operator.clock.at = today - 15 * DAY
    operator.stripe.books.dispute(reference)
    operator.clock.at = today
    operator.stripe.fail(/events/, 'unreachable', 3)
    expect(await run(workOf(operator))).toMatchObject({ status: 'in_doubt' })
    expect(await tab.stage()).toBe('settled')
    expect(await run(workOf(operator))).toMatchObject({ record: { bill: { received: '-600000' } } })
    expect(await tab.stage()).toBe('past_due')
  })
})
