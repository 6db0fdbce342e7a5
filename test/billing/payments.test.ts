import { describe, expect, it } from 'vitest'
import { catchUp } from '../../src/billing/catch-up.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, runBilling } from './harness.ts'

const CENT = 10_000n
const BIG = 100n * CENT

/** An invoice that was paid at Stripe, with the operator notified. */
async function paid() {
  const operator = await newOperator()
  const customer = await newCustomer([BIG], { rail: 'stripe' })
  await runBilling(operator)
  const reference = (await customer.only()).presented?.reference ?? ''
  const { books } = operator.stripe
  books.pay(reference)
  await runBilling(operator, MIDNIGHT + DAY)
  const look = async () => {
    await catchUp(operator.settings, MIDNIGHT)
    await runBilling(operator, MIDNIGHT + 2 * DAY)
    return operator.notified.map(({ type }) => type)
  }
  return { customer, reference, books, look }
}

describe('Failed Stripe refund', () => {
  it('sends no notification when first seen after it failed', async () => {
    const { customer, reference, books, look } = await paid()
    books.bounce(books.refund(reference, 40))
    books.close(books.dispute(reference), 'won')
    expect(await look()).toEqual(['invoice.settled'])
    expect(await customer.only()).toMatchObject({ paid: BIG, stage: 'settled' })
  })

  it('restores the refunded amount when seen together with a dispute', async () => {
    const { customer, reference, books, look } = await paid()
    const refund = books.refund(reference, 40)
    expect(await look()).toEqual(['invoice.settled', 'invoice.open', 'invoice.due', 'invoice.past_due'])
    books.bounce(refund)
    books.dispute(reference)
    await look()
    expect(await customer.only()).toMatchObject({ paid: 0n, stage: 'past_due' })
  })
})
