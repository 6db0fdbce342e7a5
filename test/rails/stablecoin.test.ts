/** Payment attempts with an unknown outcome: a real credit line, and an `exact` scheme with chosen results. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { markPaid, markReturned } from '../../src/billing/payments.ts'
import type { Settled } from '../../src/chain/facilitator/facilitator.ts'
import type { Invoice, InvoiceStanding } from '../../src/ledger/billing/types.ts'
import { accept, type Reason, refuse } from '../../src/protocol/refusal.ts'
import { paying, stablecoinRail } from '../../src/rails/stablecoin.ts'
import type { ExactPayment } from '../../src/schemes/exact/payment.ts'
import type { ExactScheme } from '../../src/schemes/exact/scheme.ts'
import type { Purchase } from '../../src/schemes/scheme.ts'
import { invoiceOf } from '../billing/bills.ts'
import { randomHex } from '../chain/harness.ts'
import { newLine } from '../ledger/credit/harness.ts'

const NOW = Date.UTC(2026, 10, 22)
const TRANSACTION = randomHex(32)
const SOLD = { rule: 'default', site: null, policy: 0, who: null }

/** The outcome of a payment: rejected at `charge`, rejected at `settle`, or settled. */
type Outcome = { taken: Reason } | { settled: Reason } | 'settled'

async function setUp(count = 1) {
  const line = newLine({ limit: 10n ** 9n, probation: 10n ** 9n })
  await line.charge({ price: 10_000_000n })
  const agent = line.enrolment.agent
  const invoices: InvoiceStanding[] = []
  for (let number = 1; number <= count; number++) {
    const id = `INV-${agent}-${number}`
    const invoice: Invoice = {
      ...invoiceOf({ agent, rail: 'stablecoin' }),
      id,
      number,
      periods: [`${number}`],
    }
    invoices.push(await line.line().invoiced(invoice))
  }
  const never: Settled = { status: 'refused', reason: 'exact_too_late', isFinal: true }
  const outcome = { of: (_purchase: Purchase): Outcome => 'settled', found: never as Settled }
  const charged: Purchase[] = []
  const exact = {
    network: 'eip155:84532',
    find: async () => outcome.found,
    async charge(_: ExactPayment, purchase: Purchase) {
      charged.push(purchase)
      const known = outcome.of(purchase)
      if (known !== 'settled' && 'taken' in known) return refuse(known.taken)
      return accept({
        async settle() {
          if (known !== 'settled') return refuse(known.settled)
          return accept({ success: true, transaction: TRANSACTION, network: 'eip155:84532' })
        },
        async release() {},
      })
    },
  } as unknown as ExactScheme
  const lineOf = (name: string) => env.LINES.getByName(name)
  const settings = {
    exact: [exact],
    lineOf,
    urlOf: async () => '',
    now: () => NOW,
    newId: () => randomHex(8),
  }
  return { line, invoices, outcome, charged, rail: stablecoinRail(settings), settings }
}

function paymentOf(value: bigint): ExactPayment {
  const authorization = {
    from: randomHex(20),
    to: randomHex(20),
    value,
    validAfter: 0n,
    validBefore: 10n ** 12n,
    nonce: randomHex(32),
  }
  const payload = { authorization, signature: randomHex(65) }
  return { version: 2, scheme: 'exact', network: 'eip155:84532', accepted: null, payload }
}

async function pay(
  { settings }: Awaited<ReturnType<typeof setUp>>,
  invoice: InvoiceStanding,
  payment = paymentOf(invoice.total),
) {
  const url = `https://portal.test/${invoice.id}`
  const purchase = { id: randomHex(8), price: invoice.total, request: `GET ${url}`, url, ...SOLD }
  const taken = await paying(settings, invoice)[0]?.charge(payment, purchase)
  return { payment, purchase, end: taken?.ok ? await taken.value.settle() : taken }
}

