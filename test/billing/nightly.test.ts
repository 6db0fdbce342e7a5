import { env } from 'cloudflare:test'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { correct } from '../../src/billing/issue-credit-note.ts'
import { catchUp, markPaid } from '../../src/billing/payments.ts'
import { DAY, MIDNIGHT, newOperator, night, tabOf } from './harness.ts'

const CENT = 10_000n

describe('a night', () => {
  it('states, invoices and hands over what was charged until it, to the micro-dollar', async () => {
    const operator = await newOperator()
    const tab = await tabOf([1_234_567n, 10n])
    const { sums, findings } = await night(operator)
    expect(findings).toEqual([])
    expect(sums).toMatchObject({
      lines: 1,
      statements: 1,
      stated: '1234577',
      invoices: 1,
      invoiced: '1230000',
    })
    expect(await tab.only()).toMatchObject({
      agent: tab.agent,
      charged: 1_234_577n,
      net: 1_230_000n,
      carriedOut: 4_577n,
      vat: { treatment: 'reverse_charge' },
      dueAt: MIDNIGHT + 14 * DAY,
      presented: { instructions: expect.stringContaining('IBAN DE00 0000') },
    })
  })

  it('does not bill a period that has not ended', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT], { period: 'monthly' })
    expect((await night(operator, MIDNIGHT - DAY)).sums).toMatchObject({ statements: 0, invoices: 0 })
    const month = new Date(MIDNIGHT - DAY)
    const end = Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1)
    expect((await night(operator, end - 1)).sums).toMatchObject({ statements: 0 })
    expect((await night(operator, end)).sums).toMatchObject({ statements: 1, invoices: 1 })
    expect((await tab.only()).periods).toEqual([new Date(MIDNIGHT - DAY).toISOString().slice(0, 7)])
  })

  it('makes nothing twice, done again or twice at a time', async () => {
    const operator = await newOperator()
    const tab = await tabOf([5n * CENT])
    await Promise.all([night(operator), night(operator), night(operator)])
    await night(operator)
    expect(await tab.line().statements()).toHaveLength(1)
    expect((await tab.only()).net).toBe(5n * CENT)
  })

  it('carries what is below a cent into the next invoice, and what is below the least into the next night', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT + 6_000n])
    const small = await tabOf([4_000n])
    await night(operator)
    expect(await small.invoices()).toEqual([])
    await tab.charge({ price: 5_000n })
    await small.charge({ price: 6_000n })
    await night(operator, MIDNIGHT + DAY)
    const [, second] = await tab.invoices()
    expect(second).toMatchObject({ carriedIn: 6_000n, charged: 5_000n, net: CENT, carriedOut: 1_000n })
    expect(await small.only()).toMatchObject({ charged: CENT, net: CENT, carriedOut: 0n })
    expect((await small.only()).periods).toHaveLength(2)
  })

  it('invoices without gaps in their numbers, however many lines are closed at the same time [F20]', async () => {
    const operator = await newOperator()
    const tabs = await Promise.all(Array.from({ length: 40 }, () => tabOf([CENT])))
    await Promise.all([night(operator), night(operator)])
    const numbers = (await Promise.all(tabs.map((tab) => tab.only()))).map(({ number }) => number)
    numbers.sort((a, b) => a - b)
    const [first = 0] = numbers
    expect(numbers).toEqual(Array.from(numbers, (_, at) => first + at))
    const next = await tabOf([CENT])
    await night(operator)
    expect((await next.only()).number).toBe(first + 40)
  })

  it('sums all invoices and what is carried to what was charged, night after night [F20]', async () => {
    const operator = await newOperator()
    const nights = fc.array(fc.array(fc.bigInt({ min: 1n, max: 30_000n }), { maxLength: 4 }), {
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(nights, async (charges) => {
        const tab = await tabOf([1n])
        let charged = 1n
        for (const [at, prices] of charges.entries()) {
          for (const price of prices) {
            const { entry, order } = await tab.charge({ price })
            if (price % 5n === 0n) await tab.line().release(entry, order.id)
            else charged += price
          }
          await night(operator, MIDNIGHT + at * DAY)
        }
        await night(operator, MIDNIGHT + 10 * DAY)
        const all = await tab.invoices()
        const { uninvoiced, carried, charged: known } = await tab.line().bill()
        const invoiced = all.reduce((sum, { net }) => sum + net, 0n)
        const waiting = uninvoiced.reduce((sum, { total }) => sum + total, 0n)
        expect(invoiced + carried + waiting).toBe(charged)
        expect(known).toBe(charged)
      }),
      { numRuns: 15 },
    )
  })

  it('goes on with the others where one line does not answer, or was never opened', async () => {
    const operator = await newOperator()
    const [tab, silent] = [await tabOf([CENT]), await tabOf([CENT])]
    await env.BOOK.prepare(`INSERT INTO line (id, name, opened_at) VALUES ('nobody', 'Nobody', 0)`).run()
    const { settings } = operator
    const lines = {
      getByName: (id: string) => {
        if (id === silent.agent) throw new Error('this line does not answer')
        return settings.lines.getByName(id)
      },
    } as typeof settings.lines
    const { sums, findings } = await night({ ...operator, settings: { ...settings, lines } })
    expect(sums).toMatchObject({ lines: 3, invoices: 1 })
    expect(findings).toMatchObject([{ account: silent.agent, what: 'silent' }])
    expect((await tab.only()).net).toBe(CENT)
    await night(operator)
    expect((await silent.only()).net).toBe(CENT)
  })

  it('asks each line the same number of times, however many there are, and an idle one once', async () => {
    const operator = await newOperator()
    const asked: string[] = []
    const { settings } = operator
    const counted = <Space extends { getByName(name: string): object }>(name: string, space: Space) =>
      ({
        getByName: (id: string) =>
          new Proxy(space.getByName(id), {
            get: (stub, method) => {
              if (typeof method === 'symbol') return Reflect.get(stub, method)
              const callee = stub as Record<string, (...rest: unknown[]) => Promise<unknown>>
              return (...rest: unknown[]) => {
                asked.push(`${name}.${method}`)
                return callee[method]?.(...rest)
              }
            },
          }),
      }) as unknown as Space
    const watched = {
      ...operator,
      settings: {
        ...settings,
        lines: counted('line', settings.lines),
        numbers: counted('numbers', settings.numbers),
      },
    }
    const costs: number[] = []
    for (const many of [5, 50]) {
      await Promise.all(Array.from({ length: many }, () => tabOf([CENT])))
      asked.length = 0
      await night(watched, MIDNIGHT + many * 60_000)
      const idle = costs.length === 0 ? 0 : 5
      costs.push((asked.length - 2 * idle) / many)
    }
    expect(costs[1]).toBe(costs[0])
    expect(costs[0]).toBeLessThanOrEqual(9)
  })
})

