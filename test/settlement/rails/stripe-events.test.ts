import { expect, it } from 'vitest'
import { stripeRail } from '../../../src/rails/stripe/rail.ts'
import { localStripe } from '../../../src/testing/stripe/stripe.ts'
import { invoiceOf } from '../../billing/bills.ts'

const NOW = Date.UTC(2026, 10, 22)

it('stripeRail.since makes no request for invoices that tab402 did not create', async () => {
  const now = () => NOW
  const stripe = localStripe({ now })
  const { books } = stripe
  const rail = stripeRail({
    secretKey: 'sk_test_local',
    webhookSecret: 'whsec_local',
    fetch: (input, init) => stripe.fetch(new Request(input, init)),
    now,
  })
  for (let number = 1; number <= 20; number++) {
    const { reference } = await rail.present(invoiceOf({ id: `INV-${number}`, number }))
    if (number > 1) books.invoice(reference).metadata = {}
    books.pay(reference)
  }
  stripe.asked.length = 0
  expect(await rail.since(NOW)).toEqual([{ agent: 'agent-1', invoice: 'INV-1' }])
  expect(stripe.asked.filter((call) => !call.includes('/events'))).toEqual([])
})
