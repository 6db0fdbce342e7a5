/** Settles `exact` payments with our own relayer. Only the receipt of its own transaction counts as success. */
import { accept, refuse } from '../../protocol/refusal.ts'
import { ChainFault } from '../fault.ts'
import { reasonOfDeclined } from '../relayer/gas-money.ts'
import type { Outcome, Relayer } from '../relayer/relayer.ts'
import type { Chain } from '../rpc.ts'
import type { Facilitator, Settled, SignedTransfer } from './facilitator.ts'

/** Makes a facilitator from our own relayer. */
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
      const sponsored = { kind: 'payment', payer: payment.from, amount: payment.value } as const
      const order = { id, to: payment.token, data: encodeTransfer(payment), sponsored }
      return settledOf(chain, payment, () => relayer.send(order))
    },

    async lookup(payment, id) {
      return settledOf(chain, payment, () => relayer.outcome(id))
    },
  }
}

async function settledOf(
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
      case 'declined': {
        // Trap: another sender may have settled it. Only an unused authorization buys nothing.
        const { readHolding } = await import('../token.ts')
        if ((await readHolding(chain, payment)).used) return explain(chain, payment, outcome.reason)
        return {
          status: 'refused',
          reason: reasonOfDeclined(outcome.reason, 'payment'),
          detail: `${outcome.reason}, least ${outcome.least}`,
        }
      }
      case 'none':
        // No transaction of ours is pending: the payment may be settled again with the same id.
        return { status: 'refused', reason: 'exact_failed', detail: 'nothing was sent' }
      case 'pending':
        return { status: 'unknown' }
    }
  } catch (thrown) {
    // The relayer may have thrown after it signed the transaction. The next call with this id returns the outcome.
    console.warn(JSON.stringify({ message: 'settlement outcome unknown', fault: String(thrown) }))
    return { status: 'unknown' }
  }
}

/**
 * Explains why the token refused. An authorization that another sender used counts as used, even if we received the
 * money: it may have paid for something else. Only our own transaction proves that it pays for this page.
 */
async function explain(chain: Chain, payment: SignedTransfer, detail: string): Promise<Settled> {
  const { readHolding } = await import('../token.ts')
  const { balance, used } = await readHolding(chain, payment)
  if (used) return { status: 'refused', reason: 'exact_used', detail }
  const reason = balance < payment.value ? 'exact_insufficient_funds' : 'exact_failed'
  return { status: 'refused', reason, detail }
}
