/** Statements over HTTP: the signed charges of a period, and the proof of each of its entries. */
import { Hono } from 'hono/tiny'
import type { CreditLineStub } from '../billing/context.ts'
import type { Seal } from '../billing/operator-key.ts'
import { statementPage } from '../billing/pages.ts'
import { documentOf, signStatement, statementCsv } from '../billing/signed-statement.ts'
import { type StatementListing, statements } from '../ledger/book/credit.ts'
import { mapConcurrently } from '../platform/pool.ts'
import type { PlainProof, SignedStatement } from '../protocol/statement.ts'
import { isAgentId } from './requests.ts'
import {
  download,
  type Format,
  formatOf,
  htmlPage,
  jsonResponse,
  nextOf,
  notFound,
  numberOf,
  pageLimit,
} from './response.ts'
import { needs, type OperatorEnv } from './rights.ts'
import { asksForSales, type SaleFilter, saleFilterOf } from './sale-filter.ts'
import type { CreditSettings, OperatorSettings } from './settings.ts'

/** The most statements that a page with a filter reads, each from its credit line. A larger `limit` means this one. */
const MAX_FILTERED = 50

const CURSOR = /^(\d{1,16})\.([^.]{1,64})\.([0-9W-]{7,10})$/

/** Routes below `/api/statements`. */
export function statementRoutes(
  { book, billing }: OperatorSettings,
  credit: CreditSettings,
): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  const lineOf = (agent: string) => (isAgentId(agent) ? credit.lines.getByName(agent) : null)
  app.get('/', needs('money.read'), async (c) => {
    const isFiltered = asksForSales(c)
    const limit = isFiltered ? Math.min(pageLimit(c), MAX_FILTERED) : pageLimit(c)
    const filter = { agent: c.req.query('agent'), after: readCursor(c.req.query('after')), limit }
    const listed = await statements(book, filter)
    return jsonResponse({
      statements: isFiltered ? await withSales(listed, credit, saleFilterOf(c)) : listed,
      next: nextOf(listed, limit, ({ closedAt, agent, period }) => `${closedAt}.${agent}.${period.id}`),
    })
  })
  app.get('/:agent/:period', needs('money.read'), async (c) => {
    const format = formatOf(c, 'json', 'csv', 'html')
    if (format instanceof Response) return format
    const line = lineOf(c.req.param('agent'))
    const signed =
      line && billing && (await signedOf(line, c.req.param('period'), credit, (await billing()).seal))
    return signed ? inFormat(signed, format) : notFound()
  })
  app.get('/:agent/:period/proofs/:entry', needs('money.read'), async (c) => {
    const line = lineOf(c.req.param('agent'))
    return line ? proven(line, c.req.param('period'), c.req.param('entry')) : notFound()
  })
  return app
}

/** The statements with a line of the sales that are asked for, each with those lines. @throws when a credit line fails */
async function withSales(listed: StatementListing[], { lines }: CreditSettings, isAsked: SaleFilter) {
  const read = async (statement: StatementListing) => {
    const found = await lines.getByName(statement.agent).statement(statement.period.id)
    return { ...statement, lines: (found?.lines ?? []).filter(isAsked) }
  }
  const rethrow = (_: unknown, fault: unknown): never => {
    throw fault
  }
  return (await mapConcurrently(listed, read, rethrow)).filter((statement) => statement.lines.length > 0)
}

/** The signed statement of a period, or null when the credit line has none. */
export async function signedOf(
  line: CreditLineStub,
  period: string,
  { operator }: Pick<CreditSettings, 'operator'>,
  seal: Seal,
): Promise<SignedStatement | null> {
  const [statement, standing] = await Promise.all([line.statement(period), line.standing()])
  if (!statement || !standing) return null
  const agent = { id: standing.enrolment.agent, name: statement.name }
  return signStatement(documentOf(statement, operator, agent), seal)
}

/** The response with a statement: JSON, CSV or a page. */
export function inFormat(signed: SignedStatement, format: Format): Response {
  const { agent, period } = signed.statement
  switch (format) {
    case 'json':
      return jsonResponse(signed)
    case 'csv':
      return download(statementCsv(signed.statement), `statement-${agent.id}-${period.id}.csv`, 'text/csv')
    case 'html':
      return htmlPage(statementPage(signed))
  }
}

/** The response with the proof that an entry is part of a period's statement. */
export async function proven(line: CreditLineStub, period: string, entry: string): Promise<Response> {
  const seq = numberOf(entry, 0)
  const proof = seq > 0 ? await line.proof(seq) : null
  if (proof?.period !== period) return notFound()
  const { index, size, path } = proof
  const plain: PlainProof = {
    entry: { ...proof.entry, amount: proof.entry.amount.toString() },
    index,
    size,
    path,
  }
  return jsonResponse(plain)
}

function readCursor(text = ''): { closedAt: number; agent: string; period: string } | undefined {
  const [, closedAt, agent, period] = CURSOR.exec(text) ?? []
  return closedAt && agent && period ? { closedAt: +closedAt, agent, period } : undefined
}