describe('a transfer', () => {
  it('redeems what was marked as paid, in part and in full, once by its reference', async () => {
    const operator = await newOperator()
    const tab = await tabOf([3n * CENT])
    await night(operator)
    const named = { agent: tab.agent, invoice: (await tab.only()).id }
    const part = { amount: CENT, reference: 'bank 1', at: MIDNIGHT }
    await markPaid(operator.settings, named, part)
    expect(await markPaid(operator.settings, named, part)).toMatchObject({ paid: CENT, stage: 'open' })
    expect(await tab.standing()).toMatchObject({ redeemed: CENT })
    const rest = { ...part, amount: 2n * CENT, reference: 'bank 2' }
    expect(await markPaid(operator.settings, named, rest)).toMatchObject({ stage: 'settled' })
    expect(await tab.standing()).toMatchObject({ charged: 3n * CENT, redeemed: 3n * CENT })
  })

  it('over more than is owed is found, and redeems no more than was charged', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT])
    await night(operator)
    const named = { agent: tab.agent, invoice: (await tab.only()).id }
    await markPaid(operator.settings, named, { amount: CENT + 5n, reference: 'too much', at: 0 })
    expect(await tab.standing()).toMatchObject({ redeemed: CENT, credit: 0n })
    const { findings } = await night(operator, MIDNIGHT + DAY)
    expect(findings).toEqual([{ account: tab.agent, what: 'overpaid', detail: `${named.invoice} by 5` }])
  })
})

