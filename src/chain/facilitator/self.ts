/** Settles `exact` payments with our own relayer, and believes only the receipt of its own transaction. */
import { accept, refuse } from '../../protocol/refusal.ts'
import { ChainFault } from '../fault.ts'
import type { Outcome, Relayer } from '../relayer/relayer.ts'
import type { Chain } from '../rpc.ts'
import type { Facilitator, Settled, SignedTransfer } from './facilitator.ts'

export function relayed(chain: Chain, relayer: Relayer): Facilitator {
  return {
    async verify(payment) {
      try {
        const { readHolding } = await import('../token.ts')
        const { balance, used } = await readHolding(chain, payment)
        if (used) return refuse('exact_used')
        return balance < payment.value ? refuse('exact_insufficient_funds') : accept(null)
      } catch (thrown) {
        if (!(thrown instanceof ChainFault)) throw thrown
        return refuse('chain_unreadable', { detail: thrown.message })
      }
    },

    async settle(payment, id) {
      const { encodeTransfer } = await import('../token.ts')
      const order = { id, to: payment.token, data: encodeTransfer(payment) }
      return judge(chain, payment, () => relayer.send(order))
    },

    async lookup(payment, id) {
      return judge(chain, payment, () => relayer.outcome(id))
    },
  }
}

async function judge(
  chain: Chain,
  payment: SignedTransfer,
  ask: () => Promise<Outcome | { status: 'none' }>,
): Promise<Settled> {
  try {
    const outcome = await ask()
    switch (outcome.status) {
      case 'mined': {
        const { moved } = await import('../token.ts')
        if (moved(outcome.logs, payment)) return { status: 'settled', transaction: outcome.hash }
        return { status: 'refused', reason: 'exact_failed', detail: `${outcome.hash} moved nothing` }
      }
      case 'reverted':
        return explain(chain, payment, `${outcome.hash} reverted`)
      case 'refused':
        return explain(chain, payment, outcome.reason)
      case 'none':
        // Nothing of ours is on its way: the payment may be settled now, under the same id.
        return { status: 'refused', reason: 'exact_failed', detail: 'nothing was sent' }
      case 'pending':
        return { status: 'unknown' }
    }
  } catch (thrown) {
    // Whatever the relayer threw, it may have come after the transaction was signed: the next call with this id will tell.
    console.warn(JSON.stringify({ message: 'a settlement is in doubt', fault: String(thrown) }))
    return { status: 'unknown' }
  }
}

/**
 * Why the token refused. An authorization that somebody else has put on the chain is *used*, also when the money reached
 * us: it may have paid for something else, and only our own transaction proves that it pays for this.
 */
async function explain(chain: Chain, payment: SignedTransfer, detail: string): Promise<Settled> {
  const { readHolding } = await import('../token.ts')
  const { balance, used } = await readHolding(chain, payment)
  if (used) return { status: 'refused', reason: 'exact_used', detail }
  const reason = balance < payment.value ? 'exact_insufficient_funds' : 'exact_failed'
  return { status: 'refused', reason, detail }
}
