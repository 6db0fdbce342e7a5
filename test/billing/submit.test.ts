import { describe, expect, it } from 'vitest'
import { stablecoinRail } from '../../src/rails/stablecoin.ts'
import type { ExactPayment } from '../../src/schemes/exact/payment.ts'
import type { Scheme } from '../../src/schemes/scheme.ts'
import { DAY, MIDNIGHT, newOperator, night, tabOf } from './harness.ts'

/** An operator whose invoices are paid at an address that may change, with its key or its host. */
async function newTill() {
  const operator = await newOperator()
  const { lines } = operator.settings
  const address = { key: 'first' }
  const stablecoin = stablecoinRail({
    exact: {} as unknown as Scheme<ExactPayment>,
    lineOf: (agent) => lines.getByName(agent),
    urlOf: async ({ id }) => `https://till.test/${id}?key=${address.key}`,
    now: () => operator.clock.at,
    newId: () => crypto.randomUUID(),
  })
  const rails = { ...operator.settings.rails, stablecoin }
  return { ...operator, settings: { ...operator.settings, rails }, address }
}

describe('an invoice that is paid at an address of ours', () => {
  it('is found where the address is now, the night after it has changed, and there alone', async () => {
    const operator = await newTill()
    const tab = await tabOf([1_000_000n], { rail: 'stablecoin' })
    const url = async () => (await tab.only()).presented?.url
    const seen: (string | null | undefined)[] = []
    for (const [at, key] of ['first', 'first', 'second', 'first', 'second'].entries()) {
      operator.address.key = key
      await night(operator, MIDNIGHT + at * DAY)
      seen.push(await url())
    }
    const { id } = await tab.only()
    const address = (key: string) => `https://till.test/${id}?key=${key}`
    expect(seen).toEqual(['first', 'first', 'second', 'first', 'second'].map(address))
    const told = await tab.line().history(id)
    expect(told.filter(({ kind }) => kind === 'presented')).toHaveLength(4)
    await tab.restart()
    expect(await url()).toBe(address('second'))
  })

  it('stays as it was handed over to another rail', async () => {
    const operator = await newTill()
    const tabs = [await tabOf([1_000_000n], { rail: 'stripe' }), await tabOf([1_000_000n])]
    await night(operator)
    operator.address.key = 'second'
    await night(operator, MIDNIGHT + DAY)
    for (const tab of tabs) {
      const history = await tab.line().history((await tab.only()).id)
      expect(history.filter(({ kind }) => kind === 'presented')).toHaveLength(1)
    }
    expect(operator.stripe.books.invoices).toHaveLength(1)
  })
})

describe('an invoice by a rail that is not set up (any more)', () => {
  it('is not made, which the night says, and is made once there is such a rail', async () => {
    const operator = await newOperator()
    const tab = await tabOf([1_000_000n], { rail: 'stripe' })
    const { transfer } = operator.settings.rails
    const without = { ...operator, settings: { ...operator.settings, rails: transfer ? { transfer } : {} } }
    const detail = expect.stringContaining('rail "stripe" must be configured: it needs STRIPE_SECRET_KEY')
    const finding = { account: tab.agent, what: 'rail_failed', detail }
    for (const at of [0, 1])
      expect(await night(without, MIDNIGHT + at * DAY)).toMatchObject({ findings: [finding] })
    expect(await tab.invoices()).toEqual([])
    expect(await night(operator, MIDNIGHT + 2 * DAY)).toMatchObject({ findings: [] })
    expect((await tab.only()).net).toBe(1_000_000n)
  })
})
