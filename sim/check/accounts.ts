/** The disk of a channel account, read by SQL: the code under test is not asked. */
import type { Host } from '../platform/host.ts'

/** One charge of a journal. `isLive`: a delivery of it stands. */
export type Charge = { seq: number; at: number; isLive: boolean }

const pad = (amount: bigint) => amount.toString().padStart(39, '0')

/** Whether the account was ever opened. */
export function isOpen({ disk }: Host): boolean {
  return disk.has('entry') && disk.peek('SELECT 1 FROM entry LIMIT 1').length > 0
}

/** The charges of one voucher for one request. */
export function chargesOf({ disk }: Host, max: bigint, request: string): Charge[] {
  if (!disk.has('entry')) return []
  const rows = disk.peek(
    `SELECT seq, at,
       (SELECT count(*) FROM entry AS more WHERE more.of = entry.seq AND more.kind = 'replay') AS replays,
       (SELECT count(*) FROM entry AS less WHERE less.of = entry.seq AND less.kind = 'release') AS releases
     FROM entry WHERE kind = 'charge' AND max = ? AND request = ?`,
    pad(max),
    request,
  )
  return rows.map(({ seq, at, replays, releases }) => ({
    seq: Number(seq),
    at: Number(at),
    isLive: 1 + Number(replays) > Number(releases),
  }))
}

/** The last entry's totals, in atomic units. */
export function totalsOf({ disk }: Host): Record<'authorized' | 'charged' | 'redeemed' | 'credit', bigint> {
  const [row = {}] = disk.peek(
    'SELECT authorized, charged, redeemed, credit FROM entry ORDER BY seq DESC LIMIT 1',
  )
  const read = (name: string) => BigInt(String(row[name] ?? 0))
  return {
    authorized: read('authorized'),
    charged: read('charged'),
    redeemed: read('redeemed'),
    credit: read('credit'),
  }
}

/** The state row: the channel on chain as the account last saw it, its quarantine and its open transaction. */
export function standingOf({ disk }: Host): {
  chain: Record<string, string | number>
  quarantine: string | null
  unresolved: string | null
  config: string
} | null {
  if (!disk.has('standing')) return null
  const [row] = disk.peek('SELECT chain, quarantine, unresolved, config FROM standing')
  if (!row) return null
  return {
    chain: JSON.parse(String(row.chain)) as Record<string, string | number>,
    quarantine: row.quarantine as string | null,
    unresolved: row.unresolved as string | null,
    config: String(row.config),
  }
}

/** Whether the journal had this total at a time after `since` (Unix ms). */
export function hadCharged({ disk }: Host, total: bigint, since: number): boolean {
  const rows = disk.peek('SELECT at, charged FROM entry ORDER BY seq')
  return rows.some(
    ({ charged }, at) => BigInt(String(charged)) === total && Number(rows[at + 1]?.at ?? Infinity) >= since,
  )
}
