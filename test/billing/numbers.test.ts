import { describe, expect, it } from 'vitest'
import { NUMBERS } from '../../src/billing/context.ts'
import { notesOn } from '../../src/billing/credit-note.ts'
import { DAY, MIDNIGHT, newCustomer, newOperator, type Operator, preceded, runBilling } from './harness.ts'

const CENT = 10_000n

/** Settings with which each call of this name fails, so that a run ends there. */
function dyingAt(settings: Operator['settings'], call: string): Operator['settings'] {
  return preceded(settings, { [call]: () => Promise.reject(new Error('the run ends here')) })
}

describe('Credit note numbers', () => {
  it.each(['issue', 'credited'])(
    'leave no gap when a run ends before %s and later charges make the note needless [E1] [F20]',
    async (call) => {
      const operator = await newOperator()
      const customer = await newCustomer([])
      const { entry, order } = await customer.charge({ price: 5n * CENT })
      const numbers = operator.settings.numbers.getByName(NUMBERS)
      const last = await numbers.issue('CN', `last ${customer.agent}`)
      await runBilling(operator)
      await customer.line().release(entry, order.id)
      await runBilling({ ...operator, settings: dyingAt(operator.settings, call) }, MIDNIGHT + DAY)
      expect(await customer.only()).toMatchObject({ credited: 0n })
      await customer.charge({ price: 7n * CENT })
      await runBilling(operator, MIDNIGHT + 2 * DAY)
      const [first] = await customer.invoices()
      const notes = await notesOn(customer.line(), first?.id ?? '')
      expect(notes.map(({ number, net }) => [number - last, net])).toEqual([[1, 5n * CENT]])
      expect(await numbers.issue('CN', `next ${customer.agent}`)).toBe(last + 2)
      expect((await customer.invoices()).map(({ net, stage }) => [net, stage])).toEqual([
        [5n * CENT, 'settled'],
        [7n * CENT, 'open'],
      ])
    },
  )
})

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
