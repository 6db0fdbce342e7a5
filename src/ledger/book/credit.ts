/** The read model of credit in D1: credit lines, statements and invoices, for lists and exports. */

import { padAmount } from '../../protocol/amount.ts'
import type { Reason } from '../../protocol/refusal.ts'
import type { InvoiceStanding, Stage, StatementHead } from '../billing/types.ts'
import { readBody, writeBody } from '../body.ts'
import type { LineStanding } from '../credit/types.ts'
import { type PageQuery, pageSql, placeOf } from '../page-sql.ts'
import { type ListedTotals, type Row, totalsIn } from './accounts.ts'

/**
 * One credit line's row. Totals are null until the first run has read the line. Times in Unix milliseconds.
 */
export type LineListing = {
  /** The agent's id, which is the name of the Durable Object. */
  id: string
  name: string
  openedAt: number
  totals: ListedTotals | null
  closed: string | null
  updatedAt: number | null
  /** The projection's cursor: the last document that the read model contains; null before the first. */
  cursor: number | null
  /** When the missing row was written again; null once a run has read it. */
  relistedAt: number | null
}

/** A statement in a list: its agent, and its head. */
export type StatementListing = StatementHead & { agent: string }

/** Rows in one D1 batch. One nightly run can rebuild a lost read model. */
const BATCH = 500

/** The part of a row that a credit line writes by itself. Times in Unix milliseconds. */
export type ListedLine = Pick<LineListing, 'id' | 'name' | 'openedAt' | 'relistedAt'>

/** Adds credit lines to the listing, unless they are there. @throws when D1 cannot be written */
export async function listLines(book: D1Database, lines: readonly ListedLine[]): Promise<void> {
  const insert = book.prepare(
    'INSERT OR IGNORE INTO line (id, name, opened_at, relisted_at) VALUES (?, ?, ?, ?)',
  )
  await writeAll(
    book,
    lines.map(({ id, name, openedAt, relistedAt }) => insert.bind(id, name, openedAt, relistedAt)),
  )
}

/** Returns the number of listed credit lines. */
export async function countLines(book: D1Database): Promise<number> {
  const row = await book.prepare('SELECT count(*) AS lines FROM line').first<{ lines: number }>()
  return row?.lines ?? 0
}

/** Returns up to `limit` credit lines with `id > after` (`''` for the first page), in order of id. */
export async function lines(book: D1Database, after: string, limit: number): Promise<LineListing[]> {
  const { results } = await book
    .prepare('SELECT * FROM line WHERE id > ? ORDER BY id LIMIT ?')
    .bind(after, limit)
    .all<Row>()
  return results.map((row) => ({
    id: String(row.id),
    name: String(row.name),
    openedAt: Number(row.opened_at),
    totals: totalsIn(row),
    closed: row.closed as string | null,
    updatedAt: row.updated_at as number | null,
    cursor: row.heard as number | null,
    relistedAt: row.relisted_at as number | null,
  }))
}

/**
 * Updates the rows of credit lines from their current state. `now` in Unix milliseconds.
 *
 * Trap: save every document up to `cursor` first, or later runs skip the missing ones.
 */
export async function projectLines(
  book: D1Database,
  standings: readonly (LineStanding & { cursor?: number })[],
  now: number,
): Promise<void> {
  const update = book.prepare(
    `UPDATE line SET name = ?, authorized = ?, charged = ?, redeemed = ?, ceiling = ?, closed = ?, updated_at = ?,
       heard = coalesce(?, heard) WHERE id = ?`,
  )
  await writeAll(
    book,
    standings.map(({ enrolment, authorized, charged, redeemed, limit, closed, cursor = null }) =>
      update.bind(
        enrolment.name,
        padAmount(authorized),
        padAmount(charged),
        padAmount(redeemed),
        padAmount(redeemed + limit),
        closed,
        now,
        cursor,
        enrolment.agent,
      ),
    ),
  )
}

/** Saves statements. Idempotent. */
export async function saveStatements(
  book: D1Database,
  statements: readonly StatementListing[],
): Promise<void> {
  const insert = book.prepare('INSERT OR REPLACE INTO statement VALUES (?, ?, ?, ?, ?, ?)')
  await writeAll(
    book,
    statements.map((statement) => {
      const { agent, period, closedAt } = statement
      return insert.bind(agent, period.id, period.from, period.to, closedAt, writeBody(statement))
    }),
  )
}

/**
 * Returns up to `limit` statements that follow `after`, the last closed first; only those of `agent` if it is
 * set.
 */
