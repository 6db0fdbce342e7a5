/** Payments by `exact` whose requests died before they saw the end: the chain says what became of them. */
import type { Settled, Transfer } from '../../chain/facilitator/facilitator.ts'
import type { Chain } from '../../chain/rpc.ts'
import type { Listing } from '../../ledger/book/accounts.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import type { UnresolvedPayment } from '../../ledger/exact/authorizations.ts'
import { orderOf } from '../../schemes/exact/scheme.ts'
import { silence } from '../channels/observe.ts'
import type { Payers } from '../context.ts'

/** Of one payer in one run. The next one goes on. */
const MOST = 50

/**
 * Concludes what can be concluded of one payer's payments in doubt. What the chain cannot say yet stays in doubt, and one
 * payment that cannot be looked up stops no other. Doing it again finds what is left.
 */
export async function conclude(
  { authorizations, chain, relayer }: Payers,
  { id, payer }: Listing,
): Promise<Finding[]> {
  // A facilitator that is asked again would move what it has not moved yet, for a page that nobody waits for.
  if (!chain) return []
  // A site that moved to another network has payers there whom this chain does not know.
  if (id !== `${chain.network}:${payer}`) return []
  const memory = authorizations.getByName(id)
  const findings: Finding[] = []
  for (const doubt of await memory.doubts(MOST)) {
    const { token, nonce, taker, receiver: to, amount: value, validBefore } = doubt
    const transfer = { token, nonce, from: payer, to, value, validBefore }
    try {
      const became = await look(chain, relayer, transfer, doubt)
      if (became.status === 'settled') await memory.found(token, nonce, became.transaction)
      if (became.status === 'refused') await memory.release(token, nonce, taker)
    } catch (fault) {
      findings.push(silence(id, fault))
    }
  }
  return findings
}

/**
 * What became of a payment. Our own transaction speaks for it where there is one; else the authorization itself, whoever put
 * it on the chain. An order that is pending may be mined at any time, and an authorization that is unused may be used until
 * it has lapsed: neither is a failure.
 * @throws ChainFault when unreadable
 */
async function look(
  chain: Chain,
  relayer: Payers['relayer'],
  transfer: Transfer,
  { since }: Pick<UnresolvedPayment, 'since'>,
): Promise<Settled> {
  const { token, from: payer, nonce } = transfer
  const outcome = await relayer?.outcome(orderOf({ token, payer, nonce }))
  if (outcome?.status === 'pending') return { status: 'unknown' }
  const { moved, search } = await import('../../chain/token.ts')
  if (outcome?.status === 'mined' && moved(outcome.logs, transfer))
    return { status: 'settled', transaction: outcome.hash }
  return (await search(chain, transfer, BigInt(Math.floor(since / 1000)))) ?? { status: 'unknown' }
}
