import { describe, expect, it } from 'vitest'
import { catchUp } from '../../src/billing/catch-up.ts'
import { NUMBERS } from '../../src/billing/context.ts'
import { notesOn } from '../../src/billing/credit-note.ts'
import { correct } from '../../src/billing/issue-credit-note.ts'
import { recheck } from '../../src/billing/payments.ts'
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
const BIG = 100n * CENT

/** A credit line with an invoice over {@link BIG} at Stripe. */
async function presented(terms: Parameters<typeof newCustomer>[1] = {}) {
  const operator = await newOperator()
  const customer = await newCustomer([BIG], { rail: 'stripe', ...terms })
  await runBilling(operator)
  const { id: invoice, presented } = await customer.only()
  const [there] = operator.stripe.books.invoices
  if (!there || presented?.reference !== there.id) throw new Error('the invoice must be at Stripe')
  const { books } = operator.stripe
  return {
    operator,
    customer,
    invoice,
    books,
    reference: there.id,
    /** Issues a credit note in Stripe's dashboard. */
    writeThere: (amount: number) => books.credit(there, { amount, memo: 'an outage', metadata: {} }),
    writeHere: (net: bigint) =>
      correct(
        operator.settings,
        { agent: customer.agent, invoice },
        { net, reason: 'an outage', after: 0n, now: MIDNIGHT },
      ),
  }
}

describe('Credit note issued at the rail', () => {
  it('is stored before an own note is drafted, which is then rejected as changed', async () => {
    const { customer, books, reference, operator, writeThere, writeHere } = await presented()
    writeThere(60)
    expect(await writeHere(60n * CENT)).toMatchObject({ outcome: 'refused', reason: 'changed' })
    expect(await customer.only()).toMatchObject({ credited: 60n * CENT })
    books.pay(reference)
    expect(await runBilling(operator, MIDNIGHT + DAY)).toMatchObject({ findings: [] })
    expect(await customer.only()).toMatchObject({ paid: 40n * CENT, stage: 'settled' })
  })

  it('is stored up to the remaining amount, with a finding for the rest, when an own note came first', async () => {
    const { customer, books, reference, operator, writeThere, writeHere } = await presented()
    operator.stripe.fail(/./, 'unreachable', 3)
    expect(await writeHere(60n * CENT)).toMatchObject({ outcome: 'credited' })
    writeThere(60)
    books.pay(reference)
    const { id: invoice } = await customer.only()
    const over = { account: customer.agent, what: 'overcredited', detail: `${invoice} by 200000`, invoice }
    const { findings } = await runBilling(operator, MIDNIGHT + DAY)
    expect(findings).toContainEqual(over)
    expect(findings.filter(({ what }) => what === 'rail_failed')).toEqual([])
    expect(await customer.only()).toMatchObject({ credited: BIG, paid: 40n * CENT, stage: 'settled' })
    expect(books.notes.map(({ amount }) => amount)).toEqual([60, 40])
    await runBilling(operator, MIDNIGHT + 40 * DAY)
    expect(await customer.standing()).toMatchObject({ closed: null, charged: 0n })
  })

  it('does not block a payment when it cannot be stored', async () => {
    const { customer, books, reference, operator, writeThere } = await presented()
    writeThere(60)
    books.pay(reference)
    const numbers = { getByName: () => ({ issue: () => Promise.reject(new Error('no number')) }) }
    const settings = { ...operator.settings, numbers: numbers as unknown as typeof operator.settings.numbers }
    const { id: invoice } = await customer.only()
    const { received, findings } = await catchUp(settings, MIDNIGHT)
    expect([received, findings]).toEqual([
      `${40n * CENT}`,
      [
        {
          account: customer.agent,
          what: 'rail_failed',
          detail: expect.stringContaining('no number'),
          invoice,
        },
      ],
    ])
    await runBilling(operator, MIDNIGHT + DAY)
    expect(await customer.only()).toMatchObject({ credited: 60n * CENT, stage: 'settled' })
  })
})

