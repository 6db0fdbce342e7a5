/** Resolves payments by `exact` whose requests ended before the outcome was known, by reading the chain. */
import type { Settled, Transfer } from '../../chain/facilitator/facilitator.ts'
import type { Chain } from '../../chain/rpc.ts'
import type { Listing } from '../../ledger/book/accounts.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import type { UnresolvedPayment } from '../../ledger/exact/types.ts'
import { orderOf } from '../../schemes/exact/scheme.ts'
import { silence } from '../channels/observe.ts'
import type { Payers } from '../context.ts'

/** The most payments of one payer in one run. The next run continues. */
const MAX_PAYMENTS = 50

/**
 * Resolves one payer's unresolved payments where the chain shows their outcome. A payment that cannot be read is a
 * finding, and does not stop the others. Repeating it finds what is left.
 */
export async function resolvePayments(
  { authorizations, chain, relayer }: Payers,
  { id, payer }: Listing,
): Promise<Finding[]> {
  // Do not ask the facilitator again: it might move the money now, for a request that ended long ago.
  if (!chain) return []
  // A site that moved to another network has payers there. This chain does not have their payments.
  if (id !== `${chain.network}:${payer}`) return []
  const payments = authorizations.getByName(id)
  const findings: Finding[] = []
  for (const doubt of await payments.doubts(MAX_PAYMENTS)) {
    const { token, nonce, taker, receiver: to, amount: value, validBefore } = doubt
    const transfer = { token, nonce, from: payer, to, value, validBefore }
    try {
      const outcome = await readOutcome(chain, relayer, transfer, doubt)
      if (outcome.status === 'settled') await payments.found(token, nonce, outcome.transaction)
      if (outcome.status === 'refused') await payments.release(token, nonce, taker)
    } catch (fault) {
      findings.push(silence(id, fault))
    }
  }
  return findings
}

/**
 * Reads the outcome of a payment: from our own transaction if there is one, else from the use of the authorization on
 * chain, since anyone may submit it. A pending order may still be mined, and an unused authorization may be used until
 * it expires: neither is a failure.
 * @throws ChainFault when the chain cannot be read
 */
async function readOutcome(
  chain: Chain,
  relayer: Payers['relayer'],
  transfer: Transfer,
  { since }: Pick<UnresolvedPayment, 'since'>,
): Promise<Settled> {
  const { token, from: payer, nonce } = transfer
  const order = await relayer?.outcome(orderOf({ token, payer, nonce }))
  if (order?.status === 'pending') return { status: 'unknown' }
  const { moved, search } = await import('../../chain/token.ts')
  if (order?.status === 'mined' && moved(order.logs, transfer))
    return { status: 'settled', transaction: order.hash }
  return (await search(chain, transfer, BigInt(Math.floor(since / 1000)))) ?? { status: 'unknown' }
}
