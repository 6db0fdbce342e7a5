/** The watch in the read model (D1): how far it has come, and which channels it polls. */

import type { Hex } from '../../protocol/evm/hex.ts'
import { KIND } from './accounts.ts'

/** How far the watch of one chain has come. Safe to lose: the poll comes to every channel. */
export type WatchState = {
  /** The last block whose withdrawals were read; null before the first. */
  block: number | null
  /** Blocks in one request. Nodes differ in how many they permit. */
  span: number
  /** The poll continues after this channel; `''` begins a round. */
  after: string
  /** When a watch last read the chain, in Unix milliseconds; null before the first. */
  seenAt: number | null
  /** How many watches in a row have failed. */
  blind: number
  /** Whether the operator's webhook has accepted that the watch is blind. */
  alerted: boolean
  /** Channels whose payers withdraw and that could not be claimed from. The next watch reads them first. */
  unclaimed: readonly Hex[]
}

/** Some 350 kB. The poll comes to any others. */
const MAX_UNCLAIMED_CHANNELS = 5_000

/** Returns how far the watch of a chain (CAIP-2) has come; null before its first. */
export async function readWatch(book: D1Database, chain: string): Promise<WatchState | null> {
  const row = await book.prepare('SELECT * FROM watch WHERE chain = ?').bind(chain).first<{
    block: number | null
    span: number
    after: string
    seen_at: number | null
    blind: number
    alerted: number
    unclaimed: string
  }>()
  if (!row) return null
  const { block, span, after, seen_at: seenAt, blind, alerted } = row
  const unclaimed = JSON.parse(row.unclaimed) as Hex[]
  return { block, span, after, seenAt, blind, alerted: alerted === 1, unclaimed }
}

/** Saves how far the watch of a chain has come. */
export async function saveWatch(book: D1Database, chain: string, state: WatchState): Promise<void> {
  const { block, span, after, seenAt, blind, alerted } = state
  const unclaimed = JSON.stringify(state.unclaimed.slice(0, MAX_UNCLAIMED_CHANNELS))
  await book
    .prepare(
      `INSERT OR REPLACE INTO watch (chain, block, span, after, seen_at, blind, alerted, unclaimed)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .bind(chain, block, span, after, seenAt, blind, alerted ? 1 : 0, unclaimed)
    .run()
}

// The condition of the partial index `account_watched` (migrations/0013): SQLite uses it only for the same words.
const WATCHED = `kind = '${KIND.channel}' AND (ceiling IS NULL OR ceiling <> redeemed)`

/**
 * Returns up to `limit` channels of a network (CAIP-2), or of none yet, with `id > after`, in order of id. Leaves out those whose escrow was empty at the last
 * run. A stale row delays a channel until the next nightly run, which asks its account.
 */
export async function watchedChannels(
  book: D1Database,
  network: string,
  after: string,
  limit: number,
): Promise<Hex[]> {
  const some = (which: string) =>
    `SELECT * FROM (SELECT id FROM account WHERE ${WATCHED} AND ${which} AND id > ?2 ORDER BY id LIMIT ?3)`
  const { results } = await book
    .prepare(`${some('network = ?1')} UNION ALL ${some('network IS NULL')} ORDER BY id LIMIT ?3`)
    .bind(network, after, limit)
    .all<{ id: Hex }>()
  return results.map(({ id }) => id)
}

/** Returns whether the watch of a network polls a channel that was listed before `time` (Unix milliseconds). */
export async function hasWatchedChannel(book: D1Database, network: string, time: number): Promise<boolean> {
  const query = `SELECT 1 FROM account WHERE ${WATCHED} AND (network IS NULL OR network = ?) AND opened_at < ? LIMIT 1`
  return (await book.prepare(query).bind(network, time).first()) !== null
}

/** Ids in one query: some 350 kB. D1 takes values of up to 2 MB. */
const IDS_PER_QUERY = 5_000

/** Returns those of the ids that are listed as channels. */
export async function listedChannels(book: D1Database, ids: readonly Hex[]): Promise<Set<Hex>> {
  // One bound value for many ids: a query may bind at most 100 values.
  const query = book.prepare(
    'SELECT id FROM account WHERE kind = ? AND id IN (SELECT value FROM json_each(?))',
  )
  const listed = new Set<Hex>()
  for (let at = 0; at < ids.length; at += IDS_PER_QUERY) {
    const some = JSON.stringify(ids.slice(at, at + IDS_PER_QUERY))
    const { results } = await query.bind(KIND.channel, some).all<{ id: Hex }>()
    for (const { id } of results) listed.add(id)
  }
  return listed
}
