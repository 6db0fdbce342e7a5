/** Findings: what a nightly run reports to the operator. */

import type { InvoiceStanding } from '../billing/types.ts'

/**
 * - `silent`: an account did not answer.
 * - `book_ahead`: the book knows of more than the account does: the account has lost entries, or the book was written to.
 * - `book_differs`: a line of the book is not what was just written to it.
 * - `overclaimed`: the chain has more claimed than was charged here: the key claims elsewhere, or the account has lost entries.
 * - `chain_behind`: the chain has less claimed than it had: a reorganisation, or a node of another past.
 * - `uncovered`: the escrow no longer holds what is owed. A loss, unless the payer tops up.
 * - `elsewhere`: an account of another network owes: the site moved before all was claimed there.
 * - `receiver_behind`: the chain has claimed less for a receiver than its accounts together were told.
 * - `unswept`: what was claimed for a receiver has not all reached the receiver.
 * - `undelivered`: payments by `exact` that arrived although their requests died. The payer may ask again, or have it back.
 * - `rail_failed`: an invoice could not be made or handed over, or its rail could not be asked. The next run tries again.
 * - `overpaid`: more came in for an invoice than it was over. The rest is the payer's.
 * - `overcredited`: more was credited at the rail than was left of an invoice. The rest is not credited here.
 */
export type Finding = {
  account: string
  what:
    | 'silent'
    | 'book_ahead'
    | 'book_differs'
    | 'overclaimed'
    | 'chain_behind'
    | 'uncovered'
    | 'elsewhere'
    | 'receiver_behind'
    | 'unswept'
    | 'undelivered'
    | 'rail_failed'
    | 'overpaid'
    | 'overcredited'
  detail: string
}

export function railFailed({ agent: account, id }: InvoiceStanding, fault: unknown): Finding {
  return { account, what: 'rail_failed', detail: `${id}: ${fault}` }
}
