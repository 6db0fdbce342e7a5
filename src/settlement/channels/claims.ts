/** What is put on chain: the row of an account, the batches that rows make, and the search for rows that spoil one. Pure. */
import type { Standing } from '../../ledger/channel/types.ts'
import type { ChannelConfig, Claim } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'

/** Rows in one transaction: some 2.4 million gas and 48 kB of calldata. */
export const MOST_ROWS = 100

/** A claim as a step of a run keeps it: plain JSON, amounts as decimal strings in atomic units. */
export type ClaimRow = {
  channelId: Hex
  config: ChannelConfig
  /** The voucher's ceiling. */
  max: string
  signature: Hex
  /** What will have been claimed from the channel in all. */
  total: string
  /** Its payer is withdrawing, and may make it fail between simulation and block: it goes in a transaction of its own. */
  alone: boolean
  /** Failed in an earlier run: it goes with its like only. */
  quarantined: boolean
}

export type BadRow = { channelId: Hex; reason: string }

/**
 * What can be claimed from an account now, or null. Only what is charged, never all that is promised, and no more than
 * the escrow still holds: a row over the balance would revert, and the rest of what is owed can be saved without it.
 */
export function redeemable(standing: Standing): ClaimRow | null {
  const { channelId, config, signature, state } = standing
  const total = standing.charged < state.balance ? standing.charged : state.balance
  if (total <= standing.redeemed || signature === '0x') return null
  const quarantined = standing.quarantine !== null
  const alone = state.withdrawRequestedAt > 0
  const max = standing.authorized.toString()
  return { channelId, config, max, signature, total: total.toString(), alone, quarantined }
}

/** The row as the contract reads it. */
export function claimOf({ config, max, signature, total }: ClaimRow): Claim {
  return { channel: config, maxClaimableAmount: BigInt(max), signature, totalClaimed: BigInt(total) }
}

/** Full batches, each of one kind of row, the most urgent first, and the rest that waits for more; with `last` nothing waits. */
export function batchesOf(rows: ClaimRow[], last: boolean): { batches: ClaimRow[][]; rest: ClaimRow[] } {
  const kinds = [
    rows.filter((row) => row.alone),
    rows.filter((row) => !row.alone && !row.quarantined),
    rows.filter((row) => !row.alone && row.quarantined),
  ]
  const chunks = kinds.flatMap((kind) =>
    Array.from({ length: Math.ceil(kind.length / MOST_ROWS) }, (_, at) =>
      kind.slice(at * MOST_ROWS, (at + 1) * MOST_ROWS),
    ),
  )
  const isFull = (chunk: ClaimRow[]) => last || chunk.length === MOST_ROWS
  return { batches: chunks.filter(isFull), rest: chunks.filter((chunk) => !isFull(chunk)).flat() }
}

/** The transactions that a batch makes. */
export function transactionsOf(batch: ClaimRow[]): ClaimRow[][] {
  return batch.some((row) => row.alone) ? batch.map((row) => [row]) : batch.length > 0 ? [batch] : []
}

/**
 * Finds the items that make a batch fail. `trial` answers why a batch fails, or null, and fails exactly when an item
 * fails. One bad item among n is found with at most 1 + 2·log2 n trials, and never more than 2n - 1 are made.
 */
export async function bisect<Item>(
  items: Item[],
  trial: (items: Item[]) => Promise<string | null>,
): Promise<{ good: Item[]; bad: { item: Item; reason: string }[] }> {
  const reason = items.length === 0 ? null : await trial(items)
  return reason === null ? { good: items, bad: [] } : split(items, reason, trial)
}

/** Splits a batch that is known to fail. */
async function split<Item>(
  items: Item[],
  reason: string,
  trial: (items: Item[]) => Promise<string | null>,
): Promise<{ good: Item[]; bad: { item: Item; reason: string }[] }> {
  const [item] = items
  if (item === undefined) return { good: [], bad: [] }
  if (items.length === 1) return { good: [], bad: [{ item, reason }] }
  const middle = items.length >> 1
  const first = await bisect(items.slice(0, middle), trial)
  const rest = items.slice(middle)
  // When the first half is good, the whole failed at an item of the second, and for that item's reason.
  const second = first.bad.length === 0 ? await split(rest, reason, trial) : await bisect(rest, trial)
  return { good: [...first.good, ...second.good], bad: [...first.bad, ...second.bad] }
}
