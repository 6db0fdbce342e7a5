import { describe, expect, it } from 'vitest'
import { catchUp } from '../../src/billing/catch-up.ts'
import { markPaid } from '../../src/billing/payments.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, type Operator, runBilling } from './harness.ts'

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
  return { operator, customer, reference, books, look }
}

describe('Failed Stripe refund', () => {
  it('is overpaid when a transfer has paid the refunded amount meanwhile', async () => {
    const { operator, customer, reference, books, look } = await paid()
    const refund = books.refund(reference, 40)
    await look()
    const named = { agent: customer.agent, invoice: (await customer.only()).id }
    const transfer = { amount: 40n * CENT, reference: 'bank', at: MIDNIGHT }
    expect(await markPaid(operator.settings, named, transfer)).toMatchObject({ stage: 'settled' })
    books.bounce(refund)
    await catchUp(operator.settings, MIDNIGHT)
    const { findings } = await runBilling(operator, MIDNIGHT + 3 * DAY)
    expect(findings).toMatchObject([{ what: 'overpaid', detail: `${named.invoice} by ${40n * CENT}` }])
  })

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

describe('Stripe payment', () => {
  it('counts as received by the run that recorded it before another rail failed', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([BIG], { rail: 'stripe' })
    await runBilling(operator)
    const { presented } = await customer.only()
    operator.stripe.books.pay(presented?.reference ?? '')
    const trouble = { is: true }
    const stablecoin = {
      ...operator.settings.rails.transfer,
      name: 'stablecoin',
      check: async () => {
        if (trouble.is) throw new Error('no node')
        return []
      },
    } as unknown as NonNullable<Operator['settings']['rails']['stablecoin']>
    const settings = { ...operator.settings, rails: { ...operator.settings.rails, stablecoin } }
    const first = await runBilling({ ...operator, settings }, MIDNIGHT + DAY)
    trouble.is = false
    const second = await runBilling({ ...operator, settings }, MIDNIGHT + 2 * DAY)
    expect(await customer.only()).toMatchObject({ paid: BIG })
    expect(BigInt(first.sums.received) + BigInt(second.sums.received)).toBe(BIG)
  })
})