describe('an invoice paid through Stripe', () => {
  const BIG = 60n * CENT

  it('is paid once Stripe says so', async () => {
    const operator = await newOperator()
    const tab = await tabOf([BIG], { rail: 'stripe' })
    await night(operator)
    operator.stripe.books.pay((await tab.only()).presented?.reference ?? '')
    const { sums } = await night(operator, MIDNIGHT + DAY)
    expect(sums).toMatchObject({ received: BIG.toString(), invoices: 0 })
    expect(await tab.only()).toMatchObject({ paid: BIG, stage: 'settled' })
    expect(await tab.standing()).toMatchObject({ redeemed: BIG })
  })

  it('is handed over the next night where Stripe could not be reached, and not dunned before [F20]', async () => {
    const operator = await newOperator()
    const tab = await tabOf([BIG], { rail: 'stripe' })
    operator.stripe.fail(/./, 'unreachable', 3)
    const { findings } = await night(operator)
    expect(findings).toMatchObject([{ account: tab.agent, what: 'rail_failed' }])
    operator.stripe.fail(/./, 'unreachable', 3)
    await night(operator, MIDNIGHT + 100 * DAY)
    expect(await tab.only()).toMatchObject({ presented: null, stage: 'open' })
    await night(operator, MIDNIGHT + 101 * DAY)
    expect(operator.stripe.books.invoices).toHaveLength(1)
    expect((await tab.only()).presented).not.toBeNull()
  })

  it('that is disputed is past due and its line cut off, until it is paid for again; nothing is rewritten [C13]', async () => {
    const operator = await newOperator()
    const tab = await tabOf([BIG], { rail: 'stripe' })
    await night(operator)
    const reference = (await tab.only()).presented?.reference ?? ''
    operator.stripe.books.pay(reference)
    await night(operator, MIDNIGHT + DAY)
    const before = await tab.entries()
    const dispute = operator.stripe.books.dispute(reference)
    await catchUp(operator.settings, MIDNIGHT)
    expect(await tab.only()).toMatchObject({ stage: 'past_due', paid: 0n })
    expect(await tab.standing()).toMatchObject({ redeemed: 0n, closed: 'credit_unpaid' })
    expect(await tab.place(tab.order())).toMatchObject({ outcome: 'refused', reason: 'credit_unpaid' })
    operator.stripe.books.close(dispute, 'won')
    expect(await catchUp(operator.settings, MIDNIGHT)).toEqual({ received: `${BIG}`, findings: [] })
    expect(await tab.only()).toMatchObject({ stage: 'settled', paid: BIG })
    expect(await tab.place(tab.order())).toMatchObject({ outcome: 'charged' })
    expect((await tab.entries()).slice(0, before.length)).toEqual(before)
  })

  it('whose card is declined is past due, and open again when another card is taken [C13]', async () => {
    const operator = await newOperator()
    const tab = await tabOf([BIG], { rail: 'stripe' })
    await night(operator)
    const reference = (await tab.only()).presented?.reference ?? ''
    operator.stripe.books.pay(reference, 'pm_card_declined')
    await night(operator, MIDNIGHT + DAY)
    expect(await tab.stage()).toBe('past_due')
    expect(await tab.place(tab.order())).toMatchObject({ outcome: 'refused', reason: 'credit_unpaid' })
    operator.stripe.books.pay(reference)
    await night(operator, MIDNIGHT + 2 * DAY)
    expect(await tab.stage()).toBe('settled')
    expect(await tab.place(tab.order())).toMatchObject({ outcome: 'charged' })
  })
})

