/** Transfers: the payer sends money to a bank account, and the operator marks the invoice as paid when it came in. */
import type { Presented } from '../ledger/billing/types.ts'
import { CENT, type Rail } from './rail.ts'

/** `instructions`: where to send the money, in the operator's own words. */
export function transferRail(instructions: string): Rail {
  return {
    name: 'transfer',
    unit: CENT,
    least: CENT,
    async present({ id, presented }): Promise<Presented> {
      return presented ?? { reference: id, url: null, instructions: `${instructions}\nReference: ${id}` }
    },
    // What came in is known by the operator alone.
    check: async () => [],
    credit: async () => {},
    collects: async () => false,
    since: async () => [],
  }
}
