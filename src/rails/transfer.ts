/** Bank transfers: the payer sends money to a bank account, and the operator marks the invoice as paid. */
import type { Presented } from '../ledger/billing/types.ts'
import { unitOf } from './index.ts'
import type { Rail } from './rail.ts'

/** Makes the rail `transfer`. `instructions`: where to send the money, in the operator's own words. */
export function transferRail(instructions: string): Rail {
  return {
    name: 'transfer',
    ...unitOf('transfer'),
    async present({ id, presented }): Promise<Presented> {
      return presented ?? { reference: id, url: null, instructions: `${instructions}\nReference: ${id}` }
    },
    // Only the operator sees the bank account, so these have nothing to report.
    check: async () => [],
    syncCreditNote: async () => {},
    collects: async () => false,
    since: async () => [],
  }
}
