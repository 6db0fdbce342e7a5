/** The list of all accounts in the read model: channels, payers of `exact` and credit lines, in one order. */
import type { Address } from '../../protocol/evm/hex.ts'
import { type PageQuery, pageSql, placeOf } from '../page-sql.ts'
import { KIND, type Listing, type Row, totalsIn } from './accounts.ts'
import type { LineListing } from './credit.ts'

/** An account of the list: without the members that runs alone use. */
export type ListedAccountRow =
  | Omit<Listing, 'relistedAt'>
  | (Omit<LineListing, 'cursor' | 'relistedAt'> & { kind: typeof KIND.credit })

/** States that narrow the list. `owing`: charged above redeemed at the last run. `stopped`: suspended or quarantined. */
export const ACCOUNT_STATES = ['open', 'stopped', 'owing'] as const

/** The filters of the list. `text`: a part of the id, the name or the payer. */
export type AccountFilter = {
  kind?: string | undefined
  state?: (typeof ACCOUNT_STATES)[number] | undefined
  text?: string | undefined
}

const SHARED = 'id, opened_at, authorized, charged, redeemed, ceiling, updated_at'
const ALL = `(
  SELECT ${SHARED}, kind, NULL AS name, network, payer, receiver, token, quarantine, NULL AS closed FROM account
  UNION ALL
  SELECT ${SHARED}, '${KIND.credit}', name, NULL, NULL, NULL, NULL, NULL, closed FROM line)`

// For the order alone: above 2^63 amounts count as equal, and none is shown from here.
const amount = (column: string) => `cast(coalesce(${column}, '0') AS INTEGER)`

/** The numbers that accounts are sorted by. */
export const ACCOUNT_ORDERS = {
  opened: 'opened_at',
  authorized: amount('authorized'),
  charged: amount('charged'),
  redeemed: amount('redeemed'),
  owed: `${amount('charged')} - ${amount('redeemed')}`,
} as const

const STATES: Readonly<Record<(typeof ACCOUNT_STATES)[number], string>> = {
  open: 'coalesce(quarantine, closed) IS NULL',
  stopped: 'coalesce(quarantine, closed) IS NOT NULL',
  owing: 'charged > redeemed',
}

/** Returns one page, and the place of each of its rows. @throws when D1 cannot be read */
export async function accountPage(
  book: D1Database,
  { kind, state, text }: AccountFilter,
  page: PageQuery,
): Promise<{ account: ListedAccountRow; place: string }[]> {
  const { query, values } = pageSql(
    { from: ALL, id: 'id', orders: ACCOUNT_ORDERS },
    [
      kind === undefined ? null : ['kind = ?', kind],
      state === undefined ? null : [`${STATES[state]} AND ?`, 1],
      text === undefined
        ? null
        : [
            "instr(lower(id || ' ' || coalesce(name, '') || ' ' || coalesce(payer, '')), ?) > 0",
            text.toLowerCase(),
          ],
    ],
    page,
  )
  const { results } = await book
    .prepare(query)
    .bind(...values)
    .all<Row>()
  return results.map((row) => ({ account: accountIn(row), place: placeOf(row, 'id') }))
}

function accountIn(row: Row): ListedAccountRow {
  const shared = {
    id: String(row.id),
    openedAt: Number(row.opened_at),
    totals: totalsIn(row),
    updatedAt: row.updated_at as number | null,
  }
  if (row.kind === KIND.credit)
    return { ...shared, kind: KIND.credit, name: String(row.name), closed: row.closed as string | null }
  return {
    ...shared,
    kind: row.kind as Listing['kind'],
    network: row.network as string | null,
    payer: row.payer as Address,
    receiver: row.receiver as Address,
    token: row.token as Address,
    quarantine: row.quarantine as string | null,
  }
}
