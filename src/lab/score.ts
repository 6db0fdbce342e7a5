/** The score of a crawler: what it asked, got and paid. */

/**
 * Amounts are micro-dollars. `delivered`: the price of every page that it got, each purchase counted once. `charged`: what the
 * ledger has charged it. `paid`: what has reached the receiver. `due`: charged, not paid yet, and still backed by escrow or by
 * an open invoice.
 *
 * `stolen` is what it got beyond `paid + due`; `overpaid` what it was charged beyond what it got and can still get.
 */
export type Score = {
  requests: number
  /** Answers by status; `0`: the connection ended without one. */
  byStatus: Record<string, number>
  /** Refusals by the code on the wire. */
  byReason: Record<string, number>
  bytes: number
  pages: number
  delivered: bigint
  charged: bigint
  paid: bigint
  due: bigint
  stolen: bigint
  overpaid: bigint
}
