import { describe, expect, it } from 'vitest'
import { DAY, MIDNIGHT, newCustomer, newOperator, type Operator, runBilling } from './harness.ts'

const CENT = 10_000n

/** Settings with which each call of this name fails, so that a run ends there. */
function dyingAt(settings: Operator['settings'], call: string): Operator['settings'] {
  const dying = <Space extends { getByName(name: string): object }>(space: Space) =>
    ({
      getByName: (id: string) =>
        new Proxy(space.getByName(id), {
          get: (stub, method) => {
            const callee = stub as Record<string, (...rest: unknown[]) => Promise<unknown>>
            if (typeof method === 'symbol') return Reflect.get(stub, method)
            return async (...rest: unknown[]) => {
              if (method === call) throw new Error('the run ends here')
              return callee[method]?.(...rest)
            }
          },
        }),
    }) as unknown as Space
  return { ...settings, lines: dying(settings.lines), numbers: dying(settings.numbers) }
}

describe('Invoice numbers', () => {
  it.each(['issue', 'invoiced'])(
    'leaves no gap when a run ends before %s and the charge is released [E1] [F20]',
    async (call) => {
      const operator = await newOperator()
      const customer = await newCustomer([])
      const { entry, order } = await customer.charge({ price: CENT })
      const last = await operator.settings.numbers.getByName('numbers').issue('INV', `last ${customer.agent}`)
      await runBilling({ ...operator, settings: dyingAt(operator.settings, call) })
      expect(await customer.invoices()).toEqual([])
      await customer.line().release(entry, order.id)
      const next = await newCustomer([CENT])
      await runBilling(operator, MIDNIGHT + DAY)
      const invoices = [await customer.only(), await next.only()]
      expect(new Set(invoices.map(({ number }) => number))).toEqual(new Set([last + 1, last + 2]))
      await runBilling(operator, MIDNIGHT + 2 * DAY)
      expect(await customer.only()).toMatchObject({
        stage: 'settled',
        credited: (await customer.only()).total,
      })
    },
  )
})
