import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { markPaid } from '../../src/billing/payments.ts'
import { lines, listLines, statements } from '../../src/ledger/book/credit.ts'
import { invoices } from '../ledger/book/lists.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, runBilling } from './harness.ts'

const CENT = 10_000n

describe('Read model after a billing run', () => {
  it('has the credit lines, statements and invoices of the run', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    await runBilling(operator)
    const { id, number } = await customer.only()
    const [line] = await lines(env.BOOK, '', 10)
    expect(line).toMatchObject({ id: customer.agent, totals: { charged: CENT, redeemed: 0n } })
    expect(await statements(env.BOOK, { limit: 10 })).toMatchObject([{ agent: customer.agent, total: CENT }])
    const listed = await invoices(env.BOOK, { limit: 10 })
    expect(listed).toMatchObject([{ id, number, agent: customer.agent, net: CENT, paid: 0n, stage: 'open' }])
    await markPaid(
      operator.settings,
      { agent: customer.agent, invoice: id },
      { amount: CENT, reference: 'r', at: 0 },
    )
    await runBilling(operator, MIDNIGHT + DAY)
    expect(await lines(env.BOOK, '', 10)).toMatchObject([{ totals: { charged: CENT, redeemed: CENT } }])
    expect(await invoices(env.BOOK, { limit: 10 })).toMatchObject([{ id, stage: 'settled', paid: CENT }])
  })

  it('has the results of a run that failed before it wrote them [E1]', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    const batch = () => Promise.reject(new Error('write failed'))
    const book = { prepare: (query: string) => env.BOOK.prepare(query), batch } as unknown as D1Database
    const failing = { ...operator, settings: { ...operator.settings, book } }
    await expect(runBilling(failing)).rejects.toThrow('write failed')
    await runBilling(operator)
    expect(await statements(env.BOOK, { limit: 10 })).toMatchObject([{ agent: customer.agent, total: CENT }])
    const { id } = await customer.only()
    const touched = { agent: customer.agent, invoice: id }
    await markPaid(operator.settings, touched, { amount: CENT, reference: 'r', at: 0 })
    await expect(runBilling(failing, MIDNIGHT + DAY)).rejects.toThrow('write failed')
    await runBilling(operator, MIDNIGHT + DAY)
    expect(await invoices(env.BOOK, { limit: 10 })).toMatchObject([{ id, stage: 'settled', paid: CENT }])
  })

  it('restores the rows of a credit line when they were deleted', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    await runBilling(operator)
    const { id } = await customer.only()
    const touched = { agent: customer.agent, invoice: id }
    await markPaid(operator.settings, touched, { amount: CENT, reference: 'r', at: 0 })
    await runBilling(operator, MIDNIGHT + DAY)
    for (const table of ['line', 'statement', 'invoice']) await env.BOOK.prepare(`DELETE FROM ${table}`).run()
    const { agent, name } = customer.enrolment
    await listLines(env.BOOK, [{ id: agent, name, openedAt: 0, relistedAt: null }])
    await runBilling(operator, MIDNIGHT + 2 * DAY)
    expect(await statements(env.BOOK, { limit: 10 })).toMatchObject([{ agent: customer.agent, total: CENT }])
    expect(await invoices(env.BOOK, { limit: 10 })).toMatchObject([{ id, stage: 'settled', paid: CENT }])
  })
})