describe('Credit notes issued here and at the rail at once', () => {
  type Settings = Operator['settings']

  /** Settings that run `meanwhile` just after a number was issued. */
  function interrupted({ settings }: Operator, meanwhile: () => Promise<unknown>): Settings {
    const issue = async (series: string, key: string) => {
      const number = await settings.numbers.getByName(NUMBERS).issue(series, key)
      await meanwhile()
      return number
    }
    return { ...settings, numbers: { getByName: () => ({ issue }) } as unknown as Settings['numbers'] }
  }

  async function numbersTaken({ settings }: Operator, work: () => Promise<unknown>): Promise<number> {
    const numbers = settings.numbers.getByName(NUMBERS)
    const before = await numbers.issue('CN', crypto.randomUUID())
    await work()
    return (await numbers.issue('CN', crypto.randomUUID())) - before - 1
  }

  it('use every issued number, the own draft first, when the rail’s note is found between them [F20]', async () => {
    const { operator, customer, invoice, writeThere } = await presented()
    const named = { agent: customer.agent, invoice }
    const settings = interrupted(operator, () => {
      writeThere(100)
      return recheck(operator.settings, named)
    })
    const note = { net: 60n * CENT, reason: 'an outage', after: 0n, now: MIDNIGHT }
    const taken = await numbersTaken(operator, async () =>
      expect(await correct(settings, named, note)).toMatchObject({ outcome: 'credited' }),
    )
    const totals = (await notesOn(customer.line(), invoice)).map(({ total }) => total / CENT)
    expect([taken, totals]).toEqual([2, [60n, 40n]])
  })

  it.each([60, 100])(
    'use every issued number when an own note over %d cents is stored first [F20]',
    async (cents) => {
      const { operator, customer, invoice, writeThere } = await presented()
      const named = { agent: customer.agent, invoice }
      const [taking, noting] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const adopting = interrupted(operator, () => {
        taking.resolve()
        return noting.promise
      })
      let adopted: Promise<unknown> | undefined
      const settings = interrupted(operator, () => {
        writeThere(40)
        adopted = recheck(adopting, named)
        return taking.promise
      })
      const note = { net: BigInt(cents) * CENT, reason: 'an outage', after: 0n, now: MIDNIGHT }
      const taken = await numbersTaken(operator, async () => {
        expect(await correct(settings, named, note)).toMatchObject({ outcome: 'credited' })
        noting.resolve()
        await adopted
      })
      const totals = (await notesOn(customer.line(), invoice)).map(({ total }) => total / CENT)
      expect([taken, totals]).toEqual(cents === 60 ? [2, [60n, 40n]] : [1, [100n]])
    },
  )
})

