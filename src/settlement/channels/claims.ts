/** Claims on chain: an account's row, the batches of rows, and the search for rows that make a batch fail. Pure. */
import type { Standing } from '../../ledger/channel/types.ts'
import type { ChannelConfig, Claim } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'

/** The most rows in one transaction: about 2.4 million gas and 48 kB of calldata. */
export const MAX_ROWS = 100

/** A claim as a step of a run keeps it: plain JSON, amounts as decimal strings in atomic units. */
export type ClaimRow = {
  channelId: Hex
  config: ChannelConfig
  /** The voucher's ceiling. */
  max: string
  signature: Hex
  /** The channel's total on chain after this claim. */
  total: string
  /** The payer is withdrawing and can make the row fail after simulation, so it goes in a transaction of its own. */
  alone: boolean
  /** The row failed in an earlier run, so it shares a transaction only with other such rows. */
  quarantined: boolean
}

/** A row that the chain rejects, and the reason. */
export type BadRow = { channelId: Hex; reason: string }

/**
 * The row to claim from an account now, or null. It claims the charged total, never the higher authorized one, and at
 * most the escrow's balance: a row over the balance would revert and claim nothing.
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

/**
 * Makes full batches, each of one kind of row and of one authorizer, the most urgent first. The rest waits for more rows,
 * except with `last`.
 */
export function batchesOf(rows: ClaimRow[], last: boolean): { batches: ClaimRow[][]; rest: ClaimRow[] } {
  const kinds = [
    rows.filter((row) => row.alone),
    rows.filter((row) => !row.alone && !row.quarantined),
    rows.filter((row) => !row.alone && row.quarantined),
  ]
  const chunks = kinds
    .flatMap(byAuthorizer)
    .flatMap((kind) =>
      Array.from({ length: Math.ceil(kind.length / MAX_ROWS) }, (_, at) =>
        kind.slice(at * MAX_ROWS, (at + 1) * MAX_ROWS),
      ),
    )
  const isFull = (chunk: ClaimRow[]) => last || chunk.length === MAX_ROWS
  return { batches: chunks.filter(isFull), rest: chunks.filter((chunk) => !isFull(chunk)).flat() }
}

function byAuthorizer(rows: ClaimRow[]): ClaimRow[][] {
  return [...Map.groupBy(rows, ({ config }) => config.receiverAuthorizer).values()]
}

/** Splits a batch into its transactions. */
export function transactionsOf(batch: ClaimRow[]): ClaimRow[][] {
  return batch.some((row) => row.alone) ? batch.map((row) => [row]) : batch.length > 0 ? [batch] : []
}

/**
 * Finds the items that make a batch fail. `trial` returns the reason of a failure, or null; a batch fails exactly if
 * one of its items does. One bad item among n takes at most 1 + 2·log2 n trials, and any number of them at most 2n - 1.
 */
export async function bisect<Item>(
  items: Item[],
  trial: (items: Item[]) => Promise<string | null>,
): Promise<{ good: Item[]; bad: { item: Item; reason: string }[] }> {
  const reason = items.length === 0 ? null : await trial(items)
  return reason === null ? { good: items, bad: [] } : split(items, reason, trial)
}

/** Splits a batch that fails. */
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
  // If the first half is good, the second half has failed with the reason of the whole: save that trial.
  const second = first.bad.length === 0 ? await split(rest, reason, trial) : await bisect(rest, trial)
  return { good: [...first.good, ...second.good], bad: [...first.bad, ...second.bad] }
}
