import { env } from 'cloudflare:test'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catchUp } from '../../src/billing/catch-up.ts'
import { markPaid } from '../../src/billing/payments.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, type Operator, runBilling } from './harness.ts'

const CENT = 10_000n

/** A run of it ends once it has stored the draft of an invoice. */
function withoutNumbers(operator: Operator): Operator {
  const numbers = { getByName: () => ({ issue: () => Promise.reject(new Error('killed')) }) }
  const settings = { ...operator.settings, numbers: numbers as unknown as typeof env.NUMBERS }
  return { ...operator, settings }
}

describe('Billing run', () => {
  it('states, invoices and submits all charges before it, to the micro-dollar', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([1_234_567n, 10n])
    const { sums, findings } = await runBilling(operator)
    expect(findings).toEqual([])
    expect(sums).toMatchObject({
      lines: 1,
      statements: 1,
      stated: '1234577',
      invoices: 1,
      invoiced: '1230000',
    })
    expect(await customer.only()).toMatchObject({
      agent: customer.agent,
      charged: 1_234_577n,
      net: 1_230_000n,
      carriedOut: 4_577n,
      vat: { treatment: 'reverse_charge' },
      dueAt: MIDNIGHT + 14 * DAY,
      presented: { instructions: expect.stringContaining('IBAN DE00 0000') },
    })
  })

  it('bills a monthly period only after its end', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT], { period: 'monthly' })
    expect((await runBilling(operator, MIDNIGHT - DAY)).sums).toMatchObject({ statements: 0, invoices: 0 })
    const month = new Date(MIDNIGHT - DAY)
    const end = Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1)
    expect((await runBilling(operator, end - 1)).sums).toMatchObject({ statements: 0 })
    expect((await runBilling(operator, end)).sums).toMatchObject({ statements: 1, invoices: 1 })
    expect((await customer.only()).periods).toEqual([new Date(MIDNIGHT - DAY).toISOString().slice(0, 7)])
  })

  it('creates each document once when it runs three times at once and again', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([5n * CENT])
    await Promise.all([runBilling(operator), runBilling(operator), runBilling(operator)])
    await runBilling(operator)
    expect(await customer.line().statements()).toHaveLength(1)
    expect((await customer.only()).net).toBe(5n * CENT)
  })

  it('carries amounts below a cent to the next invoice and totals below the minimum to the next run', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT + 6_000n])
    const small = await newCustomer([4_000n])
    await runBilling(operator)
    expect(await small.invoices()).toEqual([])
    await customer.charge({ price: 5_000n })
    await small.charge({ price: 6_000n })
    await runBilling(operator, MIDNIGHT + DAY)
    const [, second] = await customer.invoices()
    expect(second).toMatchObject({ carriedIn: 6_000n, charged: 5_000n, net: CENT, carriedOut: 1_000n })
    expect(await small.only()).toMatchObject({ charged: CENT, net: CENT, carriedOut: 0n })
    expect((await small.only()).periods).toHaveLength(2)
  })

  it('numbers 40 invoices of two concurrent runs without gaps [F20]', async () => {
    const operator = await newOperator()
    const customers = await Promise.all(Array.from({ length: 40 }, () => newCustomer([CENT])))
    await Promise.all([runBilling(operator), runBilling(operator)])
    const numbers = (await Promise.all(customers.map((customer) => customer.only()))).map(
      ({ number }) => number,
    )
    numbers.sort((a, b) => a - b)
    const [first = 0] = numbers
    expect(numbers).toEqual(Array.from(numbers, (_, at) => first + at))
    const next = await newCustomer([CENT])
    await runBilling(operator)
    expect((await next.only()).number).toBe(first + 40)
  })

  it('invoices the draft that a stopped run left, and all that was charged since, in one run [F20]', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT + 6_000n])
    await runBilling(withoutNumbers(operator))
    expect((await customer.line().bill()).drafted).toMatchObject({ charged: CENT + 6_000n })
    await customer.charge({ price: 5_000n })
    const { sums } = await runBilling(operator, MIDNIGHT + DAY)
    expect(sums).toMatchObject({ statements: 1, invoices: 2, invoiced: `${2n * CENT}` })
    expect(await customer.invoices()).toMatchObject([
      { charged: CENT + 6_000n, carriedOut: 6_000n },
      { carriedIn: 6_000n, charged: 5_000n, carriedOut: 1_000n },
    ])
  })

  it('credits what was released since a stopped run left its draft, in the run that invoices it [F20]', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    const { entry, order } = await customer.charge({ price: 2n * CENT })
    await runBilling(withoutNumbers(operator))
    await customer.line().release(entry, order.id)
    const { sums } = await runBilling(operator, MIDNIGHT + DAY)
    expect(sums).toMatchObject({ invoices: 1, invoiced: `${3n * CENT}` })
    expect(await customer.only()).toMatchObject({ net: 3n * CENT, creditedNet: 2n * CENT })
    expect((await customer.line().bill()).excess).toBe(0n)
  })

  it('keeps invoiced plus carried amounts equal to the charges after every run [F20]', async () => {
    const operator = await newOperator()
    const runs = fc.array(fc.array(fc.bigInt({ min: 1n, max: 30_000n }), { maxLength: 4 }), {
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(runs, async (charges) => {
        const customer = await newCustomer([1n])
        let charged = 1n
        for (const [at, prices] of charges.entries()) {
          for (const price of prices) {
            const { entry, order } = await customer.charge({ price })
            if (price % 5n === 0n) await customer.line().release(entry, order.id)
            else charged += price
          }
          await runBilling(operator, MIDNIGHT + at * DAY)
        }
        await runBilling(operator, MIDNIGHT + 10 * DAY)
        const all = await customer.invoices()
        const { uninvoiced, carried, charged: known } = await customer.line().bill()
        const invoiced = all.reduce((sum, { net }) => sum + net, 0n)
        const waiting = uninvoiced.reduce((sum, { total }) => sum + total, 0n)
        expect(invoiced + carried + waiting).toBe(charged)
        expect(known).toBe(charged)
      }),
      { numRuns: 15 },
    )
  })

  it('bills the other lines when one does not answer and one was never opened', async () => {
    const operator = await newOperator()
    const [customer, silent] = [await newCustomer([CENT]), await newCustomer([CENT])]
    await env.BOOK.prepare(`INSERT INTO line (id, name, opened_at) VALUES ('unknown', 'Unknown', 0)`).run()
    const { settings } = operator
    const lines = {
      getByName: (id: string) => {
        if (id === silent.agent) throw new Error('this line does not answer')
        return settings.lines.getByName(id)
      },
    } as typeof settings.lines
    const { sums, findings } = await runBilling({ ...operator, settings: { ...settings, lines } })
    expect(sums).toMatchObject({ lines: 3, invoices: 1 })
    expect(findings).toMatchObject([{ account: silent.agent, what: 'silent' }])
    expect((await customer.only()).net).toBe(CENT)
    await runBilling(operator)
    expect((await silent.only()).net).toBe(CENT)
  })

  it('makes at most twelve calls per charged line for 5 and for 50 lines, and two per idle line', async () => {
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
      await Promise.all(Array.from({ length: many }, () => newCustomer([CENT])))
      asked.length = 0
      await runBilling(watched, MIDNIGHT + many * 60_000)
      const idle = costs.length === 0 ? 0 : 5
      costs.push((asked.length - 2 * idle) / many)
    }
    expect(costs[1]).toBe(costs[0])
    expect(costs[0]).toBeLessThanOrEqual(12)
  })
})

