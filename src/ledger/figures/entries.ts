/** The sales in the table `entry`, which channel accounts and credit lines have alike. */
import { unpadAmount } from '../../protocol/amount.ts'
import { soldIn } from '../sold.ts'
import { delivered } from '../totals.ts'
import { hostIn, type Redemption, type Sale } from './fold.ts'
import type { SalesJournal } from './report.ts'

type Row = Record<string, SqlStorageValue>

const COLUMNS = 'seq, at, kind, charged, credit, request, site, rule, policy, who, of'
const SALES: ReadonlySet<unknown> = new Set<Sale['kind']>(['charge', 'release', 'lower'])

/** Whether an entry changes what was charged. */
export function isSale({ kind }: { kind: unknown }): boolean {
  return SALES.has(kind)
}

/** Reads the journal of an account by its entries' numbers. */
export class EntrySales implements SalesJournal {
  readonly #sql: SqlStorage
  readonly #corrections: string | undefined

  /** @param corrections a query for the numbers of entries other than sales that change what was delivered */
  constructor(sql: SqlStorage, corrections?: string) {
    this.#sql = sql
    this.#corrections = corrections
  }

  last(): number {
    const [table] = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'entry'`).toArray()
    if (!table) return 0
    const [row] = this.#sql.exec('SELECT coalesce(max(seq), 0) AS last FROM entry').toArray()
    return Number(row?.last)
  }

  /** The sale of an entry is the change of all that was delivered: a charge from the payer's balance is one too. */
  read(from: number, limit: number, take: (sale: Sale) => void): number {
    let to = from
    let before = this.#entry(from)
    const page = `SELECT ${COLUMNS} FROM entry WHERE seq > ? ORDER BY seq LIMIT ?`
    for (const row of this.#sql.exec(page, from, limit).toArray()) {
      const sold = row.of === null ? row : this.#entry(Number(row.of))
      if (isSale({ kind: row.kind }) && sold)
        take(saleOf(row, sold, worthOf(row) - (before ? worthOf(before) : 0n)))
      before = row
      to = Number(row.seq)
    }
    return to
  }

  /** An entry is a receipt if it changed what was redeemed. */
  receipts(from: number, to: number): Redemption[] {
    const changes = `SELECT at, redeemed, before FROM (
        SELECT seq, at, redeemed, lag(redeemed) OVER (ORDER BY seq) AS before FROM entry WHERE seq >= ?1 AND seq <= ?2)
      WHERE seq > ?1 AND before <> redeemed`
    return this.#sql
      .exec(changes, from, to)
      .toArray()
      .map(({ at, redeemed, before }) => ({
        at: Number(at),
        amount: unpadAmount(String(redeemed)) - unpadAmount(String(before)),
      }))
  }

  charged(to: number): bigint {
    const [first] = this.#sql.exec(`SELECT ${COLUMNS} FROM entry ORDER BY seq LIMIT 1`).toArray()
    const last = this.#entry(to)
    if (!first || !last) return 0n
    const corrections = this.#corrections ? this.#sql.exec(this.#corrections).toArray() : []
    return corrections
      .map(({ seq }) => Number(seq))
      .filter((seq) => seq <= to)
      .reduce((sum, seq) => sum - this.#change(seq), worthOf(last) - worthOf(first))
  }

  #change(seq: number): bigint {
    const [before, after] = [this.#entry(seq - 1), this.#entry(seq)]
    return before && after ? worthOf(after) - worthOf(before) : 0n
  }

  earlier(back: number): number | null {
    const charges = `SELECT at FROM entry WHERE kind = 'charge' ORDER BY seq DESC LIMIT 1 OFFSET ?`
    const [row] = this.#sql.exec(charges, back).toArray()
    return row ? Number(row.at) : null
  }

  #entry(seq: number): Row | undefined {
    return this.#sql.exec(`SELECT ${COLUMNS} FROM entry WHERE seq = ?`, seq).toArray()[0]
  }
}

function saleOf({ kind }: Row, sold: Row, amount: bigint): Sale {
  const request = sold.request as string | null
  const { site, rule, who } = soldIn(sold)
  // Charges of earlier versions lack the site: their host sold.
  return {
    kind: kind as Sale['kind'],
    amount,
    at: Number(sold.at),
    site: site ?? hostIn(request),
    rule,
    who,
    request,
  }
}

/** The worth of all deliveries after an entry. */
function worthOf({ charged, credit }: Row): bigint {
  return delivered({ charged: unpadAmount(String(charged)), credit: unpadAmount(String(credit)) })
}