function stringOf(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

async function only<Thing>(things: Promise<Thing[]> | Thing[]): Promise<Thing> {
  const [thing, ...more] = await things
  if (thing === undefined || more.length > 0) throw new Error('there must be exactly one')
  return thing
}

describe('Stablecoin payment attempt', () => {
  it('stores and charges its request without the key of the invoice', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    const url = `https://portal.test/${invoice.id}/pay?key=canary&a=b`
    setup.outcome.of = () => ({ settled: 'outcome_unknown' })
    const purchase = { id: randomHex(8), price: invoice.total, request: `GET ${url}`, url, ...SOLD }
    const taken = await paying(setup.settings, invoice)[0]?.charge(paymentOf(invoice.total), purchase)
    if (taken?.ok) await taken.value.settle()
    expect(
      JSON.stringify([setup.charged, (await setup.line.line().attempts())[0]?.detail], stringOf),
    ).not.toContain('canary')
    expect(setup.charged[0]?.request).toBe(`GET https://portal.test/${invoice.id}/pay?key=&a=b`)
  })

  it('is stored on the credit line before money moves', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    let known: unknown
    const [exact] = setup.settings.exact as [ExactScheme]
    const { charge } = exact
    exact.charge = async (payment, purchase) => {
      known = await setup.line.line().attempts()
      return charge(payment, purchase)
    }
    await pay(setup, invoice)
    expect(known).toMatchObject([{ invoice: invoice.id }])
    expect(await setup.line.line().attempts()).toEqual([])
  })

  it.each<[string, Outcome]>([
    ['is rejected as in progress', { taken: 'exact_in_progress' }],
    ['is settled with an unknown outcome', { settled: 'outcome_unknown' }],
  ])('stays open when it %s, and is repeated unchanged', async (_, doubt) => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    setup.outcome.of = () => doubt
    const { purchase } = await pay(setup, invoice)
    expect(await setup.rail.check(invoice)).toEqual([])
    expect(await setup.line.line().attempts()).toHaveLength(1)
    setup.outcome.of = () => 'settled'
    const movement = await only(setup.rail.check(invoice))
    expect(movement).toMatchObject({
      kind: 'paid',
      payment: { reference: TRANSACTION, amount: invoice.total },
    })
    expect(setup.charged.at(-1)).toEqual({ ...purchase, id: expect.not.stringContaining(purchase.id) })
  })

  it('is looked for and not repeated once its invoice was paid otherwise', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    setup.outcome.of = () => ({ settled: 'outcome_unknown' })
    await pay(setup, invoice)
    const named = { agent: invoice.agent, invoice: invoice.id }
    const transfer = { amount: invoice.total, reference: 'bank', at: NOW }
    const settled = await markPaid({ lines: env.LINES }, named, transfer)
    setup.outcome.of = () => 'settled'
    const before = setup.charged.length
    expect(await setup.rail.check(settled)).toEqual([])
    expect(setup.charged.length).toBe(before)
    expect(await setup.line.line().attempts()).toEqual([])
  })

  it('pays the signed amount when another amount is owed', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    const half = invoice.total / 2n
    await pay(setup, invoice, paymentOf(half))
    expect(await setup.line.line().invoice(invoice.id)).toMatchObject({ paid: half })
  })

  it('counts as paid when its own authorization was used', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    setup.outcome.of = () => ({ settled: 'outcome_unknown' })
    const { payment } = await pay(setup, invoice)
    setup.outcome.of = () => ({ taken: 'exact_used' })
    const { from, nonce } = payment.payload.authorization
    const reference = `eip155:84532:${from}:${nonce}`
    expect(await setup.rail.check(invoice)).toMatchObject([{ kind: 'paid', payment: { reference } }])
  })

  it('ends unpaid when another transaction used its authorization', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    setup.outcome.of = () => ({ settled: 'exact_used' })
    await pay(setup, invoice)
    expect(await setup.line.line().invoice(invoice.id)).toMatchObject({ paid: 0n })
    expect(await setup.rail.check(invoice)).toEqual([])
    expect(await setup.line.line().attempts()).toEqual([])
  })

  it('is refused without ending, so that money which arrives later pays the invoice [A7, I9]', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    setup.outcome.of = () => ({ settled: 'exact_insufficient_funds' })
    setup.outcome.found = { status: 'refused', reason: 'exact_insufficient_funds', isFinal: false }
    await pay(setup, invoice)
    const before = setup.charged.length
    expect(await setup.rail.check(invoice)).toEqual([])
    // A refused payment is looked for and never sent again: its payer may have paid otherwise.
    expect(setup.charged.length).toBe(before)
    expect(await setup.line.line().attempts()).toMatchObject([{ isRefused: true }])
    setup.outcome.found = { status: 'settled', transaction: TRANSACTION }
    setup.outcome.of = () => 'settled'
    expect(await setup.rail.check(invoice)).toMatchObject([
      { kind: 'paid', payment: { reference: TRANSACTION, amount: invoice.total } },
    ])
  })

  it('blocks no other payer once it is refused [A7]', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    setup.outcome.of = () => ({ settled: 'exact_failed' })
    const { payment } = await pay(setup, invoice)
    setup.outcome.of = () => 'settled'
    await pay(setup, invoice)
    expect(await setup.line.line().invoice(invoice.id)).toMatchObject({ paid: invoice.total })
    // The refused payment still counts if it arrives, also at an invoice that is paid.
    setup.outcome.found = { status: 'settled', transaction: TRANSACTION }
    const { from, nonce } = payment.payload.authorization
    expect(await setup.rail.check(invoice)).toMatchObject([
      { kind: 'paid', payment: { id: `eip155:84532:${from}:${nonce}` } },
    ])
  })

  it('stays open when a second attempt with its authorization is rejected as bound', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    setup.outcome.of = () => ({ settled: 'outcome_unknown' })
    const { payment } = await pay(setup, invoice)
    setup.outcome.of = () => ({ taken: 'exact_bound' })
    await pay(setup, invoice, payment)
    setup.outcome.of = () => 'settled'
    expect(await setup.rail.check(invoice)).toMatchObject([
      { kind: 'paid', payment: { reference: TRANSACTION } },
    ])
  })

  it('ends when its authorization is bound to another request', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    setup.outcome.of = () => ({ taken: 'exact_bound' })
    await pay(setup, invoice)
    await setup.rail.check(invoice)
    expect(await setup.line.line().attempts()).toEqual([])
  })

  it('is not repeated by a check of another invoice', async () => {
    const setup = await setUp(2)
    const [one, two] = setup.invoices as [InvoiceStanding, InvoiceStanding]
    setup.outcome.of = () => ({ settled: 'outcome_unknown' })
    await pay(setup, one)
    const before = setup.charged.length
    expect(await setup.rail.check(two)).toEqual([])
    expect(setup.charged.length).toBe(before)
  })

  it('ends when it is released', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    const payment = paymentOf(invoice.total)
    const url = 'https://portal.test/'
    const purchase = { id: '1', price: invoice.total, request: `GET ${url}`, url, ...SOLD }
    const taken = await paying(setup.settings, invoice)[0]?.charge(payment, purchase)
    if (!taken?.ok) throw new Error('the payment must be accepted')
    await taken.value.release()
    await setup.rail.check(invoice)
    expect(await setup.line.line().attempts()).toEqual([])
  })

  it('is taken back by its transaction once a reorganization has undone it, and the invoice is owed again [F8]', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    await pay(setup, invoice)
    const touched = { agent: invoice.agent, invoice: invoice.id }
    const undone = { reference: TRANSACTION, reason: 'undone', at: NOW }
    for (let times = 0; times < 2; times++)
      expect(await markReturned({ lines: env.LINES }, touched, undone)).toMatchObject({ paid: 0n })
    expect(await markReturned({ lines: env.LINES }, touched, { ...undone, reference: 'other' })).toBeNull()
  })

  it('is not repeated by the check that finds the money of a refused one', async () => {
    const setup = await setUp()
    const [invoice] = setup.invoices as [InvoiceStanding]
    const [exact] = setup.settings.exact as [ExactScheme]
    setup.outcome.of = () => ({ settled: 'exact_insufficient_funds' })
    setup.outcome.found = { status: 'refused', reason: 'exact_insufficient_funds', isFinal: false }
    const refused = await pay(setup, invoice)
    setup.outcome.of = () => ({ settled: 'outcome_unknown' })
    const open = await pay(setup, invoice)
    expect(await setup.line.line().attempts()).toMatchObject([{ isRefused: true }, { invoice: invoice.id }])
    // The payer of the first has sent its transfer; nothing has sent the second one yet.
    const { find, charge } = exact
    const moved: string[] = []
    exact.find = async (payment, purchase) =>
      payment.payload.authorization.nonce === refused.payment.payload.authorization.nonce
        ? { status: 'settled', transaction: TRANSACTION }
        : find(payment, purchase)
    exact.charge = async (payment, purchase) => {
      moved.push(payment.payload.authorization.nonce)
      return charge(payment, purchase)
    }
    setup.outcome.of = () => 'settled'
    const events = await setup.rail.check(invoice)
    expect(moved).not.toContain(open.payment.payload.authorization.nonce)
    expect(events).toHaveLength(1)
  })
})
