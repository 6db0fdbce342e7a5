import { describe, expect, it } from 'vitest'
import type { Presented } from '../../src/ledger/billing/types.ts'
import type { PaymentEvent } from '../../src/rails/rail.ts'
import { stripeRail } from '../../src/rails/stripe/rail.ts'
import { type LocalStripe, localStripe } from '../../src/testing/stripe/stripe.ts'
import { invoiceOf, standingOf } from '../billing/bills.ts'

const DAY = 86_400_000
const INVOICE = invoiceOf()

/** A local Stripe and a rail to it, with a clock that the test moves. */
function setUp() {
  const clock = { at: Date.UTC(2026, 10, 22) }
  const now = () => clock.at
  const stripe = localStripe({ now })
  const reach = (input: RequestInfo | URL, init?: RequestInit) => stripe.fetch(new Request(input, init))
  const keys = { secretKey: 'sk_test_local', webhookSecret: 'whsec_local' }
  const open = (more = {}) => stripeRail({ ...keys, fetch: reach, now, ...more })
  return { clock, stripe, rail: open(), open }
}

async function presentedAt({ rail }: ReturnType<typeof setUp>, invoice = INVOICE) {
  return standingOf(invoice, { presented: await rail.present(invoice) })
}

function referenceOf({ presented }: { presented: Presented | null }): string {
  if (!presented) throw new Error('the invoice must be submitted')
  return presented.reference
}

/** Returns one short text for each movement. */
function sums(movements: PaymentEvent[]): string[] {
  return movements.map((movement) => {
    if (movement.kind === 'paid') return `paid ${movement.payment.amount}`
    if (movement.kind === 'credited') return `credited ${movement.credit.total} ${movement.credit.reason}`
    if (movement.kind === 'failed') return `failed ${movement.failure.reason}`
    return `reversed ${movement.reversal.amount} ${movement.reversal.reason}`
  })
}

async function handledBy({ stripe, rail }: ReturnType<typeof setUp>, event: { id: string } | undefined) {
  if (!event) throw new Error('Stripe must have an event')
  const { body, signature } = await stripe.signed(event)
  return rail.readWebhook(body, signature)
}

function lastEvent(stripe: LocalStripe, type: string) {
  return stripe.books.events.findLast((event) => event.type === type)
}

