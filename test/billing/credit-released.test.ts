import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { correct } from '../../src/billing/issue-credit-note.ts'
import { markPaid } from '../../src/billing/payments.ts'
import { owedOn } from '../../src/ledger/billing/dunning.ts'
import { creditable } from '../../src/ledger/billing/notes.ts'
import type { InvoiceStanding } from '../../src/ledger/billing/types.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, preceded, runBilling } from './harness.ts'

const CENT = 10_000n
const BIG = 123n * CENT
const HOME = { buyer: { name: 'Crawl GmbH', country: 'DE' } }

/** An invoice over one charge that is released after midnight. */
async function releasedCharge(terms: Parameters<typeof newCustomer>[1] = {}) {
  const operator = await newOperator()
  const customer = await newCustomer([], terms)
  const { entry, order } = await customer.charge({ price: BIG })
  await runBilling(operator)
  await customer.line().release(entry, order.id)
  const sum = async () => {
    const { uninvoiced, carried, charged } = await customer.line().bill()
    const net = (await customer.invoices()).reduce((sum, { net, creditedNet }) => sum + net - creditedNet, 0n)
    const invoiced = net + carried + uninvoiced.reduce((sum, { total }) => sum + total, 0n)
    return { invoiced, delivered: charged - (await customer.standing()).credit }
  }
  return { operator, customer, sum, named: { agent: customer.agent, invoice: (await customer.only()).id } }
}

