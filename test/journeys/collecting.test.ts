/** Journeys of invoices with trouble: declined cards, disputes, partial transfers and suspended crawlers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exactFetch } from '../upstream.ts'
import { plainBot, webBot } from './bots.ts'
import {
  type Answer,
  type CreditCustomer,
  type CreditSite,
  DEAR,
  enrol,
  type Line,
  ODD,
  operate,
  startCreditSite,
} from './credit-site.ts'
import { AGENT, CANARY } from './site.ts'

let site: CreditSite

beforeAll(async () => {
  site = await startCreditSite()
})
afterAll(() => site.stop())

/** Expects a 402 that offers payment by wallet only, with this message. */
function expectCutOff({ status, error, message, offers }: Answer, why: string): void {
  expect([status, error, message]).toEqual([402, 'payment_failed', why])
  expect(offers.map((offer) => offer.replace(/\d+$/, ''))).toEqual([
    'batch-settlement eip155:',
    'exact eip155:',
  ])
}

/** Expects the journal to be unchanged up to `before`; returns the newer entries. */
async function expectOnlyMore(customer: CreditCustomer, before: Line[]): Promise<Line[]> {
  const after = await customer.journal()
  expect(after.slice(0, before.length)).toEqual(before)
  return after.slice(before.length)
}

describe('crawler on credit that pays by card', { timeout: 60_000 }, () => {
  const UNPAID = 'An invoice could not be collected. Pay at once instead.'
  let reader: CreditCustomer

  /** Posts events as Stripe's webhook, whether or not they were sent before. */
  async function postEvents(events: { id: string }[], forged = ''): Promise<number[]> {
    const statuses: number[] = []
    for (const event of events) {
      const { body, signature } = await site.stripe.signed(event)
      const response = await fetch(`${site.facts.url}/_tab402/stripe`, {
        method: 'POST',
        headers: { 'stripe-signature': signature },
        body: body + forged,
      })
      statuses.push(response.status)
    }
    return statuses
  }

  const pay = async (card: string) => {
    const { presented } = await reader.newest()
    expect((await fetch(`${presented?.url}?card=${card}`, { method: 'POST' })).status).toBe(200)
  }

  it('gets one invoice at Stripe, even if the response to its creation is lost [F20]', async () => {
    reader = await enrol(site, 'card-bot', await webBot('card.example'), { rail: 'stripe' })
    expect((await reader.read('/dear/first')).charged).toBe(DEAR)
    expect((await reader.read('/odd/first')).charged).toBe(ODD)
    site.stripe.fail(/^POST .v1.invoices$/, 'lost')
    expect(await site.passNights()).toMatchObject({ record: { findings: { count: 0 } } })
    await site.passNights()
    const invoice = await reader.newest()
    expect(invoice).toMatchObject({ net: '610000', carriedOut: '2345', stage: 'open' })
    const { invoices, lines } = site.stripe.books
    expect(invoices).toMatchObject([{ number: invoice.id, total: 61, status: 'open' }])
    expect(lines.map(({ amount }) => amount)).toEqual([61])
  })

  it('is refused after its card is declined, and served again once another card pays [C13]', async () => {
    expect((await reader.read('/before')).status).toBe(200)
    await pay('pm_card_declined')
    expect(await reader.newest()).toMatchObject({ stage: 'past_due', owed: '610000' })
    expectCutOff(await reader.read('/cut'), UNPAID)
    expect(await reader.me('')).toMatchObject({ balance: { status: 'credit_unpaid', available: '0' } })
    await pay('pm_card_visa')
    expect(await reader.newest()).toMatchObject({ stage: 'settled', owed: '0', paid: '610000' })
    expect(await reader.balance()).toMatchObject({ status: 'open', redeemed: '610000' })
    expect((await reader.read('/cut')).status).toBe(200)
    const { history } = await reader.newest()
    expect(history.map(({ kind }) => kind)).toEqual([
      'presented',
      'failure',
      'stage',
      'stage',
      'payment',
      'stage',
    ])
  })

  it('is unaffected by repeated, reordered or forged webhooks [F20]', async () => {
    const before = await reader.journal()
    const again = [...site.stripe.books.events].reverse()
    expect(again.length).toBeGreaterThan(2)
    const statuses = await postEvents([...again, ...again])
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(await postEvents(again, ' ')).toEqual(again.map(() => 400))
    expect(await expectOnlyMore(reader, before)).toEqual([])
  })

  it('owes a disputed payment until the dispute is won, even if its webhook arrives first [C13]', async () => {
    await reader.read('/dear/second')
    await site.passNights()
    const { id, total } = await reader.newest()
    const { books } = site.stripe
    const [reference = '', known] = [books.invoices.at(-1)?.id, books.events.length]
    const before = await reader.journal()
    books.pay(reference)
    const dispute = books.dispute(reference)
    const news = books.events.slice(known).reverse()
    expect(news.map(({ type }) => type)).toEqual([
      'charge.dispute.created',
      'invoice.paid',
      'invoice_payment.paid',
    ])
    await postEvents([...news, ...news])
    await site.stripe.deliver()
    expect(await reader.newest()).toMatchObject({ id, stage: 'past_due', paid: '0', owed: total })
    const since = await expectOnlyMore(reader, before)
    const money = since.filter(({ kind }) => kind === 'payment' || kind === 'reversal')
    expect(money.map(({ kind }) => kind)).toEqual(['payment', 'reversal'])
    expectCutOff(await reader.read('/disputed'), UNPAID)
    expect(await reader.balance()).toMatchObject({ redeemed: '610000' })

    books.close(dispute, 'won')
    await site.stripe.deliver()
    expect(await reader.newest()).toMatchObject({ stage: 'settled', paid: total, owed: '0' })
    expect((await reader.read('/disputed')).status).toBe(200)
    await expectOnlyMore(reader, before)
  })

  it('is not dunned for an invoice that it has paid', async () => {
    await site.passNights()
    const webhooks = site.mailbox.received.filter(({ agent }) => agent === 'card-bot')
    expect(webhooks.every(({ good }) => good)).toBe(true)
    expect(webhooks.at(-1)).toMatchObject({ type: 'invoice.settled', open: '0' })
  })
})

