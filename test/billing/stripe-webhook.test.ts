import { env } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { correct } from '../../src/billing/issue-credit-note.ts'
import { stripeWebhook } from '../../src/billing/stripe-webhook.ts'
import { invoiceRows } from '../../src/ledger/book/credit.ts'
import { stripeRail } from '../../src/rails/stripe/rail.ts'
import {
  DAY,
  MIDNIGHT,
  newCustomer,
  newOperator,
  night,
  type Operator,
  preceded,
  runBilling,
} from './harness.ts'

const CENT = 10_000n

/** Sends the last event of this type to the webhook. */
async function deliver({ settings, stripe, clock }: Operator, type: string, over = settings) {
  const rail = stripeRail({
    secretKey: 'sk_test_local',
    webhookSecret: 'whsec_local',
    fetch: (input, init) => stripe.fetch(new Request(input, init)),
    now: () => clock.at,
  })
  const event = stripe.books.events.findLast((one) => one.type === type)
  const { body, signature } = await stripe.signed({ id: event?.id ?? '' })
  const headers = { 'stripe-signature': signature }
  const request = new Request('https://site.example/_tab402/stripe', { method: 'POST', headers, body })
  return stripeWebhook(request, over, rail, () => clock.at)
}

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
  expect(await deliver(operator, 'invoice.paid')).toMatchObject({ status: 200 })
  expect(await customer.only()).toMatchObject({ stage: 'settled' })
  const { findings } = await runBilling(operator, MIDNIGHT + DAY)
  expect(findings).toMatchObject([{ account: customer.agent, what: 'overpaid' }])
  expect(notified.map(({ type }) => type)).toEqual(['invoice.settled'])
})

it('leaves an invoice that is paid at Stripe, and not presented here, to the run', async () => {
  const operator = await newOperator()
  const customer = await newCustomer([80n * CENT], { rail: 'stripe' })
  // The answer to `finalize` and its repeats are lost.
  operator.stripe.fail(/POST .v1.invoices.[^/]+.finalize/, 'lost', 3)
  await runBilling(operator)
  const { id: invoice, presented } = await customer.only()
  expect(presented).toBeNull()
  const [there] = operator.stripe.books.invoices
  expect(there?.status).toBe('open')
  const note = { net: 80n * CENT, reason: 'cancelled', after: 0n, now: MIDNIGHT }
  const named = { agent: customer.agent, invoice }
  expect(await correct(operator.settings, named, note)).toMatchObject({ outcome: 'credited' })
  operator.stripe.books.pay(there?.id ?? '')
  expect(await deliver(operator, 'invoice.paid')).toMatchObject({ status: 200 })
  const { findings } = await night(operator, 1)
  expect(await customer.only()).toMatchObject({ paid: 80n * CENT })
  expect(findings).toMatchObject([{ what: 'overpaid' }])
  expect(operator.stripe.books.notes).toHaveLength(1)
})

it('leaves a credit note that Stripe refuses to the runs, until it takes it', async () => {
  const operator = await newOperator()
  const customer = await newCustomer([80n * CENT], { rail: 'stripe' })
  await runBilling(operator)
  const { id: invoice, presented } = await customer.only()
  // A restricted key without the right to write credit notes.
  const end = operator.stripe.fail(/POST .v1.credit_notes/, 'unreachable', 1000)
  const note = { net: 80n * CENT, reason: 'cancelled', after: 0n, now: MIDNIGHT }
  const named = { agent: customer.agent, invoice }
  expect(await correct(operator.settings, named, note)).toMatchObject({ outcome: 'credited' })
  operator.stripe.books.pay(presented?.reference ?? '', 'pm_card_declined')
  expect(await deliver(operator, 'invoice.payment_failed')).toMatchObject({ status: 200 })
  // Beyond the four days for which a run reads Stripe’s events again.
  for (let day = 1; day <= 5; day++) await night(operator, day)
  end()
  await night(operator, 6)
  expect(operator.stripe.books.notes).toHaveLength(1)
})

