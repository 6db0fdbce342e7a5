import { describe, expect, it } from 'vitest'
import type { Presented } from '../../src/ledger/billing/types.ts'
import type { PaymentEvent } from '../../src/rails/rail.ts'
import { stripeRail } from '../../src/rails/stripe/rail.ts'
import { type LocalStripe, localStripe } from '../../src/testing/stripe/stripe.ts'
import { invoiceOf, standingOf } from '../billing/bills.ts'

const DAY = 86_400_000
const INVOICE = invoiceOf()

/** A Stripe of one's own, and a rail to it. Time stands still until it is moved. */
function rig() {
  const clock = { at: Date.UTC(2026, 10, 22) }
  const now = () => clock.at
  const stripe = localStripe({ now })
  const reach = (input: RequestInfo | URL, init?: RequestInit) => stripe.fetch(new Request(input, init))
  const keys = { secretKey: 'sk_test_local', webhookSecret: 'whsec_local' }
  const open = (more = {}) => stripeRail({ ...keys, fetch: reach, now, ...more })
  return { clock, stripe, rail: open(), open }
}

async function presentedAt({ rail }: ReturnType<typeof rig>, invoice = INVOICE) {
  return standingOf(invoice, { presented: await rail.present(invoice) })
}

function referenceOf({ presented }: { presented: Presented | null }): string {
  if (!presented) throw new Error('it was not presented')
  return presented.reference
}

/** Movements in short. */
function sums(movements: PaymentEvent[]): string[] {
  return movements.map((movement) => {
    if (movement.kind === 'paid') return `paid ${movement.payment.amount}`
    if (movement.kind === 'credited') return `credited ${movement.credit.total} ${movement.credit.reason}`
    if (movement.kind === 'failed') return `failed ${movement.failure.reason}`
    return `reversed ${movement.reversal.amount} ${movement.reversal.reason}`
  })
}

async function heardBy({ stripe, rail }: ReturnType<typeof rig>, event: { id: string } | undefined) {
  if (!event) throw new Error('nothing happened at Stripe')
  const { body, signature } = await stripe.signed(event)
  return rail.readWebhook(body, signature)
}

function lastEvent(stripe: LocalStripe, type: string) {
  return stripe.books.events.findLast((event) => event.type === type)
}

