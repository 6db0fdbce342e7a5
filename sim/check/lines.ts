/** The disk of a credit line, read by SQL: the code under test is not asked. */
import { readBody } from '../../src/ledger/body.ts'
import type { Enrolment } from '../../src/ledger/credit/terms.ts'
import type { Host } from '../platform/host.ts'

/** One charge. `standing`: its deliveries that have not failed. */
export type LineCharge = {
  seq: number
  at: number
  amount: bigint
  once: string
  request: string
  signature: string
  standing: number
}

type Row = Record<string, SqlStorageValue>

/** Whether the line was ever opened. */
export function isOpened({ disk }: Host): boolean {
  return disk.has('entry')
}

/** The charges of one commitment, oldest first. */
export function chargesFor(host: Host, once: string): LineCharge[] {
  return isOpened(host) ? chargesWhere(host, 'once = ?', once) : []
}

/** All charges, oldest first. */
export function chargesIn(host: Host): LineCharge[] {
  return isOpened(host) ? chargesWhere(host, 'seq > ?', 0) : []
}

function chargesWhere({ disk }: Host, where: string, value: string | number): LineCharge[] {
  const count = (kind: string) =>
    `(SELECT count(*) FROM entry AS other WHERE other.of = entry.seq AND other.kind = '${kind}')`
  const rows = disk.peek(
    `SELECT seq, at, amount, once, request, body, ${count('replay')} AS replays, ${count('release')} AS releases
     FROM entry WHERE kind = 'charge' AND ${where} ORDER BY seq`,
    value,
  )
  return rows.map((row) => ({
    seq: Number(row.seq),
    at: Number(row.at),
    amount: BigInt(String(row.amount)),
    once: String(row.once),
    request: String(row.request),
    signature: (JSON.parse(String(row.body)) as { signature: string }).signature,
    standing: 1 + Number(row.replays) - Number(row.releases),
  }))
}

/** Entries after `seq`, oldest first. */
export function entriesAfter({ disk }: Host, seq: number): Row[] {
  return disk.peek('SELECT * FROM entry WHERE seq > ? ORDER BY seq', seq)
}

/** The terms of an entry `terms`. */
export function termsOf({ body }: Row): Enrolment {
  return readBody<Enrolment>(String(body))
}

/** An amount of an entry, in micro-dollars. */
export function amountIn(
  row: Row,
  name: 'amount' | 'authorized' | 'charged' | 'redeemed' | 'credit',
): bigint {
  return BigInt(String(row[name] ?? 0))
}
