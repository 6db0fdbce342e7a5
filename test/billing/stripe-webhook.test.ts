import { expect, it } from 'vitest'
import { correct } from '../../src/billing/issue-credit-note.ts'
import { stripeWebhook } from '../../src/billing/stripe-webhook.ts'
import { stripeRail } from '../../src/rails/stripe/rail.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, runBilling } from './harness.ts'

it('leaves a payment that is too large to the run, which names it (simulator, seed 106)', async () => {
  const operator = await newOperator()
  const { settings, clock, stripe, notified } = operator
  const customer = await newCustomer([1_000_000n], { rail: 'stripe' })
  await runBilling(operator)
  const { id: invoice, presented } = await customer.only()
  // Stripe counts in cents, so its payer still owes a part of a cent that the note has taken back.
  const note = { net: 123_456n, reason: 'an outage', after: 0n, now: clock.at }
  await correct(settings, { agent: customer.agent, invoice }, note)
  stripe.books.pay(presented?.reference ?? '')
  const rail = stripeRail({
    secretKey: 'sk_test_local',
    webhookSecret: 'whsec_local',
    fetch: (input, init) => stripe.fetch(new Request(input, init)),
    now: () => clock.at,
  })
  const event = stripe.books.events.find(({ type }) => type === 'invoice.paid')
  const { body, signature } = await stripe.signed({ id: event?.id ?? '' })
  const headers = { 'stripe-signature': signature }
  const request = new Request('https://site.example/_tab402/stripe', { method: 'POST', headers, body })
  expect(await stripeWebhook(request, settings, rail, () => clock.at)).toMatchObject({ status: 200 })
  expect(await customer.only()).toMatchObject({ stage: 'settled' })
  const { findings } = await runBilling(operator, MIDNIGHT + DAY)
  expect(findings).toMatchObject([{ account: customer.agent, what: 'overpaid' }])
  expect(notified.map(({ type }) => type)).toEqual(['invoice.settled'])
})
