/** The read model of accounts in D1. No decision about money uses its amounts. */

import { padAmount, unpadAmount } from '../../protocol/amount.ts'
import type { Address } from '../../protocol/evm/hex.ts'
import type { Finding } from './finding.ts'

/** An account's totals as of the last run. Atomic units on a channel, micro-dollars on credit. */
export type ListedTotals = { authorized: bigint; charged: bigint; redeemed: bigint; ceiling: bigint }

/** The kinds of account in lists and exports, by the scheme that charges them. Stored: a kind keeps its name. */
export const KIND = { channel: 'channel', exact: 'exact', credit: 'credit' } as const

/** A row of any table of the read model. */
export type Row = Record<string, string | number | null>

/**
 * One row of the read model. Totals are null until the first run has read the account. Times in Unix
 * milliseconds.
 */
export type Listing = {
  /** The name of the Durable Object: a channel id, or `<network>:<payer>` for `exact`. */
  id: string
  kind: typeof KIND.channel | typeof KIND.exact
  /** CAIP-2. Null for a channel that an earlier version has listed, until a run has read its account. */
  network: string | null
  payer: Address
  receiver: Address
  token: Address
  openedAt: number
  totals: ListedTotals | null
  quarantine: string | null
  updatedAt: number | null
  /** When the account wrote its missing row again; null once a run has read it. */
  relistedAt: number | null
}

/** The part of a row that an account writes by itself. Times in Unix milliseconds. */
export type ListedAccount = Pick<
  Listing,
  'id' | 'kind' | 'network' | 'payer' | 'receiver' | 'token' | 'openedAt' | 'relistedAt'
>

/**
 * The rows that one network's part of a run reads: its own, and those without a network. `others`: the networks that other
 * parts read, where this part reads all the rest as well; null where it does not. So each row is in one part.
 */
export type RowScope = { network: string; others: readonly string[] | null }

/** Adds an account to the listing, unless it is there. @throws when D1 cannot be written */
export async function listAccount(book: D1Database, account: ListedAccount): Promise<void> {
  const { id, kind, network, payer, receiver, token, openedAt, relistedAt } = account
  await book
    .prepare(
      `INSERT OR IGNORE INTO account (id, kind, network, payer, receiver, token, opened_at, relisted_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .bind(id, kind, network, payer, receiver, token, openedAt, relistedAt)
    .run()
}

/**
 * Removes the mark of the rows that findings name as written again. Call it once the findings are stored: a run that stops
 * before leaves them to the next one.
 */
export async function clearRelisted(
  book: D1Database,
  table: 'account' | 'line',
  findings: readonly Finding[],
): Promise<void> {
  const ids = findings.filter(({ what }) => what === 'relisted').map(({ account }) => account)
  if (ids.length === 0) return
  await book
    .prepare(`UPDATE ${table} SET relisted_at = NULL WHERE id IN (SELECT value FROM json_each(?))`)
    .bind(JSON.stringify(ids))
    .run()
}

/** Returns up to `limit` rows with `id > after` (`''` for the first page), in order of id. Without a `scope`, all rows. */
export async function listings(
  book: D1Database,
  after: string,
  limit: number,
  scope?: RowScope,
): Promise<Listing[]> {
  const others = scope?.others ? JSON.stringify(scope.others) : null
  const within = `(network IS NULL OR network = ?2
    OR (?3 IS NOT NULL AND network NOT IN (SELECT value FROM json_each(?3))))`
  const query = `SELECT * FROM account WHERE id > ?1 ${scope ? `AND ${within}` : ''} ORDER BY id LIMIT ?${scope ? 4 : 2}`
  const { results } = await book
    .prepare(query)
    .bind(after, ...(scope ? [scope.network, others] : []), limit)
    .all<Row>()
  return results.map((row) => ({
    id: String(row.id),
    kind: row.kind as Listing['kind'],
    network: row.network as string | null,
    payer: row.payer as Address,
    receiver: row.receiver as Address,
    token: row.token as Address,
    openedAt: Number(row.opened_at),
    totals: totalsIn(row),
    quarantine: row.quarantine as string | null,
    updatedAt: row.updated_at as number | null,
    relistedAt: row.relisted_at as number | null,
  }))
}

/** Returns the totals in a row; null before the first run. */
export function totalsIn(row: Row): ListedTotals | null {
  if (row.charged === null) return null
  const read = (name: keyof ListedTotals) => unpadAmount(String(row[name]))
  return {
    authorized: read('authorized'),
    charged: read('charged'),
    redeemed: read('redeemed'),
    ceiling: read('ceiling'),
  }
}

/** Updates the rows of accounts from their current state. `now` in Unix milliseconds. */
export async function project(
  book: D1Database,
  lines: {
    id: string
    network: string | null
    authorized: bigint
    charged: bigint
    redeemed: bigint
    ceiling: bigint
    quarantine: string | null
  }[],
  now: number,
): Promise<void> {
  if (lines.length === 0) return
  const update = book.prepare(
    'UPDATE account SET network = ?, authorized = ?, charged = ?, redeemed = ?, ceiling = ?, quarantine = ?, updated_at = ? WHERE id = ?',
  )
  await book.batch(
    lines.map((line) =>
      update.bind(
        line.network,
        padAmount(line.authorized),
        padAmount(line.charged),
        padAmount(line.redeemed),
        padAmount(line.ceiling),
        line.quarantine,
        now,
        line.id,
      ),
    ),
  )
}
