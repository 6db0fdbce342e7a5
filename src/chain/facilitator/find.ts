/** The outcome of an `exact` payment as our relayer and the chain show it. Reads only. */
import type { Outcome, Relayer } from '../relayer/relayer.ts'
import type { Chain } from '../rpc.ts'
import type { Settled, Transfer } from './facilitator.ts'

/**
 * Finds the outcome of a payment: from our own transaction if there is one, else from the use of the authorization on
 * chain, since anyone may submit it. `id` names the relayer's order; `relayer` is null where a facilitator sends the
 * transactions. `since` (Unix seconds) is the earliest possible use. A pending order may still be mined: unknown.
 * @throws ChainFault when the chain cannot be read
 */
export async function findOutcome(
  chain: Chain,
  relayer: Pick<Relayer, 'outcome'> | null,
  transfer: Transfer,
  id: string,
  since?: bigint,
): Promise<Settled> {
  const order = await relayer?.outcome(id)
  if (order?.status === 'pending') return { status: 'unknown' }
  const { moved, search } = await import('../token.ts')
  if (order?.status === 'mined' && moved(order.logs, transfer))
    return { status: 'settled', transaction: order.hash }
  return search(chain, transfer, { since, seen: blockOf(order) })
}

/** The block that shows how an order ended; undefined if none does. */
export function blockOf(outcome: Outcome | { status: 'none' } | undefined): bigint | undefined {
  return outcome && 'block' in outcome ? outcome.block : undefined
}