describe('dunning', () => {
  const types = (heard: { type: string }[]) => heard.map(({ type }) => type)

  it('walks by the operator’s dates, tells each step once, and ends with the payment', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT])
    const days = [0, 13, 14, 16, 17, 23, 24, 103, 104, 105]
    const stages = []
    for (const day of days) {
      await night(operator, MIDNIGHT + day * DAY)
      stages.push(await tab.stage())
    }
    const walk = ['open', 'open', 'due', 'due', 'past_due', 'past_due', 'suspended', 'suspended']
    expect(stages).toEqual([...walk, 'written_off', 'written_off'])
    expect(types(operator.heard)).toEqual([
      'invoice.due',
      'invoice.past_due',
      'invoice.suspended',
      'invoice.written_off',
    ])
    expect(await tab.place(tab.order())).toMatchObject({ outcome: 'refused', reason: 'credit_suspended' })
    const named = { agent: tab.agent, invoice: (await tab.only()).id }
    await markPaid(operator.settings, named, { amount: CENT, reference: 'at last', at: 0 })
    expect(await tab.place(tab.order())).toMatchObject({ outcome: 'charged' })
    await night(operator, MIDNIGHT + 106 * DAY)
    expect(types(operator.heard).at(-1)).toBe('invoice.settled')
  })

  it('tells a step again until the operator takes it, by the same id', async () => {
    const operator = await newOperator()
    await tabOf([CENT])
    await night(operator)
    operator.trouble.webhook = 500
    await night(operator, MIDNIGHT + 14 * DAY)
    await night(operator, MIDNIGHT + 15 * DAY)
    operator.trouble.webhook = 204
    await night(operator, MIDNIGHT + 16 * DAY)
    await night(operator, MIDNIGHT + 16 * DAY)
    expect(types(operator.heard)).toEqual(['invoice.due', 'invoice.due', 'invoice.due'])
    expect(new Set(operator.heard.map(({ id }) => id)).size).toBe(1)
  })
})

describe('a correction', () => {
  it('is a note of its own number, for which less is owed here and at the rail', async () => {
    const operator = await newOperator()
    const tab = await tabOf([80n * CENT], { rail: 'stripe' })
    await night(operator)
    const named = { agent: tab.agent, invoice: (await tab.only()).id }
    const note = { net: 20n * CENT, reason: 'an error of ours', after: 0n, now: MIDNIGHT }
    const credited = await correct(operator.settings, named, note)
    expect(credited).toMatchObject({ outcome: 'credited', note: expect.stringMatching(/^CN-\d{6}$/) })
    expect(await correct(operator.settings, named, note)).toMatchObject({ reason: 'changed' })
    expect(operator.stripe.books.invoices).toMatchObject([{ amount_remaining: 60 }])
    expect(await tab.standing()).toMatchObject({ charged: 60n * CENT })
    const [twin, other] = await Promise.all(
      [1n, 2n].map((cents) =>
        correct(operator.settings, named, { ...note, net: cents * CENT, after: 20n * CENT }),
      ),
    )
    expect([twin?.outcome, other?.outcome].toSorted()).toEqual(['credited', 'refused'])
    const numbers = operator.stripe.books.notes.map(({ metadata }) => metadata.tab402_note)
    expect(new Set(numbers).size).toBe(2)
  })

  it.each([80n, 20n])(
    'over %d cents reaches a rail that was out of reach as soon as it is back',
    async (cents) => {
      const operator = await newOperator()
      const tab = await tabOf([80n * CENT], { rail: 'stripe' })
      await night(operator)
      const named = { agent: tab.agent, invoice: (await tab.only()).id }
      const note = { net: cents * CENT, reason: 'an error of ours', after: 0n, now: MIDNIGHT }
      operator.stripe.fail(/./, 'unreachable', 6)
      expect(await correct(operator.settings, named, note)).toMatchObject({ outcome: 'credited' })
      expect((await night(operator, MIDNIGHT + DAY)).findings).toMatchObject([{ what: 'rail_failed' }])
      expect(operator.stripe.books.notes).toEqual([])
      await night(operator, MIDNIGHT + 2 * DAY)
      expect(operator.stripe.books.notes).toHaveLength(1)
      const left = Number(80n - cents)
      expect(operator.stripe.books.invoices).toMatchObject([{ amount_remaining: left }])
      await night(operator, MIDNIGHT + 3 * DAY)
      expect(operator.stripe.books.notes).toHaveLength(1)
    },
  )

  it('is refused over more than is left, and of an invoice that is none', async () => {
    const operator = await newOperator()
    const tab = await tabOf([CENT])
    await night(operator)
    const note = { net: CENT + 1n, reason: '', after: 0n, now: 0 }
    const named = { agent: tab.agent, invoice: (await tab.only()).id }
    expect(await correct(operator.settings, named, note)).toMatchObject({ reason: 'too_much' })
    const unknown = { ...named, invoice: 'INV-999999' }
    expect(await correct(operator.settings, unknown, note)).toMatchObject({ reason: 'unknown' })
  })
})