describe('crawler on credit that does not pay its transfer', { timeout: 60_000 }, () => {
  const SUSPENDED = 'The credit line is suspended. Pay at once instead.'
  let reader: CreditCustomer
  let id = ''

  const mark = (reference: string, amount?: string) =>
    operate(site, `/invoices/${id}/payments`, { reference, ...(amount !== undefined && { amount }) })
  const webhooks = () => site.mailbox.received.filter(({ agent }) => agent === 'giro-bot')

  it('pays a part, which the operator records once for repeated entries', async () => {
    reader = await enrol(site, 'giro-bot', await plainBot('giro.example'))
    await reader.read('/dear/page')
    await site.passNights()
    id = (await reader.newest()).id
    expect((await reader.newest()).presented?.instructions).toContain(`Reference: ${id}`)
    expect(await mark('wire 1', '250000')).toMatchObject({ status: 200, body: { owed: '350000' } })
    const before = await reader.journal()
    expect(await mark('wire 1', '250000')).toMatchObject({ status: 200, body: { owed: '350000' } })
    expect(await mark('wire 1')).toMatchObject({ status: 200, body: { owed: '350000' } })
    expect(await mark('wire 1', '350000')).toMatchObject({ status: 409, body: { code: 'reference_used' } })
    expect(await expectOnlyMore(reader, before)).toEqual([])
    expect(await reader.me('')).toMatchObject({ balance: { charged: '600000', owed: '350000' } })
  })

  it('is dunned by webhooks that are retried with one id until delivered', async () => {
    await site.passNights(13)
    expect(webhooks()).toEqual([])
    site.mailbox.refuse = 1
    await site.passNights()
    expect(webhooks()).toMatchObject([{ type: 'invoice.due', invoice: id, open: '350000', good: true }])
    await site.passNights(3)
    const [refused, repeated, late] = webhooks()
    expect(repeated).toEqual(refused)
    expect(late).toMatchObject({ type: 'invoice.past_due', invoice: id, good: true })
    expect(webhooks()).toHaveLength(3)
    // A past due transfer does not stop reading; a suspended one does.
    expect((await reader.read('/late')).status).toBe(200)
  })

  it('is offered wallet payments only once it is suspended, with the reason', async () => {
    await site.passNights(7)
    expect(webhooks().at(-1)).toMatchObject({ type: 'invoice.suspended', invoice: id, open: '350000' })
    expectCutOff(await reader.read('/gone'), SUSPENDED)
    expect(await reader.me('')).toMatchObject({ balance: { status: 'credit_suspended', available: '0' } })
    const wallet = exactFetch(fetch, site.payer(), site.facts.rpc)
    const page = await wallet(`${site.facts.url}/gone`, { headers: { 'user-agent': AGENT } })
    expect([page.status, await page.text()]).toEqual([200, `/gone: ${CANARY}\n`])
  })

  it('is served on the next request after the rest is recorded as paid', async () => {
    const before = await reader.journal()
    expect(await mark('wire 2')).toMatchObject({ status: 200, body: { stage: 'settled', owed: '0' } })
    expect((await reader.read('/gone')).status).toBe(200)
    expect(await mark('wire 3')).toMatchObject({ status: 409, body: { code: 'settled' } })
    const since = await expectOnlyMore(reader, before)
    expect(since.map(({ kind }) => kind)).toEqual(['payment', 'stage', 'charge'])
    await site.passNights()
    const steps = webhooks().map(({ type }) => type.replace('invoice.', ''))
    expect(steps).toEqual(['due', 'due', 'past_due', 'suspended', 'settled'])
    const { body } = await operate<{ acts: { what: string; subject: string }[] }>(site, '/audit?limit=500')
    const marks = body.acts.filter(({ what, subject }) => what === 'invoice.pay' && subject === id)
    expect(marks).toHaveLength(4)
  })
})