describe('handing an invoice to Stripe', () => {
  it('makes a customer and an invoice with our number, our amounts and our VAT, and sends it', async () => {
    const { stripe, rail } = rig()
    const { reference, url } = await rail.present(INVOICE)
    const { customers, invoices, lines } = stripe.books
    expect(customers).toMatchObject([
      { name: 'Crawl SARL', email: 'bills@crawl.example', metadata: { tab402_agent: 'agent-1' } },
    ])
    expect(invoices).toMatchObject([
      {
        id: reference,
        status: 'open',
        number: 'INV-000001',
        currency: 'usd',
        total: 146,
        collection_method: 'send_invoice',
      },
    ])
    expect(invoices[0]?.due_date).toBe(Date.UTC(2026, 11, 6) / 1000)
    expect(lines.map(({ amount, description }) => [amount, description])).toEqual([
      [123, 'Statements 2026-11-21'],
      [23, 'VAT 19 %'],
    ])
    expect(url).toBe(`https://invoice.stripe.example/${reference}`)
    expect(stripe.asked).toContain(`POST /v1/invoices/${reference}/send`)
  })

  it('writes the reverse charge on an invoice without VAT', async () => {
    const { stripe, rail } = rig()
    await rail.present(invoiceOf({ vat: { rate: 0, treatment: 'reverse_charge', amount: 0n } }))
    expect(stripe.books.invoices).toMatchObject([
      { total: 123, footer: expect.stringContaining('reverse charge') },
    ])
    expect(stripe.books.lines).toHaveLength(1)
  })

  it('has a customer with a card on file charged', async () => {
    const { stripe, rail } = rig()
    await rail.present(INVOICE)
    const [customer] = stripe.books.customers
    if (customer) customer.invoice_settings.default_payment_method = 'pm_card_visa'
    await rail.present(invoiceOf({ id: 'INV-000002', number: 2 }))
    expect(stripe.books.invoices[1]).toMatchObject({
      status: 'paid',
      collection_method: 'charge_automatically',
    })
  })

  it('makes nothing twice when it is asked twice, at once or one after the other [F20]', async () => {
    const { stripe, rail } = rig()
    const [first, second] = await Promise.all([rail.present(INVOICE), rail.present(INVOICE)])
    expect(await rail.present(INVOICE)).toEqual(first)
    expect(second).toEqual(first)
    const { customers, invoices, lines } = stripe.books
    expect([customers.length, invoices.length, lines.length]).toEqual([1, 1, 2])
  })

  it.each([
    ['customer', /^POST .v1.customers$/],
    ['invoice', /^POST .v1.invoices$/],
    ['item', /^POST .v1.invoiceitems$/],
    ['finalization', /^POST .v1.invoices.\w+.finalize$/],
  ])('a time-out after Stripe has made the %s makes no second one [F20]', async (_, requests) => {
    const { stripe, open, clock } = rig()
    stripe.fail(requests, 'lost', 3)
    await expect(open().present(INVOICE)).rejects.toThrow('stripe: StripeConnectionError')
    await open().present(INVOICE)
    const { customers, invoices, lines } = stripe.books
    expect([customers.length, invoices.length, lines.length]).toEqual([1, 1, 2])
    expect(invoices).toMatchObject([{ status: 'open', total: 146 }])
    clock.at += 2 * DAY
    await open().present(INVOICE)
    expect([customers.length, invoices.length, lines.length]).toEqual([1, 1, 2])
  })

  it('a key that has expired makes nothing twice: what was made is found by our own name on it [F20]', async () => {
    const { stripe, open, clock } = rig()
    stripe.fail(/^POST .v1.invoiceitems$/, 'lost', 3)
    await expect(open().present(INVOICE)).rejects.toThrow('StripeConnectionError')
    clock.at += 25 * 3_600_000
    await open().present(INVOICE)
    const { customers, invoices, lines } = stripe.books
    expect([customers.length, invoices.length, lines.length]).toEqual([1, 1, 2])
    expect(invoices).toMatchObject([{ status: 'open', total: 146 }])
  })

  it('finalizes nothing that is over another amount', async () => {
    const { stripe, rail } = rig()
    stripe.fail(/finalize$/, 'unreachable', 3)
    await expect(rail.present(INVOICE)).rejects.toThrow('StripeConnectionError')
    const [draft] = stripe.books.invoices
    if (draft) stripe.books.addLine(draft, { amount: 1, currency: 'usd', description: null, metadata: {} })
    await expect(rail.present(INVOICE)).rejects.toThrow('must come to the invoice’s total')
    expect(draft?.status).toBe('draft')
  })

  it('refuses an amount that is no whole number of cents', async () => {
    const { rail } = rig()
    const broken = invoiceOf({ net: 1_230_001n })
    await expect(rail.present(broken)).rejects.toThrow(RangeError)
  })

  it('says nothing of the key when it is refused [G4]', async () => {
    const { open } = rig()
    const fault = await open({ secretKey: 'sk_live_canary' })
      .present(INVOICE)
      .catch((thrown) => thrown)
    expect(String(fault)).toContain('StripeAuthenticationError')
    expect(JSON.stringify([fault, fault.message, fault.stack, fault.cause])).not.toContain('canary')
  })
})

