import { describe, expect, it } from 'vitest'
import { NUMBERS } from '../../src/billing/context.ts'
import { notesOn } from '../../src/billing/credit-note.ts'
import { correct } from '../../src/billing/issue-credit-note.ts'
import { catchUp, recheck } from '../../src/billing/payments.ts'
import { DAY, MIDNIGHT, newOperator, night, type Operator, tabOf } from './harness.ts'

const CENT = 10_000n
const BIG = 100n * CENT

/** A line whose invoice over {@link BIG} is at Stripe. */
async function presented(terms: Parameters<typeof tabOf>[1] = {}) {
  const operator = await newOperator()
  const tab = await tabOf([BIG], { rail: 'stripe', ...terms })
  await night(operator)
  const { id: invoice, presented } = await tab.only()
  const [there] = operator.stripe.books.invoices
  if (!there || presented?.reference !== there.id) throw new Error('it is not at Stripe')
  const { books } = operator.stripe
  return {
    operator,
    tab,
    invoice,
    books,
    reference: there.id,
    /** In Stripe's dashboard. */
    writeThere: (amount: number) => books.credit(there, { amount, memo: 'an outage', metadata: {} }),
    writeHere: (net: bigint) =>
      correct(
        operator.settings,
        { agent: tab.agent, invoice },
        { net, reason: 'an outage', after: 0n, now: MIDNIGHT },
      ),
  }
}

describe('a credit note that was written at the rail', () => {
  it('is taken in before one of ours is drafted, which then finds too little left', async () => {
    const { tab, books, reference, operator, writeThere, writeHere } = await presented()
    writeThere(60)
    expect(await writeHere(60n * CENT)).toMatchObject({ outcome: 'refused', reason: 'changed' })
    expect(await tab.only()).toMatchObject({ credited: 60n * CENT })
    books.pay(reference)
    expect(await night(operator, MIDNIGHT + DAY)).toMatchObject({ findings: [] })
    expect(await tab.only()).toMatchObject({ paid: 40n * CENT, stage: 'settled' })
  })

  it('is taken in as far as there is something left, the rest found, where ours was first; what is paid is noted', async () => {
    const { tab, books, reference, operator, writeThere, writeHere } = await presented()
    operator.stripe.fail(/./, 'unreachable', 3)
    expect(await writeHere(60n * CENT)).toMatchObject({ outcome: 'credited' })
    writeThere(60)
    books.pay(reference)
    const over = { account: tab.agent, what: 'overcredited', detail: `${(await tab.only()).id} by 200000` }
    const { findings } = await night(operator, MIDNIGHT + DAY)
    expect(findings).toContainEqual(over)
    expect(findings.filter(({ what }) => what === 'rail_failed')).toEqual([])
    expect(await tab.only()).toMatchObject({ credited: BIG, paid: 40n * CENT, stage: 'settled' })
    expect(books.notes.map(({ amount }) => amount)).toEqual([60, 40])
    await night(operator, MIDNIGHT + 40 * DAY)
    expect(await tab.standing()).toMatchObject({ closed: null, charged: 0n })
  })

  it('stops no payment from being noted where it cannot be taken in', async () => {
    const { tab, books, reference, operator, writeThere } = await presented()
    writeThere(60)
    books.pay(reference)
    const numbers = { getByName: () => ({ issue: () => Promise.reject(new Error('no number')) }) }
    const settings = { ...operator.settings, numbers: numbers as unknown as typeof operator.settings.numbers }
    const { received, findings } = await catchUp(settings, MIDNIGHT)
    expect([received, findings]).toEqual([
      `${40n * CENT}`,
      [{ account: tab.agent, what: 'rail_failed', detail: expect.stringContaining('no number') }],
    ])
    await night(operator, MIDNIGHT + DAY)
    expect(await tab.only()).toMatchObject({ credited: 60n * CENT, stage: 'settled' })
  })
})

describe('credit notes that are written here and at the rail at the same time', () => {
  type Settings = Operator['settings']

  /** Settings under which something else happens just after a number was taken. */
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

  it('take no number in vain where the one of the rail is noted first [F20]', async () => {
    const { operator, tab, invoice, writeThere } = await presented()
    const named = { agent: tab.agent, invoice }
    const settings = interrupted(operator, () => {
      writeThere(100)
      return recheck(operator.settings, named)
    })
    const note = { net: 60n * CENT, reason: 'an outage', after: 0n, now: MIDNIGHT }
    const taken = await numbersTaken(operator, async () =>
      expect(await correct(settings, named, note)).toMatchObject({ outcome: 'refused', reason: 'changed' }),
    )
    expect([taken, (await tab.only()).credited]).toEqual([1, BIG])
  })

  it.each([60, 100])(
    'take no number in vain where ours over %d cents is noted first [F20]',
    async (cents) => {
      const { operator, tab, invoice, writeThere } = await presented()
      const named = { agent: tab.agent, invoice }
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
      const totals = (await notesOn(tab.line(), invoice)).map(({ total }) => total / CENT)
      expect([taken, totals]).toEqual(cents === 60 ? [2, [60n, 40n]] : [1, [100n]])
    },
  )
})

describe('a credit note of ours', () => {
  it.each([
    [550_000n, 65, 54],
    [123_456n, 14, 105],
  ])('over %d without VAT is told in whole cents', async (net, told, left) => {
    const buyer = { name: 'Crawl GmbH', country: 'DE' }
    const { books, operator, writeHere } = await presented({ buyer })
    await writeHere(net)
    expect(books.notes.map(({ amount }) => amount)).toEqual([told])
    expect(books.invoices.map(({ amount_remaining }) => amount_remaining)).toEqual([left])
    expect((await night(operator, MIDNIGHT + DAY)).findings).toEqual([])
  })

  it('stops no payment from being noted where the rail does not take it', async () => {
    const { tab, books, reference, operator, writeHere } = await presented()
    operator.stripe.fail(/POST .v1.credit_notes/, 'unreachable', 6)
    expect(await writeHere(60n * CENT)).toMatchObject({ outcome: 'credited' })
    books.pay(reference)
    const { findings } = await night(operator, MIDNIGHT + DAY)
    expect(findings.map(({ what }) => what)).toEqual(['rail_failed', 'overpaid'])
    expect(await tab.only()).toMatchObject({ paid: BIG, stage: 'settled' })
    expect(operator.heard).toEqual([])
    await night(operator, MIDNIGHT + 2 * DAY)
    expect(books.notes).toHaveLength(1)
    expect(operator.heard.map(({ type }) => type)).toEqual(['invoice.settled'])
  })
})
