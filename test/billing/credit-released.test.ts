import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { creditable } from '../../src/billing/credit-note.ts'
import { correct } from '../../src/billing/issue-credit-note.ts'
import { markPaid } from '../../src/billing/payments.ts'
import { owedOn } from '../../src/ledger/billing/dunning.ts'
import { DAY, MIDNIGHT, newOperator, night, tabOf } from './harness.ts'

const CENT = 10_000n
const BIG = 123n * CENT
const HOME = { buyer: { name: 'Crawl GmbH', country: 'DE' } }

/** An invoice over one request, which came to nothing after midnight. */
async function givenBack(terms: Parameters<typeof tabOf>[1] = {}) {
  const operator = await newOperator()
  const tab = await tabOf([], terms)
  const { entry, order } = await tab.charge({ price: BIG })
  await night(operator)
  await tab.line().release(entry, order.id)
  const sum = async () => {
    const { uninvoiced, carried, charged } = await tab.line().bill()
    const net = (await tab.invoices()).reduce((sum, { net, creditedNet }) => sum + net - creditedNet, 0n)
    const invoiced = net + carried + uninvoiced.reduce((sum, { total }) => sum + total, 0n)
    return { invoiced, delivered: charged - (await tab.standing()).credit }
  }
  return { operator, tab, sum, named: { agent: tab.agent, invoice: (await tab.only()).id } }
}

describe('a charge that is released after it was invoiced', () => {
  it.each(['transfer', 'stripe'] as const)(
    'is taken off its invoice by %s the next night, VAT and all: nobody is dunned for it',
    async (rail) => {
      const { operator, tab, sum } = await givenBack({ rail, ...HOME })
      expect((await tab.only()).vat.amount).toBeGreaterThan(0n)
      for (const day of [1, 2, 20, 40]) await night(operator, MIDNIGHT + day * DAY)
      const { total, credited, stage } = await tab.only()
      expect([stage, credited]).toEqual(['settled', total])
      expect(operator.heard.map(({ type }) => type)).toEqual(['invoice.settled'])
      expect(await tab.standing()).toMatchObject({ charged: 0n, redeemed: 0n, closed: null })
      expect(await sum()).toEqual({ invoiced: 0n, delivered: 0n })
      expect(operator.stripe.books.notes.map(({ amount }) => amount)).toEqual(rail === 'stripe' ? [146] : [])
      await tab.charge({ price: 60n * CENT })
      await night(operator, MIDNIGHT + 41 * DAY)
      expect((await tab.invoices()).at(-1)).toMatchObject({ net: 60n * CENT })
    },
  )

  it('can be credited by the operator too, and is not given back twice', async () => {
    const { operator, tab, sum, named } = await givenBack()
    const note = { net: BIG, reason: 'not delivered', after: 0n, now: MIDNIGHT }
    expect(await correct(operator.settings, named, note)).toMatchObject({ outcome: 'credited' })
    await tab.charge({ price: 5n * CENT })
    await night(operator, MIDNIGHT + DAY)
    expect((await tab.invoices()).map(({ net, creditedNet }) => net - creditedNet)).toEqual([0n, 5n * CENT])
    expect(await sum()).toEqual({ invoiced: 5n * CENT, delivered: 5n * CENT })
  })

  it('is a credit on the line where it was paid for, used before the next charge', async () => {
    const { operator, tab, sum, named } = await givenBack()
    await markPaid(operator.settings, named, { amount: BIG, reference: 'bank', at: 0 })
    await night(operator, MIDNIGHT + DAY)
    expect(await tab.only()).toMatchObject({ credited: 0n, stage: 'settled' })
    expect(await tab.standing()).toMatchObject({ credit: BIG })
    await tab.charge({ price: BIG + CENT })
    await night(operator, MIDNIGHT + 2 * DAY)
    expect((await tab.invoices()).at(-1)).toMatchObject({ net: CENT })
    expect(await sum()).toEqual({ invoiced: BIG + CENT, delivered: BIG + CENT })
  })

  it('lowers what is charged next where that is more: nothing is taken off then', async () => {
    const { operator, tab, sum } = await givenBack()
    await tab.charge({ price: BIG + CENT })
    await night(operator, MIDNIGHT + DAY)
    expect((await tab.invoices()).map(({ net, credited }) => [net, credited])).toEqual([
      [BIG, 0n],
      [CENT, 0n],
    ])
    expect(await sum()).toEqual({ invoiced: BIG + CENT, delivered: BIG + CENT })
  })

  it('leaves all sums exact, and no debt above what the line owes, whatever is paid, credited and released when [F20]', async () => {
    const operator = await newOperator()
    const cents = fc.bigInt({ min: 1n, max: 300n })
    const nights = fc.array(
      fc.record({
        prices: fc.array(cents, { maxLength: 3 }),
        released: fc.array(fc.nat(8), { maxLength: 3 }),
        paid: fc.option(cents),
        credited: fc.option(fc.tuple(fc.nat(5), cents)),
      }),
      { minLength: 1, maxLength: 5 },
    )
    await fc.assert(
      fc.asyncProperty(nights, async (story) => {
        const tab = await tabOf([])
        const made: Awaited<ReturnType<typeof tab.charge>>[] = []
        let at = 0
        for (const { prices, released, paid, credited } of story) {
          for (const price of prices) made.push(await tab.charge({ price: price * 137n }))
          for (const which of released) {
            const charge = made[which]
            if (charge) await tab.line().release(charge.entry, charge.order.id)
          }
          const open = made.length === 0 ? undefined : (await tab.invoices()).find((one) => owedOn(one) > 0n)
          const touched = { agent: tab.agent, invoice: open?.id ?? '' }
          const part = { amount: (paid ?? 0n) * 100n, reference: `bank ${at}`, at: 0 }
          const isPaid = open && paid !== null && part.amount <= owedOn(open)
          if (isPaid) await markPaid(operator.settings, touched, part)
          const [which = 0, share = 0n] = credited ?? []
          const less = (await tab.invoices())[which]
          const note = { net: share * 100n, reason: 'late', after: less?.creditedNet ?? 0n, now: 0 }
          if (less && credited && note.net <= creditable(less))
            await correct(operator.settings, { agent: tab.agent, invoice: less.id }, note)
          await night(operator, MIDNIGHT + at++ * DAY)
        }
        if (made.length === 0) return
        for (let more = 0; more < 2; more++) await night(operator, MIDNIGHT + at++ * DAY)
        const { uninvoiced, carried } = await tab.line().bill()
        const { charged, redeemed, credit } = await tab.standing()
        const invoices = await tab.invoices()
        const net = invoices.reduce((sum, one) => sum + one.net - one.creditedNet, 0n)
        const waiting = uninvoiced.reduce((sum, { total }) => sum + total, 0n)
        expect(net + carried + waiting).toBe(charged - credit)
        const asked = invoices.reduce((sum, one) => sum + owedOn(one), 0n)
        expect(asked - (charged - redeemed)).toBeLessThan(CENT)
      }),
      { numRuns: 25 },
    )
  })
})