describe('Charge released after invoicing', () => {
  it.each(['transfer', 'stripe'] as const)(
    'is credited with VAT on its %s invoice by the next run, and no step is dunned',
    async (rail) => {
      const { operator, customer, sum } = await releasedCharge({ rail, ...HOME })
      expect((await customer.only()).vat.amount).toBeGreaterThan(0n)
      for (const day of [1, 2, 20, 40]) await runBilling(operator, MIDNIGHT + day * DAY)
      const { total, credited, stage } = await customer.only()
      expect([stage, credited]).toEqual(['settled', total])
      expect(operator.notified.map(({ type }) => type)).toEqual(['invoice.settled'])
      expect(await customer.standing()).toMatchObject({ charged: 0n, redeemed: 0n, closed: null })
      expect(await sum()).toEqual({ invoiced: 0n, delivered: 0n })
      expect(operator.stripe.books.notes.map(({ amount }) => amount)).toEqual(rail === 'stripe' ? [146] : [])
      await customer.charge({ price: 60n * CENT })
      await runBilling(operator, MIDNIGHT + 41 * DAY)
      expect((await customer.invoices()).at(-1)).toMatchObject({ net: 60n * CENT })
    },
  )

  it('is credited once when the operator issues the credit note', async () => {
    const { operator, customer, sum, named } = await releasedCharge()
    const note = { net: BIG, reason: 'not delivered', after: 0n, now: MIDNIGHT }
    expect(await correct(operator.settings, named, note)).toMatchObject({ outcome: 'credited' })
    await customer.charge({ price: 5n * CENT })
    await runBilling(operator, MIDNIGHT + DAY)
    expect((await customer.invoices()).map(({ net, creditedNet }) => net - creditedNet)).toEqual([
      0n,
      5n * CENT,
    ])
    expect(await sum()).toEqual({ invoiced: 5n * CENT, delivered: 5n * CENT })
  })

  it('becomes account balance when it was paid, and pays for the next charge', async () => {
    const { operator, customer, sum, named } = await releasedCharge()
    await markPaid(operator.settings, named, { amount: BIG, reference: 'bank', at: 0 })
    await runBilling(operator, MIDNIGHT + DAY)
    expect(await customer.only()).toMatchObject({ credited: 0n, stage: 'settled' })
    expect(await customer.standing()).toMatchObject({ credit: BIG })
    await customer.charge({ price: BIG + CENT })
    await runBilling(operator, MIDNIGHT + 2 * DAY)
    expect((await customer.invoices()).at(-1)).toMatchObject({ net: CENT })
    expect(await sum()).toEqual({ invoiced: BIG + CENT, delivered: BIG + CENT })
  })

  it('lowers the next invoice and needs no credit note when later charges exceed it', async () => {
    const { operator, customer, sum } = await releasedCharge()
    await customer.charge({ price: BIG + CENT })
    await runBilling(operator, MIDNIGHT + DAY)
    expect((await customer.invoices()).map(({ net, credited }) => [net, credited])).toEqual([
      [BIG, 0n],
      [CENT, 0n],
    ])
    expect(await sum()).toEqual({ invoiced: BIG + CENT, delivered: BIG + CENT })
  })

  it('is credited by the next run although the VAT of earlier notes was rounded up', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([10n * CENT], HOME)
    const { entry, order } = await customer.charge({ price: 90n * CENT })
    await runBilling(operator)
    const { id: invoice } = await customer.only()
    for (const done of [0n, 1n, 2n]) {
      const note = { net: 3n * CENT, reason: `an error ${done}`, after: 3n * CENT * done, now: MIDNIGHT }
      const corrected = await correct(operator.settings, { agent: customer.agent, invoice }, note)
      expect(corrected).toMatchObject({ outcome: 'credited' })
    }
    await customer.line().release(entry, order.id)
    expect(await customer.line().bill()).toMatchObject({ excess: 90n * CENT })
    await runBilling(operator, MIDNIGHT + DAY)
    // One cent of VAT that three notes have rounded up is not a cent of net.
    expect((await customer.line().bill()).excess).toBeLessThan(CENT)
    expect(owedOn(await customer.only())).toBeLessThan(5n * CENT)
  })

  it('is credited by the next run although the line is charged between its calls', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([])
    const { entry, order } = await customer.charge({ price: 5000n * CENT })
    await runBilling(operator)
    await customer.line().release(entry, order.id)
    const settings = preceded(operator.settings, {
      draftReleased: () => customer.charge({ price: 2_000n }),
    })
    await runBilling({ ...operator, settings }, MIDNIGHT + DAY)
    const [first] = await customer.invoices()
    expect(owedOn(first as InvoiceStanding)).toBeLessThanOrEqual(CENT)
  })

  it('keeps all sums exact under any payments, credit notes and releases [F20]', async () => {
    const cents = fc.bigInt({ min: 1n, max: 300n })
    const runs = fc.array(
      fc.record({
        prices: fc.array(cents, { maxLength: 3 }),
        released: fc.array(fc.nat(8), { maxLength: 3 }),
        paid: fc.option(cents),
        credited: fc.option(fc.tuple(fc.nat(5), cents)),
      }),
      { minLength: 1, maxLength: 5 },
    )
    await fc.assert(
      fc.asyncProperty(runs, async (steps) => {
        // One for each case: a billing run bills every line that D1 lists.
        const operator = await newOperator()
        const customer = await newCustomer([])
        const made: Awaited<ReturnType<typeof customer.charge>>[] = []
        let at = 0
        for (const { prices, released, paid, credited } of steps) {
          for (const price of prices) made.push(await customer.charge({ price: price * 137n }))
          for (const which of released) {
            const charge = made[which]
            if (charge) await customer.line().release(charge.entry, charge.order.id)
          }
          const open =
            made.length === 0 ? undefined : (await customer.invoices()).find((one) => owedOn(one) > 0n)
          const touched = { agent: customer.agent, invoice: open?.id ?? '' }
          const part = { amount: (paid ?? 0n) * 100n, reference: `bank ${at}`, at: 0 }
          const isPaid = open && paid !== null && part.amount <= owedOn(open)
          if (isPaid) await markPaid(operator.settings, touched, part)
          const [which = 0, share = 0n] = credited ?? []
          const less = (await customer.invoices())[which]
          const note = { net: share * 100n, reason: 'late', after: less?.creditedNet ?? 0n, now: 0 }
          if (less && credited && note.net <= creditable(less))
            await correct(operator.settings, { agent: customer.agent, invoice: less.id }, note)
          await runBilling(operator, MIDNIGHT + at++ * DAY)
        }
        if (made.length === 0) return
        for (let more = 0; more < 2; more++) await runBilling(operator, MIDNIGHT + at++ * DAY)
        const { uninvoiced, carried } = await customer.line().bill()
        const { charged, redeemed, credit } = await customer.standing()
        const invoices = await customer.invoices()
        const net = invoices.reduce((sum, one) => sum + one.net - one.creditedNet, 0n)
        const waiting = uninvoiced.reduce((sum, { total }) => sum + total, 0n)
        expect(net + carried + waiting).toBe(charged - credit)
        const asked = invoices.reduce((sum, one) => sum + owedOn(one), 0n)
        expect(asked - (charged - redeemed)).toBeLessThan(CENT)
      }),
      { numRuns: 15 },
    )
  })
})