describe('markPaid', () => {
  it('redeems partial and full payments, each once by its reference', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([3n * CENT])
    await runBilling(operator)
    const named = { agent: customer.agent, invoice: (await customer.only()).id }
    const part = { amount: CENT, reference: 'bank 1', at: MIDNIGHT }
    await markPaid(operator.settings, named, part)
    expect(await markPaid(operator.settings, named, part)).toMatchObject({ paid: CENT, stage: 'open' })
    expect(await customer.standing()).toMatchObject({ redeemed: CENT })
    const rest = { ...part, amount: 2n * CENT, reference: 'bank 2' }
    expect(await markPaid(operator.settings, named, rest)).toMatchObject({ stage: 'settled' })
    expect(await customer.standing()).toMatchObject({ charged: 3n * CENT, redeemed: 3n * CENT })
  })

  it('records an overpayment as a finding and redeems only the charges', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    await runBilling(operator)
    const named = { agent: customer.agent, invoice: (await customer.only()).id }
    await markPaid(operator.settings, named, { amount: CENT + 5n, reference: 'too much', at: 0 })
    expect(await customer.standing()).toMatchObject({ redeemed: CENT, credit: 0n })
    const { findings } = await runBilling(operator, MIDNIGHT + DAY)
    const { invoice } = named
    expect(findings).toEqual([
      { account: customer.agent, what: 'overpaid', detail: `${invoice} by 5`, invoice },
    ])
  })
})