describe('what Stripe says of an invoice', () => {
  it('is nothing before it was handed over, and nothing before it is paid', async () => {
    const the = rig()
    expect(await the.rail.check(standingOf(INVOICE))).toEqual([])
    expect(await the.rail.check(await presentedAt(the))).toEqual([])
  })

  it('is each payment, in part or in full, always by the same id', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing), 'pm_card_visa', 100)
    the.stripe.books.pay(referenceOf(standing))
    const movements = await the.rail.check(standing)
    expect(sums(movements)).toEqual(['paid 1000000', 'paid 460000'])
    expect(await the.rail.check(standing)).toEqual(movements)
    const ids = movements.map((movement) => movement.kind === 'paid' && movement.payment.id)
    expect(new Set(ids).size).toBe(2)
  })

  it('is a payment that was marked by hand in the dashboard', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.markPaid(referenceOf(standing))
    expect(sums(await the.rail.check(standing))).toEqual(['paid 1460000'])
  })

  it.each([100, 0])('is all of it where the customer’s balance leaves %d cents to be paid', async (left) => {
    const the = rig()
    const standing = await presentedAt(the)
    const there = the.stripe.books.invoice(referenceOf(standing))
    Object.assign(there, { amount_due: left, amount_remaining: left })
    expect(await the.rail.check(standing)).toEqual([])
    if (left === 0) there.status = 'paid'
    else the.stripe.books.pay(there.id)
    const movements = sums(await the.rail.check(standing))
    expect(movements).toEqual(left === 0 ? ['paid 1460000'] : ['paid 1000000', 'paid 460000'])
  })

  it('is a card that was declined, until another one is taken [C13]', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing), 'pm_card_declined')
    expect(sums(await the.rail.check(standing))).toEqual(['failed generic_decline'])
    the.stripe.books.pay(referenceOf(standing))
    expect(sums(await the.rail.check(standing))).toEqual(['paid 1460000'])
  })

  it('is a dispute, and its end [C13]', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing))
    const dispute = the.stripe.books.dispute(referenceOf(standing))
    const taken = ['paid 1460000', 'reversed 1460000 disputed: fraudulent']
    expect(sums(await the.rail.check(standing))).toEqual(taken)
    the.stripe.books.close(dispute, 'lost')
    expect(sums(await the.rail.check(standing))).toEqual(taken)
    the.stripe.books.close(dispute, 'won')
    expect(sums(await the.rail.check(standing))).toEqual([...taken, 'paid 1460000'])
  })

  it('is what was given back', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing))
    the.stripe.books.refund(referenceOf(standing), 46)
    expect(sums(await the.rail.check(standing))).toEqual(['paid 1460000', 'reversed 460000 refunded'])
  })

  it('is what was given back and did not arrive, once it is known that it was given back', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing))
    const refund = the.stripe.books.refund(referenceOf(standing), 46)
    const taken = ['paid 1460000', 'reversed 460000 refunded']
    expect(sums(await the.rail.check(standing))).toEqual(taken)
    the.stripe.books.bounce(refund)
    expect(sums(await the.rail.check({ ...standing, paid: 1_000_000n }))).toEqual([...taken, 'paid 460000'])
    expect(sums(await the.rail.check({ ...standing, paid: 1_460_000n }))).toEqual(['paid 1460000'])
  })

  it('is a credit note that was written there, before what was given back for it', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    const { books } = the.stripe
    books.pay(referenceOf(standing))
    books.credit(books.invoice(referenceOf(standing)), { amount: 46, memo: 'goodwill', metadata: {} })
    books.refund(referenceOf(standing), 46)
    const moves = ['credited 460000 goodwill', 'paid 1460000', 'reversed 460000 refunded']
    expect(sums(await the.rail.check(standing))).toEqual(moves)
    for (const note of books.notes) note.status = 'void'
    expect(sums(await the.rail.check(standing))).toEqual(moves.slice(1))
  })

  it('is what was given back to the customer’s balance, which pays for another invoice', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    const { books } = the.stripe
    books.pay(referenceOf(standing))
    const there = books.invoice(referenceOf(standing))
    const note = books.credit(there, { amount: 46, memo: 'goodwill', metadata: {} })
    Object.assign(note, { customer_balance_transaction: { id: 'cbtxn_1', amount: -46 } })
    const moves = ['credited 460000 goodwill', 'paid 1460000', 'reversed 460000 to the customer’s balance']
    expect(sums(await the.rail.check(standing))).toEqual(moves)
  })

  it('is not believed when it speaks of another invoice', async () => {
    const the = rig()
    const { presented } = await presentedAt(the)
    const other = standingOf(invoiceOf({ id: 'INV-000009' }), { presented })
    await expect(the.rail.check(other)).rejects.toThrow('must carry the id of INV-000009')
  })
})

