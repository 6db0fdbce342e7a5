import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { markPaid } from '../../src/billing/payments.ts'
import { invoices, lines, listLine, statements } from '../../src/ledger/book/credit.ts'
import { DAY, MIDNIGHT, newOperator, night, tabOf } from './harness.ts'

const CENT = 10_000n

describe('the book after a night', () => {
  it('has its lines, statements and invoices', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT])
    await night(operator)
    const { id, number } = await tab.only()
    const [line] = await lines(env.BOOK, '', 10)
    expect(line).toMatchObject({ id: tab.agent, totals: { charged: CENT, redeemed: 0n } })
    expect(await statements(env.BOOK, { limit: 10 })).toMatchObject([{ agent: tab.agent, total: CENT }])
    const listed = await invoices(env.BOOK, { limit: 10 })
    expect(listed).toMatchObject([{ id, number, agent: tab.agent, net: CENT, paid: 0n, stage: 'open' }])
    await markPaid(
      operator.settings,
      { agent: tab.agent, invoice: id },
      { amount: CENT, reference: 'r', at: 0 },
    )
    await night(operator, MIDNIGHT + DAY)
    expect(await lines(env.BOOK, '', 10)).toMatchObject([{ totals: { charged: CENT, redeemed: CENT } }])
    expect(await invoices(env.BOOK, { limit: 10 })).toMatchObject([{ id, stage: 'settled', paid: CENT }])
  })

  it('has what a night has done that died before it could write it [E1]', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT])
    const batch = () => Promise.reject(new Error('it died'))
    const book = { prepare: (query: string) => env.BOOK.prepare(query), batch } as unknown as D1Database
    const dying = { ...operator, settings: { ...operator.settings, book } }
    await expect(night(dying)).rejects.toThrow('it died')
    await night(operator)
    expect(await statements(env.BOOK, { limit: 10 })).toMatchObject([{ agent: tab.agent, total: CENT }])
    const { id } = await tab.only()
    const touched = { agent: tab.agent, invoice: id }
    await markPaid(operator.settings, touched, { amount: CENT, reference: 'r', at: 0 })
    await expect(night(dying, MIDNIGHT + DAY)).rejects.toThrow('it died')
    await night(operator, MIDNIGHT + DAY)
    expect(await invoices(env.BOOK, { limit: 10 })).toMatchObject([{ id, stage: 'settled', paid: CENT }])
  })

  it('has anew what it has lost of a line', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT])
    await night(operator)
    const { id } = await tab.only()
    const touched = { agent: tab.agent, invoice: id }
    await markPaid(operator.settings, touched, { amount: CENT, reference: 'r', at: 0 })
    await night(operator, MIDNIGHT + DAY)
    for (const table of ['line', 'statement', 'invoice']) await env.BOOK.prepare(`DELETE FROM ${table}`).run()
    await listLine(env.BOOK, tab.enrolment, 0)
    await night(operator, MIDNIGHT + 2 * DAY)
    expect(await statements(env.BOOK, { limit: 10 })).toMatchObject([{ agent: tab.agent, total: CENT }])
    expect(await invoices(env.BOOK, { limit: 10 })).toMatchObject([{ id, stage: 'settled', paid: CENT }])
  })
})
