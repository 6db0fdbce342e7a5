/** The score of a crawler: what it asked, got and paid. */

/**
 * The counters of a crawler. Amounts are micro-dollars. `delivered`: the price of every page that it got, each purchase
 * counted once. `account`: its account, by the receipts.
 */
export type CrawlerTally = {
  requests: number
  /** Answers by status; `0`: the connection ended without one. */
  byStatus: Record<string, number>
  /** Refusals by the code on the wire. */
  byReason: Record<string, number>
  bytes: number
  pages: number
  delivered: bigint
  account: string | null
}

/**
 * The Worker’s spending while a crawler ran on everybody together: run it alone to read its own. `lookUps`: calls of
 * the node. `gas`: that of the relayer, in micro-dollars. `origin`: requests that the origin has answered.
 */
export type Cost = { lookUps: number; gas: bigint; origin: number }

/**
 * The tally beside the ledger and the chain. `charged`: the amount that the ledger has charged. `paid`: claimed of its
 * channel, sent by `exact`, or paid of its invoices.
 * `due`: charged, not paid yet, and still backed by escrow or by an open invoice.
 *
 * `stolen` is what the crawler got beyond `paid + due`; `overpaid` what it was charged beyond what it got and can still get.
 */
export type Score = Omit<CrawlerTally, 'account'> & {
  charged: bigint
  paid: bigint
  due: bigint
  stolen: bigint
  overpaid: bigint
  /** Null until it has run. */
  cost: Cost | null
}

/** The figures of the ledger and the chain about a crawler, in micro-dollars. `undelivered`: paid, and can still be got. */
export type CrawlerMoney = { charged: bigint; paid: bigint; due: bigint; undelivered: bigint }

/** Compares what a crawler got with what it paid. */
export function scoreOf(
  { account: _, ...tally }: CrawlerTally,
  settled: CrawlerMoney,
  cost: Cost | null = null,
): Score {
  const { charged, paid, due, undelivered } = settled
  return {
    ...tally,
    charged,
    paid,
    due,
    stolen: above(tally.delivered, paid + due),
    overpaid: above(charged, tally.delivered + undelivered),
    cost,
  }
}

function above(a: bigint, b: bigint): bigint {
  return a > b ? a - b : 0n
}