export async function statements(
  book: D1Database,
  filter: {
    agent?: string | undefined
    after?: { closedAt: number; agent: string; period: string } | undefined
    limit: number
  },
): Promise<StatementListing[]> {
  const { closedAt = null, agent = null, period = null } = filter.after ?? {}
  const { results } = await book
    .prepare(
      `SELECT record FROM statement
       WHERE (?1 IS NULL OR line = ?1) AND (?2 IS NULL OR (closed_at, line, period) < (?2, ?3, ?4))
       ORDER BY closed_at DESC, line DESC, period DESC LIMIT ?5`,
    )
    .bind(filter.agent ?? null, closedAt, agent, period, filter.limit)
    .all<Row>()
  return results.map((row) => readBody<StatementListing>(String(row.record)))
}

/** Saves the current state of invoices, over an earlier state of the same invoices. */
export async function saveInvoices(book: D1Database, invoices: readonly InvoiceStanding[]): Promise<void> {
  const insert = book.prepare('INSERT OR REPLACE INTO invoice VALUES (?, ?, ?, ?, ?, ?, ?)')
  await writeAll(
    book,
    invoices.map((invoice) => {
      const { id, agent, number, stage, issuedAt, dueAt } = invoice
      return insert.bind(id, agent, number, stage, issuedAt, dueAt, writeBody(invoice))
    }),
  )
}

const amountIn = (name: string) => `cast(coalesce(record ->> '$.${name}', '0') AS INTEGER)`

/** The numbers that invoices are sorted by. */
export const INVOICE_ORDERS = {
  number: 'number',
  due: 'due_at',
  total: amountIn('total'),
  owed: `${amountIn('total')} - ${amountIn('credited')} - ${amountIn('paid')}`,
} as const

/** Returns one page of invoices, and the place of each; `agent` and `stage` narrow the list if they are set. */
export async function invoiceRows(
  book: D1Database,
  { agent, stage }: { agent?: string | undefined; stage?: Stage | undefined },
  page: PageQuery,
): Promise<{ invoice: InvoiceStanding; place: string }[]> {
  const { query, values } = pageSql(
    { from: 'invoice', id: 'number', orders: INVOICE_ORDERS },
    [agent === undefined ? null : ['line = ?', agent], stage === undefined ? null : ['stage = ?', stage]],
    page,
  )
  const { results } = await book
    .prepare(query)
    .bind(...values)
    .all<Row>()
  return results.map((row) => ({
    invoice: readBody<InvoiceStanding>(String(row.record)),
    place: placeOf(row, 'number'),
  }))
}

/** The most lines or invoices that are read for alerts. */
const MAX_ALERTED = 200

/** Returns credit lines that accept no charge, as of the last run, and why. */
export async function closedLines(book: D1Database): Promise<{ id: string; name: string; closed: Reason }[]> {
  const query = 'SELECT id, name, closed FROM line WHERE closed IS NOT NULL ORDER BY id LIMIT ?'
  const { results } = await book
    .prepare(query)
    .bind(MAX_ALERTED)
    .all<{ id: string; name: string; closed: Reason }>()
  return results
}

// The conditions of the partial indexes of migrations/0011: SQLite uses them only for the same words.
const UNPAID = "stage IN ('past_due', 'suspended')"
const FAILED = "record ->> '$.failedAt' IS NOT NULL"

/** Returns invoices past due, and those whose payment failed or was reversed, as they were last written. */
export async function unpaidInvoices(book: D1Database): Promise<InvoiceStanding[]> {
  const select = (condition: string) =>
    book.prepare(`SELECT record FROM invoice WHERE ${condition} ORDER BY id LIMIT ?`).bind(MAX_ALERTED)
  const answers = await book.batch<{ record: string }>([select(UNPAID), select(FAILED)])
  const invoices = answers.flatMap(({ results }) =>
    results.map(({ record }) => readBody<InvoiceStanding>(record)),
  )
  return [...new Map(invoices.map((invoice) => [invoice.id, invoice])).values()]
}

/** Returns the agent of an invoice, or null if the read model does not contain the invoice. */
export async function lineOfInvoice(book: D1Database, id: string): Promise<string | null> {
  const row = await book.prepare('SELECT line FROM invoice WHERE id = ?').bind(id).first<Row>()
  return row ? String(row.line) : null
}

async function writeAll(book: D1Database, writes: readonly D1PreparedStatement[]): Promise<void> {
  for (let at = 0; at < writes.length; at += BATCH) await book.batch(writes.slice(at, at + BATCH))
}