describe('Invoice collected by Stripe', () => {
  const BIG = 60n * CENT

  it('is settled once Stripe reports the payment', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([BIG], { rail: 'stripe' })
    await runBilling(operator)
    operator.stripe.books.pay((await customer.only()).presented?.reference ?? '')
    const { sums } = await runBilling(operator, MIDNIGHT + DAY)
    expect(sums).toMatchObject({ received: BIG.toString(), invoices: 0 })
    expect(await customer.only()).toMatchObject({ paid: BIG, stage: 'settled' })
    expect(await customer.standing()).toMatchObject({ redeemed: BIG })
  })

  it('is submitted by the next run when Stripe could not be reached, and not dunned before [F20]', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([BIG], { rail: 'stripe' })
    operator.stripe.fail(/./, 'unreachable', 3)
    const { findings } = await runBilling(operator)
    expect(findings).toMatchObject([{ account: customer.agent, what: 'rail_failed' }])
    operator.stripe.fail(/./, 'unreachable', 3)
    await runBilling(operator, MIDNIGHT + 100 * DAY)
    expect(await customer.only()).toMatchObject({ presented: null, stage: 'open' })
    await runBilling(operator, MIDNIGHT + 101 * DAY)
    expect(operator.stripe.books.invoices).toHaveLength(1)
    expect((await customer.only()).presented).not.toBeNull()
  })

  it('is past due and cuts off the line during a dispute, and rewrites no entry [C13]', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([BIG], { rail: 'stripe' })
    await runBilling(operator)
    const reference = (await customer.only()).presented?.reference ?? ''
    operator.stripe.books.pay(reference)
    await runBilling(operator, MIDNIGHT + DAY)
    const before = await customer.entries()
    const dispute = operator.stripe.books.dispute(reference)
    await catchUp(operator.settings, MIDNIGHT)
    expect(await customer.only()).toMatchObject({ stage: 'past_due', paid: 0n })
    expect(await customer.standing()).toMatchObject({ redeemed: 0n, closed: 'credit_unpaid' })
    expect(await customer.place(customer.order())).toMatchObject({
      outcome: 'refused',
      reason: 'credit_unpaid',
    })
    operator.stripe.books.close(dispute, 'won')
    expect(await catchUp(operator.settings, MIDNIGHT)).toEqual({ received: `${BIG}`, findings: [] })
    expect(await customer.only()).toMatchObject({ stage: 'settled', paid: BIG })
    expect(await customer.place(customer.order())).toMatchObject({ outcome: 'charged' })
    expect((await customer.entries()).slice(0, before.length)).toEqual(before)
  })

  it('is past due when the card is declined, and settled when another card pays [C13]', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([BIG], { rail: 'stripe' })
    await runBilling(operator)
    const reference = (await customer.only()).presented?.reference ?? ''
    operator.stripe.books.pay(reference, 'pm_card_declined')
    await runBilling(operator, MIDNIGHT + DAY)
    expect(await customer.stage()).toBe('past_due')
    expect(await customer.place(customer.order())).toMatchObject({
      outcome: 'refused',
      reason: 'credit_unpaid',
    })
    operator.stripe.books.pay(reference)
    await runBilling(operator, MIDNIGHT + 2 * DAY)
    expect(await customer.stage()).toBe('settled')
    expect(await customer.place(customer.order())).toMatchObject({ outcome: 'charged' })
  })
})

describe('Dunning', () => {
  const types = (notified: { type: string }[]) => notified.map(({ type }) => type)

  it('takes each step on the operator’s dates, notifies it once, and ends with the payment', async () => {
    const operator = await newOperator()
    const customer = await newCustomer([CENT])
    const days = [0, 13, 14, 16, 17, 23, 24, 103, 104, 105]
    const stages = []
    for (const day of days) {
      await runBilling(operator, MIDNIGHT + day * DAY)
      stages.push(await customer.stage())
    }
    const walk = ['open', 'open', 'due', 'due', 'past_due', 'past_due', 'suspended', 'suspended']
    expect(stages).toEqual([...walk, 'written_off', 'written_off'])
    expect(types(operator.notified)).toEqual([
      'invoice.due',
      'invoice.past_due',
      'invoice.suspended',
      'invoice.written_off',
    ])
    expect(await customer.place(customer.order())).toMatchObject({
      outcome: 'refused',
      reason: 'credit_suspended',
    })
    const named = { agent: customer.agent, invoice: (await customer.only()).id }
    await markPaid(operator.settings, named, { amount: CENT, reference: 'at last', at: 0 })
    expect(await customer.place(customer.order())).toMatchObject({ outcome: 'charged' })
    await runBilling(operator, MIDNIGHT + 106 * DAY)
    expect(types(operator.notified).at(-1)).toBe('invoice.settled')
  })

  it('sends a step again, with the same id, until the webhook accepts it', async () => {
    const operator = await newOperator()
    await newCustomer([CENT])
    await runBilling(operator)
    operator.trouble.webhook = 500
    await runBilling(operator, MIDNIGHT + 14 * DAY)
    await runBilling(operator, MIDNIGHT + 15 * DAY)
    operator.trouble.webhook = 204
    await runBilling(operator, MIDNIGHT + 16 * DAY)
    await runBilling(operator, MIDNIGHT + 16 * DAY)
    expect(types(operator.notified)).toEqual(['invoice.due', 'invoice.due', 'invoice.due'])
    expect(new Set(operator.notified.map(({ id }) => id)).size).toBe(1)
  })
})
