/** Settles `exact` payments with our own relayer. A transfer of the same authorization by another sender counts as well. */
import { log } from '../../platform/log.ts'
import { accept, refuse } from '../../protocol/refusal.ts'
import { ChainFault } from '../fault.ts'
import { reasonOfDeclined } from '../relayer/gas-money.ts'
import type { Outcome, Relayer } from '../relayer/relayer.ts'
import type { Chain } from '../rpc.ts'
import type { Facilitator, Settled, SignedTransfer } from './facilitator.ts'
import { blockOf, findOutcome } from './find.ts'

/** The message with which the token rejects an authorization that was used or cancelled. */
const USED = /authorization is used/i

/** Makes a facilitator from our own relayer. */
export function relayed(chain: Chain, relayer: Relayer): Facilitator {
  return {
    async verify(payment) {
      try {
        const { search } = await import('../token.ts')
        const found = await search(chain, payment)
        if (found.status === 'unknown') return refuse('chain_unreadable', found)
        const isOpen = found.status === 'settled' || found.reason === 'exact_failed'
        return isOpen ? accept(null) : refuse(found.reason)
      } catch (thrown) {
        if (!(thrown instanceof ChainFault)) throw thrown
        return refuse('chain_unreadable', { detail: thrown.message })
      }
    },

    async settle(payment, id) {
      const { encodeTransfer } = await import('../token.ts')
      const sponsored = { kind: 'payment', payer: payment.from, amount: payment.value } as const
      const order = { id, to: payment.token, data: encodeTransfer(payment), sponsored }
      return orUnknown(async () => settledOf(chain, payment, await relayer.send(order)))
    },

    lookup: (payment, id) => orUnknown(() => findOutcome(chain, relayer, payment, id)),
    find: (payment, id) => orUnknown(() => findOutcome(chain, relayer, payment, id)),
  }
}

/**
 * The state after our own order. If it moved nothing, the chain decides: the payer or another account may have submitted
 * the authorization (faults: A7), and the money counts once.
 */
async function settledOf(chain: Chain, payment: SignedTransfer, outcome: Outcome): Promise<Settled> {
  if (outcome.status === 'pending') return { status: 'unknown' }
  const { moved, search } = await import('../token.ts')
  if (outcome.status === 'mined' && moved(outcome.logs, payment))
    return { status: 'settled', transaction: outcome.hash }
  const found = await search(chain, payment, { seen: blockOf(outcome) })
  if (found.status !== 'refused') return found
  switch (outcome.status) {
    case 'mined':
      return { ...found, detail: `${outcome.hash} moved nothing` }
    case 'reverted':
      return { ...found, detail: `${outcome.hash} reverted` }
    case 'refused':
      // The simulation saw a use that the search lacks: its node is behind.
      if (USED.test(outcome.reason) && found.reason !== 'exact_used') return { status: 'unknown' }
      return { ...found, detail: outcome.reason }
    case 'declined': {
      const reason =
        found.reason === 'exact_failed' ? reasonOfDeclined(outcome.reason, 'payment') : found.reason
      return { ...found, reason, detail: `${outcome.reason}, least ${outcome.least}` }
    }
  }
}

/** The relayer may have thrown after it signed the transaction. The next call with this id returns the outcome. */
async function orUnknown(ask: () => Promise<Settled>): Promise<Settled> {
  try {
    return await ask()
  } catch (thrown) {
    log('settlement_outcome_unknown', { fault: thrown })
    return { status: 'unknown' }
  }
}
