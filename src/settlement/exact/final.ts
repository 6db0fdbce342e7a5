/** Makes settled payments by `exact` final, once a final block has their transfer. */

import type { Chain } from '../../chain/rpc.ts'
import { readFinality } from '../../chain/token.ts'
import type { Listing } from '../../ledger/book/accounts.ts'
import type { AuthorizationKey, ProvisionalPayment } from '../../ledger/exact/types.ts'
import type { Payers } from '../context.ts'

/** The payments of one read, and the reads of one payer in one run: 10,000 payments. The next run continues. */
export const PAYMENTS_READ = 200
const MAX_READS = 50

/**
 * Confirms one payer's provisional payments, the oldest first, up to the first one whose block is not final. One that the chain
 * lacks is looked for from now on: a reorganization has undone it.
 * @throws ChainFault when the chain cannot be read; repeating it confirms the rest
 */
export async function confirmPayments(
  { authorizations }: Pick<Payers, 'authorizations'>,
  chain: Chain,
  { id, payer: from }: Pick<Listing, 'id' | 'payer'>,
): Promise<void> {
  const payments = authorizations.getByName(id)
  for (let read = 0; read < MAX_READS; read++) {
    const provisional = await payments.provisional(PAYMENTS_READ)
    const transfers = provisional.map((each) => ({ ...each, from, to: each.receiver, value: each.amount }))
    const ends = transfers.length === 0 ? [] : await readFinality(chain, transfers)
    const young = ends.indexOf('young')
    const decided = young === -1 ? provisional : provisional.slice(0, young)
    const last = decided.at(-1)
    if (!last) return
    const undone = decided.filter((_, at) => ends[at] === 'gone')
    await payments.confirm(keyOf(last), undone.map(keyOf))
    if (young !== -1) return
  }
}

function keyOf({ token, nonce }: ProvisionalPayment): AuthorizationKey {
  return { token, nonce }
}
