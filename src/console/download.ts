/** Lists as files: the rows that a page shows, with its filters, page after page. */
import { download, streamOf } from '../operator/response.ts'
import { type Cell, csv, csvRow } from '../platform/csv.ts'
import { writeJson } from '../platform/json.ts'
import type { Ask, Reply } from './edge.ts'
import type { ReadRows, RowPage, ValueColumn } from './list.ts'

/** The formats of a file. */
export const FILE_FORMATS = ['csv', 'ndjson'] as const
/** One of {@link FILE_FORMATS}. */
export type FileFormat = (typeof FILE_FORMATS)[number]

type Download<Row> = {
  /** The path of the list, which names the file and stands in the audit log. */
  list: string
  columns: readonly ValueColumn<Row>[]
  read: ReadRows<Row>
  query: URLSearchParams
  format: FileFormat
}

type Filed<Row> = { key: string; value: (row: Row) => Cell }

/** Rows of one read: an API returns fewer, and a list that is sorted here all. */
const ROWS_READ = '5000'

/** Notes the export in the audit log, and answers with the file; or with the problem that stands against it. */
export async function fileOf<Row>(
  ask: Ask,
  { list, columns, read, query, format }: Download<Row>,
): Promise<Response | Extract<Reply<never>, { ok: false }>> {
  const asked = new URLSearchParams(query)
  asked.delete('after')
  const noted = await ask('/export', { method: 'POST', body: JSON.stringify({ list, query: `?${asked}` }) })
  // An edge Worker of an earlier version lacks the route: its API exports without notes too.
  if (!noted.ok && noted.status !== 404) return noted
  asked.set('limit', ROWS_READ)
  const first = await read(ask, asked)
  if (!first.ok) return first
  const filed = columns.flatMap(({ key, value }): Filed<Row>[] => (key && value ? [{ key, value }] : []))
  const pages = pagesFrom(first.value, (after) => read(ask, withAfter(asked, after)))
  const name = `${list.replace(/^\//, '').replaceAll('/', '-')}.${format}`
  return format === 'csv'
    ? download(streamOf(csvOf(filed, pages)), name, 'text/csv')
    : download(streamOf(ndjsonOf(filed, pages)), name, 'application/x-ndjson')
}

function withAfter(query: URLSearchParams, after: string): URLSearchParams {
  const next = new URLSearchParams(query)
  next.set('after', after)
  return next
}

/** @throws where a later page cannot be read: the file then breaks off, and never looks complete */
async function* pagesFrom<Row>(
  first: RowPage<Row>,
  read: (after: string) => Promise<Reply<RowPage<Row>>>,
): AsyncGenerator<Row[]> {
  for (let page = first; ; ) {
    yield page.rows
    if (page.next === null) return
    const next = await read(page.next)
    if (!next.ok) throw new Error('a page of the list must be readable')
    page = next.value
  }
}

async function* csvOf<Row>(columns: readonly Filed<Row>[], pages: AsyncGenerator<Row[]>) {
  yield csv(
    columns.map(({ key }) => key),
    [],
  )
  for await (const rows of pages)
    yield rows.map((row) => csvRow(columns.map(({ value }) => value(row)))).join('')
}

async function* ndjsonOf<Row>(columns: readonly Filed<Row>[], pages: AsyncGenerator<Row[]>) {
  for await (const rows of pages)
    yield rows
      .map((row) => `${writeJson(Object.fromEntries(columns.map(({ key, value }) => [key, value(row)])))}\n`)
      .join('')
}