describe('stripeRail.present', () => {
  it('creates a customer and an invoice with number, amounts and VAT, and sends it', async () => {
    const { stripe, rail } = setUp()
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

  it('mentions the reverse charge on an invoice without VAT', async () => {
    const { stripe, rail } = setUp()
    await rail.present(invoiceOf({ vat: { rate: 0, treatment: 'reverse_charge', amount: 0n } }))
    expect(stripe.books.invoices).toMatchObject([
      { total: 123, footer: expect.stringContaining('reverse charge') },
    ])
    expect(stripe.books.lines).toHaveLength(1)
  })

  it('charges a customer with a card on file', async () => {
    const { stripe, rail } = setUp()
    await rail.present(INVOICE)
    const [customer] = stripe.books.customers
    if (customer) customer.invoice_settings.default_payment_method = 'pm_card_visa'
    await rail.present(invoiceOf({ id: 'INV-000002', number: 2 }))
    expect(stripe.books.invoices[1]).toMatchObject({
      status: 'paid',
      collection_method: 'charge_automatically',
    })
  })

  it('creates each object once when called twice at once and again [F20]', async () => {
    const { stripe, rail } = setUp()
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
  ])('creates each object once and sends it after a timeout on the %s [F20]', async (_, requests) => {
    const { stripe, open, clock } = setUp()
    stripe.fail(requests, 'lost', 3)
    await expect(open().present(INVOICE)).rejects.toThrow('stripe: StripeConnectionError')
    const { reference } = await open().present(INVOICE)
    expect(stripe.asked.at(-1)).toBe(`POST /v1/invoices/${reference}/send`)
    const { customers, invoices, lines } = stripe.books
    expect([customers.length, invoices.length, lines.length]).toEqual([1, 1, 2])
    expect(invoices).toMatchObject([{ status: 'open', total: 146 }])
    clock.at += 2 * DAY
    await open().present(INVOICE)
    expect([customers.length, invoices.length, lines.length]).toEqual([1, 1, 2])
  })

  it('finds created objects by metadata after the idempotency key expired [F20]', async () => {
    const { stripe, open, clock } = setUp()
    stripe.fail(/^POST .v1.invoiceitems$/, 'lost', 3)
    await expect(open().present(INVOICE)).rejects.toThrow('StripeConnectionError')
    clock.at += 25 * 3_600_000
    await open().present(INVOICE)
    const { customers, invoices, lines } = stripe.books
    expect([customers.length, invoices.length, lines.length]).toEqual([1, 1, 2])
    expect(invoices).toMatchObject([{ status: 'open', total: 146 }])
  })

  it('throws and finalizes nothing when the draft has another amount', async () => {
    const { stripe, rail } = setUp()
    stripe.fail(/finalize$/, 'unreachable', 3)
    await expect(rail.present(INVOICE)).rejects.toThrow('StripeConnectionError')
    const [draft] = stripe.books.invoices
    if (draft) stripe.books.addLine(draft, { amount: 1, currency: 'usd', description: null, metadata: {} })
    await expect(rail.present(INVOICE)).rejects.toThrow('must come to the invoice’s total')
    expect(draft?.status).toBe('draft')
  })

  it('throws RangeError for a fraction of a cent', async () => {
    const { rail } = setUp()
    const broken = invoiceOf({ net: 1_230_001n })
    await expect(rail.present(broken)).rejects.toThrow(RangeError)
  })

  it('throws an error without the secret key when Stripe rejects the key [G4]', async () => {
    const { open } = setUp()
    const fault = await open({ secretKey: 'sk_live_canary' })
      .present(INVOICE)
      .catch((thrown) => thrown)
    expect(String(fault)).toContain('StripeAuthenticationError')
    expect(JSON.stringify([fault, fault.message, fault.stack, fault.cause])).not.toContain('canary')
  })
})

describe('stripeRail.check', () => {
  it('returns no movements before the invoice is submitted or paid', async () => {
    const ctx = setUp()
    expect(await ctx.rail.check(standingOf(INVOICE))).toEqual([])
    expect(await ctx.rail.check(await presentedAt(ctx))).toEqual([])
  })

  it('returns each partial or full payment with a stable id', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing), 'pm_card_visa', 100)
    ctx.stripe.books.pay(referenceOf(standing))
    const movements = await ctx.rail.check(standing)
    expect(sums(movements)).toEqual(['paid 1000000', 'paid 460000'])
    expect(await ctx.rail.check(standing)).toEqual(movements)
    const ids = movements.map((movement) => movement.kind === 'paid' && movement.payment.id)
    expect(new Set(ids).size).toBe(2)
  })

  it('returns a payment marked in the dashboard', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.markPaid(referenceOf(standing))
    expect(sums(await ctx.rail.check(standing))).toEqual(['paid 1460000'])
  })

  it.each([100, 0])('returns the full amount when a balance leaves %d cents due', async (left) => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    const there = ctx.stripe.books.invoice(referenceOf(standing))
    Object.assign(there, { amount_due: left, amount_remaining: left })
    expect(await ctx.rail.check(standing)).toEqual([])
    if (left === 0) there.status = 'paid'
    else ctx.stripe.books.pay(there.id)
    const movements = sums(await ctx.rail.check(standing))
    expect(movements).toEqual(left === 0 ? ['paid 1460000'] : ['paid 1000000', 'paid 460000'])
  })

  it('returns a declined card until another card pays [C13]', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing), 'pm_card_declined')
    expect(sums(await ctx.rail.check(standing))).toEqual(['failed generic_decline'])
    ctx.stripe.books.pay(referenceOf(standing))
    expect(sums(await ctx.rail.check(standing))).toEqual(['paid 1460000'])
  })

  it('returns a dispute and its outcome [C13]', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing))
    const dispute = ctx.stripe.books.dispute(referenceOf(standing))
    const taken = ['paid 1460000', 'reversed 1460000 disputed: fraudulent']
    expect(sums(await ctx.rail.check(standing))).toEqual(taken)
    ctx.stripe.books.close(dispute, 'lost')
    expect(sums(await ctx.rail.check(standing))).toEqual(taken)
    ctx.stripe.books.close(dispute, 'won')
    expect(sums(await ctx.rail.check(standing))).toEqual([...taken, 'paid 1460000'])
  })

  it('returns a refund', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing))
    ctx.stripe.books.refund(referenceOf(standing), 46)
    expect(sums(await ctx.rail.check(standing))).toEqual(['paid 1460000', 'reversed 460000 refunded'])
  })

  it('returns a failed refund as a payment', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing))
    const refund = ctx.stripe.books.refund(referenceOf(standing), 46)
    const taken = ['paid 1460000', 'reversed 460000 refunded']
    expect(sums(await ctx.rail.check(standing))).toEqual(taken)
    ctx.stripe.books.bounce(refund)
    expect(sums(await ctx.rail.check(standing))).toEqual([...taken, 'paid 460000'])
  })

  it('returns a credit note from Stripe before the refund for it', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    const { books } = ctx.stripe
    books.pay(referenceOf(standing))
    books.credit(books.invoice(referenceOf(standing)), { amount: 46, memo: 'goodwill', metadata: {} })
    books.refund(referenceOf(standing), 46)
    const moves = ['credited 460000 goodwill', 'paid 1460000', 'reversed 460000 refunded']
    expect(sums(await ctx.rail.check(standing))).toEqual(moves)
    for (const note of books.notes) note.status = 'void'
    expect(sums(await ctx.rail.check(standing))).toEqual(moves.slice(1))
  })

  it('returns a reversal for a credit to the customer balance', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    const { books } = ctx.stripe
    books.pay(referenceOf(standing))
    const there = books.invoice(referenceOf(standing))
    const note = books.credit(there, { amount: 46, memo: 'goodwill', metadata: {} })
    Object.assign(note, { customer_balance_transaction: { id: 'cbtxn_1', amount: -46 } })
    const moves = ['credited 460000 goodwill', 'paid 1460000', 'reversed 460000 to the customer’s balance']
    expect(sums(await ctx.rail.check(standing))).toEqual(moves)
  })

  it('rejects when Stripe returns another invoice', async () => {
    const ctx = setUp()
    const { presented } = await presentedAt(ctx)
    const other = standingOf(invoiceOf({ id: 'INV-000009' }), { presented })
    await expect(ctx.rail.check(other)).rejects.toThrow('must carry the id of INV-000009')
  })
})

