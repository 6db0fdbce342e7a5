/** The sums owed to the operator, at risk and received, over the read model: for pages alone. */
import { DAY_MS } from '../../platform/time.ts'
import { owedOn } from '../billing/dunning.ts'
import type { InvoiceStanding } from '../billing/types.ts'
import { readBody } from '../body.ts'
import { KIND } from './accounts.ts'

/** Money that was received on one day by the accounts of a kind. `day`: Unix ms. */
export type ReceiptDay = { day: number; kind: keyof typeof KIND; received: bigint }

/**
 * Amounts in micro-dollars. `owed`: charged and not redeemed, as of the last run that read each account. Parts of it: `withdrawing`, on
 * channels whose payer takes its deposit back; `stopped`: on accounts that are quarantined or suspended. `late`: invoices past due
 * of lines that are open, at most {@link MAX_LATE} of them.
 */
export type Owed = {
  channel: bigint
  credit: bigint
  accounts: number
  withdrawing: bigint
  stopped: bigint
  late: bigint
  asOf: number | null
}

/** The most invoices that are summed as late. */
export const MAX_LATE = 200

/** Digits of an amount that are summed at once. Three times as many are all 39, and the sum of 900,000 rows fits into 63 bits. */
const DIGITS = 13

/** Amounts are text of 39 digits, which no SUM may take whole: these columns add up their thirds. */
function thirds(column: string): string {
  return [1, 1 + DIGITS, 1 + 2 * DIGITS]
    .map((from, at) => `sum(cast(substr(${column}, ${from}, ${DIGITS}) AS INTEGER)) AS ${column}${at}`)
    .join(', ')
}

function joined(row: Record<string, number | string | null>, column: string): bigint {
  return [0, 1, 2].reduce((sum, at) => sum * 10n ** BigInt(DIGITS) + BigInt(row[`${column}${at}`] ?? 0), 0n)
}

const SUMS = `count(*) AS accounts, max(updated_at) AS at, ${thirds('charged')}, ${thirds('redeemed')}`
const WITHDRAWING = `id IN (
  SELECT value ->> '$.subject' FROM alert, json_each(alert.state, '$.alerts')
  WHERE value ->> '$.kind' = 'withdrawal' AND value ->> '$.resolved' IS NULL)`

// The conditions of the partial indexes of migrations/0019 and 0011: SQLite uses them only for the same words.
const OWING = `
  SELECT '${KIND.channel}' AS kind, quarantine IS NOT NULL AS is_stopped, ${WITHDRAWING} AS is_withdrawing, ${SUMS}
  FROM account WHERE charged > redeemed GROUP BY 2, 3
  UNION ALL
  SELECT '${KIND.credit}', closed IS NOT NULL, 0, ${SUMS} FROM line WHERE charged > redeemed GROUP BY 2`
const LATE = `
  SELECT record FROM invoice WHERE stage IN ('past_due', 'suspended')
  AND NOT EXISTS (SELECT 1 FROM line WHERE line.id = invoice.line AND closed IS NOT NULL) ORDER BY id LIMIT ?`
const RECEIPTS = 'SELECT day, kind, received FROM receipt WHERE day >= ? ORDER BY day, kind'
const SINCE = 'SELECT min(day) AS day FROM receipt'

type Row = Record<string, string | number | null>

/**
 * Reads all of it in one batch. `from` in Unix milliseconds. `since`: the day of the first receipt, in Unix ms; null before it.
 * @throws when D1 cannot be read
 */
export async function readOwed(
  book: D1Database,
  from: number,
): Promise<{ owed: Owed; receipts: ReceiptDay[]; since: number | null }> {
  const [owing, late, receipts, since] = await book.batch<Row>([
    book.prepare(OWING),
    book.prepare(LATE).bind(MAX_LATE),
    book.prepare(RECEIPTS).bind(Math.floor(from / DAY_MS)),
    book.prepare(SINCE),
  ])
  const first = since?.results[0]?.day ?? null
  return {
    owed: { ...sumsOf(owing?.results ?? []), late: lateIn(late?.results ?? []) },
    receipts: (receipts?.results ?? []).map(({ day, kind, received }) => ({
      day: Number(day) * DAY_MS,
      kind: kind as ReceiptDay['kind'],
      received: BigInt(received ?? 0),
    })),
    since: first === null ? null : Number(first) * DAY_MS,
  }
}

function sumsOf(rows: readonly Row[]): Omit<Owed, 'late'> {
  const sums = {
    channel: 0n,
    credit: 0n,
    accounts: 0,
    withdrawing: 0n,
    stopped: 0n,
    asOf: null as number | null,
  }
  for (const row of rows) {
    const owed = joined(row, 'charged') - joined(row, 'redeemed')
    if (row.kind === KIND.channel) sums.channel += owed
    else sums.credit += owed
    sums.accounts += Number(row.accounts)
    if (row.is_stopped === 1) sums.stopped += owed
    else if (row.is_withdrawing === 1) sums.withdrawing += owed
    const at = row.at === null ? null : Number(row.at)
    if (at !== null && at > (sums.asOf ?? 0)) sums.asOf = at
  }
  return sums
}

function lateIn(rows: readonly Row[]): bigint {
  return rows.reduce((sum, { record }) => sum + owedOn(readBody<InvoiceStanding>(String(record))), 0n)
}