describe('Credit note issued here', () => {
  it.each([
    [550_000n, 65, 54],
    [123_456n, 14, 105],
  ])('over %d net is submitted in whole cents', async (net, submitted, left) => {
    const buyer = { name: 'Crawl GmbH', country: 'DE' }
    const { books, operator, writeHere } = await presented({ buyer })
    await writeHere(net)
    expect(books.notes.map(({ amount }) => amount)).toEqual([submitted])
    expect(books.invoices.map(({ amount_remaining }) => amount_remaining)).toEqual([left])
    expect((await runBilling(operator, MIDNIGHT + DAY)).findings).toEqual([])
  })

  it('does not block a payment when the rail cannot be reached', async () => {
    const { customer, books, reference, operator, writeHere } = await presented()
    operator.stripe.fail(/POST .v1.credit_notes/, 'unreachable', 6)
    expect(await writeHere(60n * CENT)).toMatchObject({ outcome: 'credited' })
    books.pay(reference)
    const { findings } = await runBilling(operator, MIDNIGHT + DAY)
    expect(findings.map(({ what }) => what)).toEqual(['rail_failed', 'overpaid'])
    expect(await customer.only()).toMatchObject({ paid: BIG, stage: 'settled' })
    expect(operator.notified).toEqual([])
    await runBilling(operator, MIDNIGHT + 2 * DAY)
    expect(books.notes).toHaveLength(1)
    expect(operator.notified.map(({ type }) => type)).toEqual(['invoice.settled'])
  })

  it.each(['open', 'paid'])(
    'reaches Stripe when it was written between two calls of a run and Stripe failed, on an invoice that is %s',
    async (state) => {
      const operator = await newOperator()
      const customer = await newCustomer([80n * CENT], { rail: 'stripe' })
      await runBilling(operator)
      const { id: invoice, presented } = await customer.only()
      if (state === 'paid') {
        operator.stripe.books.pay(presented?.reference ?? '')
        await night(operator, 1)
        await customer.charge({ price: 80n * CENT })
      }
      const named = { agent: customer.agent, invoice }
      const note = { net: 80n * CENT, reason: 'cancelled', after: 0n, now: MIDNIGHT }
      let did = false
      const settings = preceded(operator.settings, {
        async dun() {
          if (did) return
          did = true
          operator.stripe.fail(/POST .v1.credit_notes/, 'unreachable', 3)
          expect(await correct(operator.settings, named, note)).toMatchObject({ outcome: 'credited' })
        },
      })
      // Stripe's events about the invoice are then older than those that a run reads again.
      await night(operator, 9)
      await night({ ...operator, settings }, 10)
      expect(did).toBe(true)
      await night(operator, 11)
      expect(operator.stripe.books.notes).toHaveLength(1)
    },
  )

  it('is stored, whole and once, when a Worker of the version before sends it without a draft', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([80n * CENT])
    await runBilling(operator)
    const { id: invoice } = await customer.only()
    const number = await operator.settings.numbers.getByName(NUMBERS).issue('CN', `${invoice}:0`)
    const old = {
      id: `CN-${number}`,
      number,
      invoice,
      issuedAt: MIDNIGHT,
      reason: 'an error',
      net: CENT,
      vat: 0n,
      total: CENT,
    }
    for (let times = 0; times < 2; times++)
      expect(await customer.line().credited(old)).toMatchObject({ credited: CENT })
    expect(await notesOn(customer.line(), invoice)).toEqual([old])
  })

  it('does not keep a run from recording payments while its number cannot be taken', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([80n * CENT], { rail: 'stripe' })
    await runBilling(operator)
    const { id: invoice, presented } = await customer.only()
    const settings = preceded(operator.settings, {
      issue: () => Promise.reject(new Error('overloaded')),
    })
    const note = { net: 20n * CENT, reason: 'an error', after: 0n, now: MIDNIGHT }
    await expect(correct(settings, { agent: customer.agent, invoice }, note)).rejects.toThrow('overloaded')
    operator.stripe.books.pay(presented?.reference ?? '')
    const { findings } = await runBilling({ ...operator, settings }, MIDNIGHT + DAY)
    expect(findings.map(({ what }) => what)).toEqual(['rail_failed'])
    expect(await customer.only()).toMatchObject({ paid: 80n * CENT })
  })

  it('reaches Stripe with the next run when its invoice was written off and Stripe could not be reached', async () => {
    const { customer, operator, books, writeHere } = await presented()
    // Written off on day 104; asked about 16 days later, and 32.
    for (const day of [1, 60, 104, 137]) await night(operator, day)
    expect(await customer.stage()).toBe('written_off')
    operator.stripe.fail(/./, 'unreachable', 6)
    expect(await writeHere(BIG - CENT)).toMatchObject({ outcome: 'credited' })
    await night(operator, 138)
    expect(books.notes).toHaveLength(1)
  })

  it('is not answered as issued when its number has another note', async () => {
    const { operator, customer, invoice } = await presented()
    const numbers = { getByName: () => ({ issue: async () => 900_001 }) }
    const settings = { ...operator.settings, numbers: numbers as unknown as typeof operator.settings.numbers }
    const named = { agent: customer.agent, invoice }
    await correct(settings, named, { net: CENT, reason: 'one', after: 0n, now: MIDNIGHT })
    const second = { net: 2n * CENT, reason: 'two', after: CENT, now: MIDNIGHT }
    await expect(correct(settings, named, second)).rejects.toThrow('must be new')
    expect(await customer.only()).toMatchObject({ credited: CENT })
  })
})
