import { describe, expect, it } from 'vitest'
import { correct } from '../../src/billing/issue-credit-note.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, runBilling } from './harness.ts'

const CENT = 10_000n

describe('correct', () => {
  it('issues a numbered credit note that lowers the amount owed here and at the rail', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([80n * CENT], { rail: 'stripe' })
    await runBilling(operator)
    const named = { agent: customer.agent, invoice: (await customer.only()).id }
    const note = { net: 20n * CENT, reason: 'an error of ours', after: 0n, now: MIDNIGHT }
    const credited = await correct(operator.settings, named, note)
    expect(credited).toMatchObject({ outcome: 'credited', note: expect.stringMatching(/^CN-\d{6}$/) })
    expect(await correct(operator.settings, named, note)).toMatchObject({ reason: 'changed' })
    expect(operator.stripe.books.invoices).toMatchObject([{ amount_remaining: 60 }])
    expect(await customer.standing()).toMatchObject({ charged: 60n * CENT })
    const [twin, other] = await Promise.all(
      [1n, 2n].map((cents) =>
        correct(operator.settings, named, { ...note, net: cents * CENT, after: 20n * CENT }),
      ),
    )
    expect([twin?.outcome, other?.outcome].toSorted()).toEqual(['credited', 'refused'])
    const numbers = operator.stripe.books.notes.map(({ metadata }) => metadata.tab402_note)
    expect(new Set(numbers).size).toBe(2)
  })

  it.each([80n, 20n])(
    'submits a credit note over %d cents once an unreachable rail is back',
    async (cents) => {
      const operator = await newOperator()
      const customer = await newCustomer([80n * CENT], { rail: 'stripe' })
      await runBilling(operator)
      const named = { agent: customer.agent, invoice: (await customer.only()).id }
      const note = { net: cents * CENT, reason: 'an error of ours', after: 0n, now: MIDNIGHT }
      operator.stripe.fail(/./, 'unreachable', 6)
      expect(await correct(operator.settings, named, note)).toMatchObject({ outcome: 'credited' })
      expect((await runBilling(operator, MIDNIGHT + DAY)).findings).toMatchObject([{ what: 'rail_failed' }])
      expect(operator.stripe.books.notes).toEqual([])
      await runBilling(operator, MIDNIGHT + 2 * DAY)
      expect(operator.stripe.books.notes).toHaveLength(1)
      const left = Number(80n - cents)
      expect(operator.stripe.books.invoices).toMatchObject([{ amount_remaining: left }])
      await runBilling(operator, MIDNIGHT + 3 * DAY)
      expect(operator.stripe.books.notes).toHaveLength(1)
    },
  )

  it('submits a credit note on a paid invoice once an unreachable rail is back', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([80n * CENT], { rail: 'stripe' })
    await runBilling(operator)
    const { id: invoice, presented } = await customer.only()
    operator.stripe.books.pay(presented?.reference ?? '')
    await runBilling(operator, MIDNIGHT + DAY)
    const note = { net: 20n * CENT, reason: 'an error of ours', after: 0n, now: MIDNIGHT }
    operator.stripe.fail(/./, 'unreachable', 6)
    const named = { agent: customer.agent, invoice }
    expect(await correct(operator.settings, named, note)).toMatchObject({ outcome: 'credited' })
    const nights = []
    for (const day of [2, 3, 4])
      nights.push((await runBilling(operator, MIDNIGHT + day * DAY)).findings.map(({ what }) => what))
    expect(nights).toEqual([['rail_failed', 'overpaid'], ['overpaid'], []])
    expect(operator.stripe.books.notes).toMatchObject([{ amount: 20 }])
  })

  it('rejects an amount above the rest and an unknown invoice', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    await runBilling(operator)
    const note = { net: CENT + 1n, reason: '', after: 0n, now: 0 }
    const named = { agent: customer.agent, invoice: (await customer.only()).id }
    expect(await correct(operator.settings, named, note)).toMatchObject({ reason: 'too_much' })
    const unknown = { ...named, invoice: 'INV-999999' }
    expect(await correct(operator.settings, unknown, note)).toMatchObject({ reason: 'unknown' })
  })
})
