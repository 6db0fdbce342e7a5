/** Resolves payments by `exact` whose requests ended before the outcome was known, or that were undone, by reading the chain. */
import { findOutcome } from '../../chain/facilitator/find.ts'
import type { Chain } from '../../chain/rpc.ts'
import { readFinality } from '../../chain/token.ts'
import type { Listing } from '../../ledger/book/accounts.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import type { Authorizations } from '../../ledger/exact/authorizations.ts'
import type { ExactTotals, LostPayment, UnresolvedPayment } from '../../ledger/exact/types.ts'
import { lastingStub } from '../../platform/lasting-stub.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import { DAY_MS } from '../../platform/time.ts'
import type { Address } from '../../protocol/evm/hex.ts'
import { orderOf } from '../../schemes/exact/scheme.ts'
import { silence } from '../channels/observe.ts'
import type { Payers } from '../context.ts'
import { confirmPayments } from './final.ts'

/** The most payments of one payer in one run. The next run continues, and a finding says so. */
export const MAX_PAYMENTS = 50

/** The most payments that one finding names. The account lists them all. */
const MAX_NAMED = 10

/** An undone payment that its payer can still make is lost after this time. Without it, one without an end would stay for ever. */
const UNDONE_FOR_MS = 7 * DAY_MS

/**
 * Confirms one payer's settled payments, and resolves its unresolved, watched and undone ones where the chain shows their
 * outcome. A payment that cannot be read is a finding, and does not stop the others. Repeating it finds the rest. `lost`: the
 * number of the last loss that the findings name, for {@link endNaming}.
 */
export async function resolvePayments(
  payers: Payers,
  { id, payer }: Listing,
): Promise<{ findings: Finding[]; lost: number | null }> {
  const { authorizations, chain, relayer } = payers
  // Trap: a stub stops working once its object is reset, which must cost one payment alone.
  const payments = lastingStub(() => authorizations.getByName(id))
  // A site that left a network has payers there. This chain does not have their payments.
  if (!chain || id !== `${chain.network}:${payer}`) {
    // No node of ours can show whether a block was undone.
    await payments.confirm(null)
    // Do not ask the facilitator again: it might move the money now, for a request that ended long ago.
    const why = chain ? `RPC_URL serves ${chain.network}` : 'only a node of our own can show it: set RPC_URL'
    return { findings: unresolved(id, await payments.totals(), why), lost: null }
  }
  const findings: Finding[] = []
  await confirmPayments(payers, chain, { id, payer }).catch((fault) => findings.push(silence(id, fault)))
  const doubts = await payments.doubts(MAX_PAYMENTS + 1)
  const open = doubts.length > MAX_PAYMENTS ? [`the next run looks for the ones after ${MAX_PAYMENTS}`] : []
  for (const doubt of doubts.slice(0, MAX_PAYMENTS)) {
    try {
      const why = await resolvePayment(payments, chain, relayer, { ...doubt, from: payer })
      if (why) open.push(nameOf(doubt, why))
    } catch (fault) {
      findings.push(silence(id, fault))
    }
  }
  const losses = await payments.losses()
  const lost = losses.map((loss) =>
    nameOf(loss, `its transfer ${loss.transaction} was undone, and cannot be made again`),
  )
  return {
    findings: [...findings, ...naming(id, 'unresolved', open), ...naming(id, 'lost', lost)],
    lost: losses.at(-1)?.number ?? null,
  }
}

/**
 * Ends the naming of lost payments, once the step that found them was stored: the record of a run that is killed before does
 * not have them. Payments of payers that do not respond are named again by the next run.
 */
export async function endNaming(
  { authorizations }: Pick<Payers, 'authorizations'>,
  lost: Readonly<Record<string, number>>,
): Promise<void> {
  await mapConcurrently(
    Object.entries(lost),
    async ([id, number]) => authorizations.getByName(id).named(number),
    () => undefined,
  )
}

/** Resolves one payment. Returns why an operator must look at it, or null. @throws ChainFault when the chain cannot be read */
async function resolvePayment(
  payments: DurableObjectStub<Authorizations>,
  chain: Chain,
  relayer: Payers['relayer'],
  doubt: UnresolvedPayment & { from: Address },
): Promise<string | null> {
  const { token, nonce, from, taker, receiver: to, amount: value, validBefore, since, isUndone } = doubt
  const transfer = { token, nonce, from, to, value, validBefore }
  const order = orderOf({ token, payer: from, nonce })
  const outcome = await findOutcome(chain, relayer, transfer, order, BigInt(Math.floor(since / 1000)))
  if (outcome.status === 'settled') {
    const { transaction } = outcome
    await payments.found(token, nonce, transaction)
    if (!isUndone) return null
    const [end] = await readFinality(chain, [{ ...transfer, transaction }])
    if (end === 'final') await payments.restored(token, nonce)
    return null
  }
  const isOver = isUndone && Date.now() > since + UNDONE_FOR_MS
  if (outcome.status === 'refused' && (outcome.isFinal || isOver)) {
    await payments.close(token, nonce, taker)
    return null
  }
  if (isUndone) return 'it was settled, and the chain lacks its transfer'
  return outcome.status === 'unknown' ? (outcome.detail ?? null) : null
}

/** One finding for a payer whose payments this run cannot look for. Refused ones are not counted: nothing shows that they were paid. */
function unresolved(account: string, { inDoubt }: ExactTotals, why: string): Finding[] {
  return inDoubt > 0
    ? [{ account, what: 'unresolved', detail: `${inDoubt} with an unknown outcome; ${why}` }]
    : []
}

function nameOf({ nonce, amount }: Pick<LostPayment, 'nonce' | 'amount'>, why: string): string {
  return `nonce ${nonce} over ${amount}: ${why}`
}

/** One finding for several payments of a payer: a run keeps one of each kind for an account. */
function naming(account: string, what: Finding['what'], details: readonly string[]): Finding[] {
  if (details.length === 0) return []
  const more = details.length > MAX_NAMED ? [`and ${details.length - MAX_NAMED} more`] : []
  return [{ account, what, detail: [...details.slice(0, MAX_NAMED), ...more].join('; ') }]
}
