import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import type { InvoiceStanding } from '../../../src/ledger/billing/types.ts'
import {
  lineOfInvoice,
  lines,
  listLines,
  projectLines,
  saveInvoices,
  saveStatements,
  statements,
} from '../../../src/ledger/book/credit.ts'
import { EVER, enrolmentOf, invoiceOf, newLine, PRICE } from '../credit/harness.ts'
import { invoices } from './lists.ts'

const book = env.BOOK

beforeEach(async () => {
  await book.batch(['line', 'statement', 'invoice'].map((table) => book.prepare(`DELETE FROM ${table}`)))
})

describe('Read model of credit lines', () => {
  it('lists each credit line once, in order, with its last projected totals', async () => {
    for (const id of ['b', 'a', 'b']) await listLines(book, [{ id, name: id, openedAt: 1, relistedAt: null }])
    expect((await lines(book, '', 10)).map(({ id }) => id)).toEqual(['a', 'b'])
    expect(await lines(book, 'a', 10)).toMatchObject([{ id: 'b', totals: null, closed: null }])
    const enrolment = enrolmentOf({ agent: 'b', name: 'Renamed' })
    const totals = { authorized: (1n << 53n) + 1n, charged: 7n, redeemed: 3n, credit: 0n }
    await projectLines(book, [{ ...totals, enrolment, openedAt: 1, limit: 10n, closed: 'credit_unpaid' }], 9)
    await projectLines(book, [], 10)
    expect(await lines(book, 'a', 10)).toMatchObject([
      {
        name: 'Renamed',
        closed: 'credit_unpaid',
        updatedAt: 9,
        totals: { authorized: (1n << 53n) + 1n, ceiling: 13n },
      },
    ])
  })

  it('stores each statement once and each invoice in its latest state', async () => {
    const line = newLine()
    const head = {
      period: EVER,
      first: 1,
      last: 9,
      total: 5n,
      root: '0x00' as const,
      closedAt: 3,
      name: 'Example',
    }
    for (const agent of ['a', 'b', 'a']) await saveStatements(book, [{ ...head, agent }])
    await saveStatements(book, [])
    expect(await statements(book, { limit: 10 })).toHaveLength(2)
    expect(await statements(book, { agent: 'b', limit: 10 })).toEqual([{ ...head, agent: 'b' }])
    const standing = (number: number): InvoiceStanding => ({
      ...invoiceOf(line, { number, periods: ['p'], charged: PRICE }),
      presented: null,
      paid: 0n,
      credited: 0n,
      creditedNet: 0n,
      failedAt: null,
      stage: 'open',
    })
    await saveInvoices(book, [standing(1), standing(2)])
    await saveInvoices(book, [{ ...standing(1), paid: PRICE, stage: 'settled' }])
    await saveInvoices(book, [])
    expect(await invoices(book, { limit: 10 })).toMatchObject([{ number: 2 }, { number: 1, paid: PRICE }])
    expect(await invoices(book, { stage: 'open', limit: 10 })).toMatchObject([{ number: 2 }])
    expect(await invoices(book, { before: 2, limit: 10 })).toMatchObject([{ number: 1 }])
    expect(await invoices(book, { agent: 'unknown', limit: 10 })).toEqual([])
    expect(await lineOfInvoice(book, standing(1).id)).toBe(line.enrolment.agent)
    expect(await lineOfInvoice(book, 'INV-none')).toBeNull()
  })
})
