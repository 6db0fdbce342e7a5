/** Resolves payments by `exact` whose requests ended before the outcome was known, by reading the chain. */
import { findOutcome } from '../../chain/facilitator/find.ts'
import type { Listing } from '../../ledger/book/accounts.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import type { ExactTotals, UnresolvedPayment } from '../../ledger/exact/types.ts'
import { orderOf } from '../../schemes/exact/scheme.ts'
import { silence } from '../channels/observe.ts'
import type { Payers } from '../context.ts'

/** The most payments of one payer in one run. The next run continues. */
const MAX_PAYMENTS = 50

/**
 * Resolves one payer's unresolved and watched payments where the chain shows their outcome. A payment that cannot be read
 * is a finding, and does not stop the others. Repeating it finds the rest.
 */
export async function resolvePayments(
  { authorizations, chain, relayer }: Payers,
  { id, payer }: Listing,
): Promise<Finding[]> {
  const payments = authorizations.getByName(id)
  const doubts = await payments.doubts(MAX_PAYMENTS)
  // Do not ask the facilitator again: it might move the money now, for a request that ended long ago.
  if (!chain)
    return unresolved(id, await payments.totals(), 'only a node of our own can show it: set RPC_URL')
  // A site that left a network has payers there. This chain does not have their payments.
  if (id !== `${chain.network}:${payer}`)
    return unresolved(id, await payments.totals(), `RPC_URL serves ${chain.network}`)
  const findings: Finding[] = []
  for (const doubt of doubts) {
    const { token, nonce, taker, receiver: to, amount: value, validBefore, since } = doubt
    const transfer = { token, nonce, from: payer, to, value, validBefore }
    const seconds = BigInt(Math.floor(since / 1000))
    try {
      const outcome = await findOutcome(chain, relayer, transfer, orderOf({ token, payer, nonce }), seconds)
      if (outcome.status === 'settled') await payments.found(token, nonce, outcome.transaction)
      if (outcome.status === 'refused' && outcome.isFinal) await payments.close(token, nonce, taker)
      if (outcome.status === 'unknown' && outcome.detail)
        findings.push(unattributed(id, doubt, outcome.detail))
    } catch (fault) {
      findings.push(silence(id, fault))
    }
  }
  return findings
}

/** One finding for a payer whose payments this run cannot look for. Refused ones are not counted: nothing shows that they were paid. */
function unresolved(account: string, { inDoubt }: ExactTotals, why: string): Finding[] {
  return inDoubt > 0
    ? [{ account, what: 'unresolved', detail: `${inDoubt} with an unknown outcome; ${why}` }]
    : []
}

function unattributed(account: string, { nonce, amount }: UnresolvedPayment, why: string): Finding {
  return { account, what: 'unresolved', detail: `nonce ${nonce} over ${amount}: ${why}` }
}