describe('stripeRail.credit', () => {
  const note = { id: 'CN-000001', number: 1, invoice: 'INV-000001', issuedAt: 0, reason: 'an error of ours' }

  it('lowers the remaining amount once when called twice', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    const half = { ...note, net: 610_000n, vat: 120_000n, total: 730_000n }
    await ctx.rail.syncCreditNote(standing, half)
    await ctx.rail.syncCreditNote(standing, half)
    expect(ctx.stripe.books.invoice(referenceOf(standing))).toMatchObject({ amount_remaining: 73 })
  })

  it('credits paid amounts too when less remains', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing), 'pm_card_visa', 100)
    await ctx.rail.syncCreditNote(standing, { ...note, net: 610_000n, vat: 120_000n, total: 730_000n })
    expect(ctx.stripe.books.invoice(referenceOf(standing))).toMatchObject({
      status: 'paid',
      amount_remaining: 0,
      pre_payment_credit_notes_amount: 46,
      post_payment_credit_notes_amount: 27,
    })
    expect(sums(await ctx.rail.check(standing))).toEqual(['paid 1000000'])
  })

  it('issues no credit note on a voided invoice', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.cancel(referenceOf(standing))
    await ctx.rail.syncCreditNote(standing, { ...note, net: 1_230_000n, vat: 230_000n, total: 1_460_000n })
    expect(ctx.stripe.books.notes).toEqual([])
  })

  it('moves no money on a paid invoice', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing))
    await ctx.rail.syncCreditNote(standing, { ...note, net: 1_230_000n, vat: 230_000n, total: 1_460_000n })
    expect(ctx.stripe.books.notes).toMatchObject([{ amount: 146 }])
    expect(sums(await ctx.rail.check(standing))).toEqual(['paid 1460000'])
  })
})