describe('a credit note at Stripe', () => {
  const note = { id: 'CN-000001', number: 1, invoice: 'INV-000001', issuedAt: 0, reason: 'an error of ours' }

  it('lowers what remains to be paid, once', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    const half = { ...note, net: 610_000n, vat: 120_000n, total: 730_000n }
    await the.rail.syncCreditNote(standing, half)
    await the.rail.syncCreditNote(standing, half)
    expect(the.stripe.books.invoice(referenceOf(standing))).toMatchObject({ amount_remaining: 73 })
  })

  it('is over what was paid too, where less remains', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing), 'pm_card_visa', 100)
    await the.rail.syncCreditNote(standing, { ...note, net: 610_000n, vat: 120_000n, total: 730_000n })
    expect(the.stripe.books.invoice(referenceOf(standing))).toMatchObject({
      status: 'paid',
      amount_remaining: 0,
      pre_payment_credit_notes_amount: 46,
      post_payment_credit_notes_amount: 27,
    })
    expect(sums(await the.rail.check(standing))).toEqual(['paid 1000000'])
  })

  it('is not written on a voided invoice, which takes none', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.cancel(referenceOf(standing))
    await the.rail.syncCreditNote(standing, { ...note, net: 1_230_000n, vat: 230_000n, total: 1_460_000n })
    expect(the.stripe.books.notes).toEqual([])
  })

  it('on a paid invoice moves no money by itself', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing))
    await the.rail.syncCreditNote(standing, { ...note, net: 1_230_000n, vat: 230_000n, total: 1_460_000n })
    expect(the.stripe.books.notes).toMatchObject([{ amount: 146 }])
    expect(sums(await the.rail.check(standing))).toEqual(['paid 1460000'])
  })
})

describe('Stripe collects', () => {
  it('what was not paid there yet, also what a declined card did not pay', async () => {
    const the = rig()
    expect(await the.rail.collects(standingOf(INVOICE))).toBe(true)
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing), 'pm_card_declined')
    expect(await the.rail.collects(standing)).toBe(true)
    the.stripe.books.pay(referenceOf(standing), 'pm_card_visa', 46)
    expect(await the.rail.collects(standing)).toBe(true)
  })

  it('nothing more of what was paid, whoever has the money now, or was voided', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing))
    the.stripe.books.close(the.stripe.books.dispute(referenceOf(standing)), 'lost')
    expect(await the.rail.collects(standing)).toBe(false)
    const other = await presentedAt(the, invoiceOf({ id: 'INV-000002' }))
    the.stripe.books.cancel(referenceOf(other))
    expect(await the.rail.collects(other)).toBe(false)
  })
})

describe('a webhook of Stripe', () => {
  it('is refused without its signature, with another, or when it is old', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing))
    const [event] = the.stripe.books.events
    if (!event) throw new Error('nothing happened at Stripe')
    const { body, signature } = await the.stripe.signed(event)
    expect(await the.rail.readWebhook(body, null)).toEqual({ outcome: 'refused' })
    expect(await the.rail.readWebhook(body.replace('invoice', 'invoicf'), signature)).toEqual({
      outcome: 'refused',
    })
    expect(await the.open({ webhookSecret: 'whsec_other' }).readWebhook(body, signature)).toEqual({
      outcome: 'refused',
    })
    the.clock.at += 301_000
    expect(await the.rail.readWebhook(body, signature)).toEqual({ outcome: 'refused' })
  })

  it.each(['invoice.paid', 'invoice_payment.paid'])('leads from %s to the invoice', async (type) => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing))
    const touched = { outcome: 'affected', agent: 'agent-1', invoice: 'INV-000001' }
    expect(await heardBy(the, lastEvent(the.stripe, type))).toMatchObject(touched)
  })

  it('leads from a dispute and from a refund to the invoice', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing))
    the.stripe.books.dispute(referenceOf(standing))
    the.stripe.books.refund(referenceOf(standing), 1)
    for (const type of ['charge.dispute.created', 'charge.refunded']) {
      expect(await heardBy(the, lastEvent(the.stripe, type))).toMatchObject({ invoice: 'INV-000001' })
    }
  })

  it('is ignored when the invoice is none of ours', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    const invoice = the.stripe.books.invoice(referenceOf(standing))
    invoice.metadata = {}
    the.stripe.books.pay(invoice.id)
    expect(await heardBy(the, lastEvent(the.stripe, 'invoice.paid'))).toEqual({ outcome: 'ignored' })
  })

  it('that never came is made up for by what Stripe remembers [F20]', async () => {
    const the = rig()
    const standing = await presentedAt(the)
    the.stripe.books.pay(referenceOf(standing))
    the.clock.at += DAY
    expect(await the.rail.since(the.clock.at - 3 * DAY)).toEqual([
      { agent: 'agent-1', invoice: 'INV-000001' },
    ])
    expect(await the.rail.since(the.clock.at)).toEqual([])
  })
})