it('does not dun a payer for a refund while the number of its credit note cannot be taken', async () => {
  const operator = await newOperator()
  const customer = await newCustomer([80n * CENT], { rail: 'stripe' })
  await runBilling(operator)
  const { presented } = await customer.only()
  const { books } = operator.stripe
  books.pay(presented?.reference ?? '')
  await runBilling(operator, MIDNIGHT + DAY)
  expect(await customer.only()).toMatchObject({ stage: 'settled' })
  const [there] = books.invoices
  if (there) books.credit(there, { amount: 30, memo: 'an outage', metadata: {} })
  books.refund(presented?.reference ?? '', 30)
  const settings = preceded(operator.settings, {
    issue: () => Promise.reject(new Error('overloaded')),
  })
  expect(await deliver(operator, 'charge.refunded', settings)).toMatchObject({ status: 503 })
  expect(await customer.standing()).toMatchObject({ closed: null })
  expect(operator.notified.map(({ type }) => type)).toEqual(['invoice.settled'])
  await night(operator, 2)
  expect(await customer.only()).toMatchObject({ credited: 30n * CENT, paid: 50n * CENT, stage: 'settled' })
})

it('leaves no older invoice in the read model than a run has written meanwhile', async () => {
  const operator = await newOperator()
  const customer = await newCustomer([80n * CENT], { rail: 'stripe' })
  await runBilling(operator)
  const { presented } = await customer.only()
  operator.stripe.books.pay(presented?.reference ?? '', 'pm_card_visa', 30)
  const { book } = operator.settings
  let did = false
  const slow = new Proxy(book, {
    get: (target, method) => {
      if (method !== 'batch') return Reflect.get(target, method).bind(target)
      return async (statements: D1PreparedStatement[]) => {
        if (!did) {
          did = true
          operator.stripe.books.pay(presented?.reference ?? '')
          await runBilling(operator, MIDNIGHT + DAY)
        }
        return target.batch(statements)
      }
    },
  })
  const over = { ...operator.settings, book: slow }
  expect(await deliver(operator, 'invoice_payment.paid', over)).toMatchObject({ status: 200 })
  expect(did).toBe(true)
  const page = { order: { by: 'number', isDown: true }, after: null, limit: 10 }
  const [row] = await invoiceRows(
    env.BOOK,
    { agent: customer.agent },
    page as Parameters<typeof invoiceRows>[2],
  )
  expect(await customer.only()).toMatchObject({ stage: 'settled' })
  expect(row?.invoice).toMatchObject({ stage: 'settled', paid: 80n * CENT })
})

it.each(['paid', 'released'])(
  'takes no step by time of another invoice, which was %s meanwhile',
  async (how) => {
    const operator = await newOperator()
    const noon = MIDNIGHT + DAY / 2
    const customer = await newCustomer([], { rail: 'stripe' })
    const { entry, order } = await customer.charge({ price: 80n * CENT })
    // A run that the operator has started at noon, so that steps are due at noon.
    await runBilling(operator, noon)
    const [older] = await customer.invoices()
    await customer.charge({ price: 90n * CENT })
    for (const day of [1, 16, 18, 24]) await runBilling(operator, MIDNIGHT + day * DAY)
    const [, newer] = await customer.invoices()
    expect((await customer.invoices()).map(({ stage }) => stage)).toEqual(['past_due', 'past_due'])
    expect(await customer.standing()).toMatchObject({ closed: null })
    // The older one is paid, and Stripe's webhook is late; or it is over a page that was not delivered.
    operator.clock.at = noon + 24 * DAY + 60_000
    if (how === 'paid') operator.stripe.books.pay(older?.presented?.reference ?? '')
    else await customer.line().release(entry, order.id)
    operator.stripe.books.pay(newer?.presented?.reference ?? '', 'pm_card_visa', 10)
    expect(await deliver(operator, 'invoice_payment.paid')).toMatchObject({ status: 200 })
    const { closed } = await customer.standing()
    const [{ stage } = { stage: null }] = await customer.invoices()
    expect([closed, stage]).toEqual([null, 'past_due'])
  },
)