describe('stripeRail.collects', () => {
  it('returns true until the invoice is paid, also after a declined card', async () => {
    const ctx = setUp()
    expect(await ctx.rail.collects(standingOf(INVOICE))).toBe(true)
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing), 'pm_card_declined')
    expect(await ctx.rail.collects(standing)).toBe(true)
    ctx.stripe.books.pay(referenceOf(standing), 'pm_card_visa', 46)
    expect(await ctx.rail.collects(standing)).toBe(true)
  })

  it('returns false for an invoice that was paid, disputed or voided', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing))
    ctx.stripe.books.close(ctx.stripe.books.dispute(referenceOf(standing)), 'lost')
    expect(await ctx.rail.collects(standing)).toBe(false)
    const other = await presentedAt(ctx, invoiceOf({ id: 'INV-000002' }))
    ctx.stripe.books.cancel(referenceOf(other))
    expect(await ctx.rail.collects(other)).toBe(false)
  })
})

describe('Stripe webhook', () => {
  it('is rejected without a valid signature or when it is old', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing))
    const [event] = ctx.stripe.books.events
    if (!event) throw new Error('Stripe must have an event')
    const { body, signature } = await ctx.stripe.signed(event)
    const refused = { outcome: 'refused' }
    expect(await ctx.rail.readWebhook(body, null)).toEqual(refused)
    expect(await ctx.rail.readWebhook(body.replace('invoice', 'invoicf'), signature)).toEqual(refused)
    expect(await ctx.open({ webhookSecret: 'whsec_other' }).readWebhook(body, signature)).toEqual(refused)
    ctx.clock.at += 301_000
    expect(await ctx.rail.readWebhook(body, signature)).toEqual(refused)
  })

  it.each(['invoice.paid', 'invoice_payment.paid'])(
    'of type %s returns the affected invoice',
    async (type) => {
      const ctx = setUp()
      const standing = await presentedAt(ctx)
      ctx.stripe.books.pay(referenceOf(standing))
      const touched = { outcome: 'affected', agent: 'agent-1', invoice: 'INV-000001' }
      expect(await handledBy(ctx, lastEvent(ctx.stripe, type))).toMatchObject(touched)
    },
  )

  it('of a dispute or a refund returns the affected invoice', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing))
    ctx.stripe.books.dispute(referenceOf(standing))
    ctx.stripe.books.refund(referenceOf(standing), 1)
    for (const type of ['charge.dispute.created', 'charge.refunded']) {
      expect(await handledBy(ctx, lastEvent(ctx.stripe, type))).toMatchObject({ invoice: 'INV-000001' })
    }
  })

  it('is ignored for an invoice that tab402 did not create', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    const invoice = ctx.stripe.books.invoice(referenceOf(standing))
    invoice.metadata = {}
    ctx.stripe.books.pay(invoice.id)
    expect(await handledBy(ctx, lastEvent(ctx.stripe, 'invoice.paid'))).toEqual({ outcome: 'ignored' })
  })

  it('that was lost is replaced by Stripe’s event log [F20]', async () => {
    const ctx = setUp()
    const standing = await presentedAt(ctx)
    ctx.stripe.books.pay(referenceOf(standing))
    ctx.clock.at += DAY
    expect(await ctx.rail.since(ctx.clock.at - 3 * DAY)).toEqual([
      { agent: 'agent-1', invoice: 'INV-000001' },
    ])
    expect(await ctx.rail.since(ctx.clock.at)).toEqual([])
  })
})
