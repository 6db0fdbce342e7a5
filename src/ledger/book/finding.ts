/** Findings: the problems that a nightly run reports to the operator. */

import type { InvoiceStanding } from '../billing/types.ts'

/**
 * One problem of one account. `what` is a stable code:
 *
 * - `unclaimed`: the account still owes what was charged before the run began, though the escrow holds it. The
 *   detail names the reason.
 * - `silent`: the account did not respond.
 * - `relisted`: the row of the account was missing in the read model, and the account wrote it again. Rows were
 *   lost, or D1 could not be written.
 * - `book_ahead`: the read model exceeds the account. The account lost entries, or the read model was edited.
 * - `book_differs`: a row of the read model differs from what the run just wrote.
 * - `figures_differ`: the figures of charges in D1 differ from the journals, or from what was reported of them. Rows were
 *   edited or lost, entries were lost, or D1 could not be compared.
 * - `overclaimed`: the chain has claimed more than was charged. The key also claims outside tab402, or the
 *   account lost entries.
 * - `chain_behind`: the chain has claimed less than before, after a reorganization or through a node on a
 *   fork.
 * - `block_ahead`: the account has stored a block that the chain does not have yet, from a faulty node. It
 *   ignores the chain until the operator has it read again.
 * - `uncovered`: the escrow holds less than is owed. The rest is lost unless the payer tops up.
 * - `elsewhere`: an account still owes on a network that RPC_URL does not name. The site left it before everything was
 *   claimed.
 * - `network_differs`: a contract of the network is missing, or is another one than it must be. The relayer sends nothing.
 * - `receiver_behind`: the chain has claimed less for a receiver than its accounts have recorded.
 * - `unswept`: part of what was claimed for a receiver has not reached its wallet.
 * - `undelivered`: an `exact` payment arrived, but its request ended without a delivery. The payer may repeat
 *   the request, or the operator refunds it.
 * - `unresolved`: the outcome of `exact` payments cannot be found: without RPC_URL, on another network, because the
 *   authorization was used and the node shows no transaction, or because a reorganization undid a settled transfer. The payers
 *   may have paid.
 * - `lost`: a reorganization undid the transfer of settled `exact` payments, and no block can have it any more. Their pages were
 *   delivered, and the receipts no longer count them.
 * - `low_gas`: the relayer holds less than twice its reserve. Below the reserve it pays for claims alone.
 * - `nonce_hole`: nonces of the relayer's key lack a transaction, and all later ones wait for them.
 * - `nonce_filled`: such nonces got transactions that move nothing. The node overstated its count.
 * - `key_shared`: another sender used the relayer's key. Each deployment needs a key of its own.
 * - `rail_failed`: an invoice could not be created or submitted, or its rail did not respond. The next run
 *   retries.
 * - `overpaid`: an invoice received more than its total. The rest belongs to the payer.
 * - `blind`: several watches in a row could not read the chain, so withdrawals are not seen.
 * - `unwatched`: for an hour, no watch has read the chain. The cron trigger of the watch is missing, or the node fails.
 * - `overcredited`: the rail credited more than was left of an invoice. The rest is not credited here.
 * - `held`: a list names the payer, or the receiver of a sweep. Its escrow is neither claimed nor refunded, or nothing is
 *   swept, until the operator releases the account.
 * - `unscreened`: the payer or receiver could not be screened, and the act fails closed. The next run tries again.
 */
export type Finding = {
  account: string
  what:
    | 'unclaimed'
    | 'silent'
    | 'relisted'
    | 'book_ahead'
    | 'book_differs'
    | 'figures_differ'
    | 'overclaimed'
    | 'chain_behind'
    | 'block_ahead'
    | 'uncovered'
    | 'elsewhere'
    | 'network_differs'
    | 'receiver_behind'
    | 'unswept'
    | 'undelivered'
    | 'unresolved'
    | 'lost'
    | 'low_gas'
    | 'nonce_hole'
    | 'nonce_filled'
    | 'key_shared'
    | 'rail_failed'
    | 'overpaid'
    | 'overcredited'
    | 'blind'
    | 'unwatched'
    | 'held'
    | 'unscreened'
  detail: string
  /** CAIP-2, for problems of one network. */
  network?: string
  /** The id of the invoice, for problems of one invoice: an account can have several of them in one run. */
  invoice?: string
}

/** Returns a `relisted` finding for each row that its account wrote again. */
export function compareListing(rows: readonly { id: string; relistedAt: number | null }[]): Finding[] {
  return rows.flatMap(({ id: account, relistedAt }) =>
    relistedAt === null
      ? []
      : {
          account,
          what: 'relisted' as const,
          detail: `written again at ${new Date(relistedAt).toISOString()}`,
        },
  )
}

/** Returns a `rail_failed` finding for an invoice. The detail is `<invoice id>: <fault>`. */
export function railFailed(
  { agent: account, id }: Pick<InvoiceStanding, 'agent' | 'id'>,
  fault: unknown,
): Finding {
  return { account, what: 'rail_failed', detail: `${id}: ${fault}`, invoice: id }
}
