import { describe, expect, it } from 'vitest'
import { catchUp } from '../../src/billing/payments.ts'
import { DAY, MIDNIGHT, newOperator, night, tabOf } from './harness.ts'

const CENT = 10_000n
const BIG = 100n * CENT

/** An invoice that was paid at Stripe, and the operator told of it. */
async function paid() {
  const operator = await newOperator()
  const tab = await tabOf([BIG], { rail: 'stripe' })
  await night(operator)
  const reference = (await tab.only()).presented?.reference ?? ''
  const { books } = operator.stripe
  books.pay(reference)
  await night(operator, MIDNIGHT + DAY)
  const look = async () => {
    await catchUp(operator.settings, MIDNIGHT)
    await night(operator, MIDNIGHT + 2 * DAY)
    return operator.heard.map(({ type }) => type)
  }
  return { tab, reference, books, look }
}

describe('a refund that has failed', () => {
  it('is told to nobody where it is first seen with a dispute that was won', async () => {
    const { tab, reference, books, look } = await paid()
    books.bounce(books.refund(reference, 40))
    books.close(books.dispute(reference), 'won')
    expect(await look()).toEqual(['invoice.settled'])
    expect(await tab.only()).toMatchObject({ paid: BIG, stage: 'settled' })
  })

  it('brings back what was seen to be taken, whatever else is seen with it', async () => {
    const { tab, reference, books, look } = await paid()
    const refund = books.refund(reference, 40)
    expect(await look()).toEqual(['invoice.settled', 'invoice.open', 'invoice.due', 'invoice.past_due'])
    books.bounce(refund)
    books.dispute(reference)
    await look()
    expect(await tab.only()).toMatchObject({ paid: 0n, stage: 'past_due' })
  })
})
