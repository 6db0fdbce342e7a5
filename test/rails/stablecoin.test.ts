/** Attempts whose end is not known: a real line, and an `exact` that answers as the test says. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { Invoice, InvoiceStanding } from '../../src/ledger/billing/types.ts'
import { accept, type Reason, refuse } from '../../src/protocol/refusal.ts'
import { paying, stablecoinRail } from '../../src/rails/stablecoin.ts'
import type { ExactPayment } from '../../src/schemes/exact/payment.ts'
import type { Purchase, Scheme } from '../../src/schemes/scheme.ts'
import { invoiceOf } from '../billing/bills.ts'
import { randomHex } from '../chain/harness.ts'
import { newLine } from '../ledger/credit/harness.ts'

const NOW = Date.UTC(2026, 10, 22)
const TRANSACTION = randomHex(32)

/** What becomes of a payment: it is not even taken, or it is not settled, or it is. */
type Fate = { taken: Reason } | { settled: Reason } | 'settled'

async function rig(count = 1) {
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
  const fate = { of: (_purchase: Purchase): Fate => 'settled' }
  const charged: Purchase[] = []
  const exact = {
    async charge(_: ExactPayment, purchase: Purchase) {
      charged.push(purchase)
      const known = fate.of(purchase)
      if (known !== 'settled' && 'taken' in known) return refuse(known.taken)
      return accept({
        async settle() {
          if (known !== 'settled') return refuse(known.settled)
          return accept({ success: true, transaction: TRANSACTION, network: 'eip155:84532' })
        },
        async release() {},
      })
    },
  } as unknown as Scheme<ExactPayment>
  const lineOf = (name: string) => env.LINES.getByName(name)
  const settings = { exact, lineOf, urlOf: async () => '', now: () => NOW, newId: () => randomHex(8) }
  return { line, invoices, fate, charged, rail: stablecoinRail(settings), settings }
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
  { settings }: Awaited<ReturnType<typeof rig>>,
  invoice: InvoiceStanding,
  payment = paymentOf(invoice.total),
) {
  const url = `https://till.test/${invoice.id}`
  const purchase = { id: randomHex(8), price: invoice.total, request: `GET ${url}`, url, rule: 'default' }
  const taken = await paying(settings, invoice).charge(payment, purchase)
  return { payment, purchase, end: taken.ok ? await taken.value.settle() : taken }
}

async function only<Thing>(things: Promise<Thing[]> | Thing[]): Promise<Thing> {
  const [thing, ...more] = await things
  if (thing === undefined || more.length > 0) throw new Error('not one thing')
  return thing
}

describe('an attempt to pay an invoice at once', () => {
  it('is noted on the line before anything moves', async () => {
    const the = await rig()
    const [invoice] = the.invoices as [InvoiceStanding]
    let known: unknown
    const charge = the.settings.exact.charge
    the.settings.exact.charge = async (payment, purchase) => {
      known = await the.line.line().attempts()
      return charge(payment, purchase)
    }
    await pay(the, invoice)
    expect(known).toMatchObject([{ invoice: invoice.id }])
    expect(await the.line.line().attempts()).toEqual([])
  })

  it.each<[string, Fate]>([
    ['was not taken, since another request has it', { taken: 'exact_in_progress' }],
    ['was not settled, as far as is known', { settled: 'outcome_unknown' }],
  ])('stays open when it %s, and is made again as it was', async (_, doubt) => {
    const the = await rig()
    const [invoice] = the.invoices as [InvoiceStanding]
    the.fate.of = () => doubt
    const { purchase } = await pay(the, invoice)
    expect(await the.rail.check(invoice)).toEqual([])
    expect(await the.line.line().attempts()).toHaveLength(1)
    the.fate.of = () => 'settled'
    const movement = await only(the.rail.check(invoice))
    expect(movement).toMatchObject({
      kind: 'paid',
      payment: { reference: TRANSACTION, amount: invoice.total },
    })
    expect(the.charged.at(-1)).toEqual({ ...purchase, id: expect.not.stringContaining(purchase.id) })
  })

  it('moves what was signed, whatever is owed by the time that it is made again', async () => {
    const the = await rig()
    const [invoice] = the.invoices as [InvoiceStanding]
    const half = invoice.total / 2n
    await pay(the, invoice, paymentOf(half))
    expect(await the.line.line().invoice(invoice.id)).toMatchObject({ paid: half })
  })

  it('has moved the money when its authorization was used for it, long ago', async () => {
    const the = await rig()
    const [invoice] = the.invoices as [InvoiceStanding]
    the.fate.of = () => ({ settled: 'outcome_unknown' })
    const { payment } = await pay(the, invoice)
    the.fate.of = () => ({ taken: 'exact_used' })
    const { from, nonce } = payment.payload.authorization
    const reference = `eip155:84532:${from}:${nonce}`
    expect(await the.rail.check(invoice)).toMatchObject([{ kind: 'paid', payment: { reference } }])
  })

  it('has moved nothing when the chain says that somebody else has used its authorization', async () => {
    const the = await rig()
    const [invoice] = the.invoices as [InvoiceStanding]
    the.fate.of = () => ({ settled: 'exact_used' })
    await pay(the, invoice)
    expect(await the.line.line().invoice(invoice.id)).toMatchObject({ paid: 0n })
    expect(await the.line.line().attempts()).toEqual([])
  })

  it('stays open when it is asked for in other words, which its authorization is not bound to', async () => {
    const the = await rig()
    const [invoice] = the.invoices as [InvoiceStanding]
    the.fate.of = () => ({ settled: 'outcome_unknown' })
    const { payment } = await pay(the, invoice)
    the.fate.of = () => ({ taken: 'exact_bound' })
    await pay(the, invoice, payment)
    the.fate.of = () => 'settled'
    expect(await the.rail.check(invoice)).toMatchObject([
      { kind: 'paid', payment: { reference: TRANSACTION } },
    ])
  })

  it('is over when its authorization was taken for something else before', async () => {
    const the = await rig()
    const [invoice] = the.invoices as [InvoiceStanding]
    the.fate.of = () => ({ taken: 'exact_bound' })
    await pay(the, invoice)
    expect(await the.line.line().attempts()).toEqual([])
  })

  it('is left alone by a look at another invoice', async () => {
    const the = await rig(2)
    const [one, two] = the.invoices as [InvoiceStanding, InvoiceStanding]
    the.fate.of = () => ({ settled: 'outcome_unknown' })
    await pay(the, one)
    const before = the.charged.length
    expect(await the.rail.check(two)).toEqual([])
    expect(the.charged.length).toBe(before)
  })

  it('is over when it is released', async () => {
    const the = await rig()
    const [invoice] = the.invoices as [InvoiceStanding]
    const payment = paymentOf(invoice.total)
    const url = 'https://till.test/'
    const purchase = { id: '1', price: invoice.total, request: `GET ${url}`, url, rule: 'default' }
    const taken = await paying(the.settings, invoice).charge(payment, purchase)
    if (!taken.ok) throw new Error('it was not taken')
    await taken.value.release()
    expect(await the.line.line().attempts()).toEqual([])
  })
})
