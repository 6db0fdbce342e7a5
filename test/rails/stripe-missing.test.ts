/** Stripe events about objects that Stripe no longer finds, or that carry none. */
import Stripe from 'stripe'
import { describe, expect, it } from 'vitest'
import { stripeRail } from '../../src/rails/stripe/rail.ts'
import { localStripe } from '../../src/testing/stripe/stripe.ts'

/** The result of a webhook with this event, signed by Stripe. */
async function handled(event: { data?: unknown }) {
  const now = () => Date.UTC(2026, 10, 22)
  const stripe = localStripe({ now })
  const reach = (input: RequestInfo | URL, init?: RequestInit) => stripe.fetch(new Request(input, init))
  const rail = stripeRail({ secretKey: 'sk_test_local', webhookSecret: 'whsec_local', fetch: reach, now })
  const payload = JSON.stringify({ id: 'evt_1', object: 'event', type: 'invoice.paid', ...event })
  const timestamp = Math.floor(now() / 1000)
  const { webhooks } = new Stripe('sk_test_local')
  const provider = Stripe.createSubtleCryptoProvider()
  const signing = { payload, secret: 'whsec_local', timestamp, cryptoProvider: provider }
  return rail.readWebhook(payload, await webhooks.generateTestHeaderStringAsync(signing))
}

describe('Stripe webhook', () => {
  it.each([
    { object: 'invoice', id: 'in_deleted' },
    { object: 'charge', id: 'ch_1', payment_intent: 'pi_deleted' },
    { object: 'credit_note', id: 'cn_1', invoice: 'in_deleted' },
  ])('is ignored when Stripe no longer finds its object, so that no retry follows: %j', async (object) => {
    expect(await handled({ data: { object } })).toEqual({ outcome: 'ignored' })
  })

  it.each([{}, { data: null }, { data: {} }, { data: { object: null } }, { data: { object: 5 } }])(
    'is ignored without an object to read: %j',
    async (event) => {
      expect(await handled(event)).toEqual({ outcome: 'ignored' })
    },
  )
})
