import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { catchUp } from '../../src/billing/catch-up.ts'
import { readMark } from '../../src/ledger/book/rail-marks.ts'
import { RailFault } from '../../src/rails/rail.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, type Operator, runBilling } from './harness.ts'

const BIG = 1_000_000n

beforeEach(async () => {
  await env.BOOK.prepare('DELETE FROM rail_mark').run()
})

/** An operator whose rails are watched: from when each was asked, and whether its events or a line fail. */
async function watched() {
  const operator = await newOperator()
  const asked: number[] = []
  const silent = { line: '', rail: false }
  const { stripe, transfer } = operator.settings.rails
  if (!stripe || !transfer) throw new Error('the harness must have both rails')
  const since = async (at: number) => {
    asked.push(at)
    if (silent.rail) throw new RailFault('stripe: StripeConnectionError')
    return stripe.since(at)
  }
  const lines = {
    getByName: (id: string) => {
      if (id === silent.line) throw new Error('this line does not answer')
      return env.LINES.getByName(id)
    },
  } as Operator['settings']['lines']
  const settings = { ...operator.settings, lines, rails: { transfer, stripe: { ...stripe, since } } }
  return { operator, settings, asked, silent, books: operator.stripe.books }
}

async function presented(operator: Operator) {
  const customer = await newCustomer([BIG], { rail: 'stripe' })
  await runBilling(operator)
  return { customer, reference: (await customer.only()).presented?.reference ?? '' }
}

describe('catchUp', () => {
  it('reads events from four days before the rail’s own mark, whatever else fails', async () => {
    const { settings, asked, silent } = await watched()
    silent.line = 'a line that never answers'
    for (const day of [0, 1, 2]) await catchUp(settings, MIDNIGHT + day * DAY)
    expect(asked).toEqual([MIDNIGHT - 30 * DAY, MIDNIGHT - 4 * DAY, MIDNIGHT - 3 * DAY])
  })

  it('tries an invoice again whose line did not answer, however long that took', async () => {
    const { operator, settings, asked, silent, books } = await watched()
    const { customer, reference } = await presented(operator)
    books.pay(reference)
    silent.line = customer.agent
    const [first, later] = [await catchUp(settings, MIDNIGHT), await catchUp(settings, MIDNIGHT + 20 * DAY)]
    expect([first, later]).toMatchObject([
      { received: '0', findings: [{ account: customer.agent, what: 'rail_failed' }] },
      { received: '0', findings: [{ account: customer.agent, what: 'rail_failed' }] },
    ])
    silent.line = ''
    expect(await catchUp(settings, MIDNIGHT + 21 * DAY)).toMatchObject({ findings: [] })
    expect(await customer.only()).toMatchObject({ stage: 'settled' })
    expect(asked.at(-1)).toBe(MIDNIGHT + 16 * DAY)
    expect(await readMark(env.BOOK, 'stripe')).toEqual({ askedUntil: MIDNIGHT + 21 * DAY, missed: [] })
  })

  it('leaves the mark of a rail that does not answer, and moves those of the others', async () => {
    const { settings, silent } = await watched()
    await catchUp(settings, MIDNIGHT)
    silent.rail = true
    const { findings } = await catchUp(settings, MIDNIGHT + DAY)
    expect(findings).toMatchObject([{ account: 'stripe', what: 'rail_failed' }])
    expect((await readMark(env.BOOK, 'stripe')).askedUntil).toBe(MIDNIGHT)
    expect((await readMark(env.BOOK, 'transfer')).askedUntil).toBe(MIDNIGHT + DAY)
  })
})
