/** Lists: the query in a URL, one page of rows, and rows that are sorted here. No part of it knows a page's markup. */
import type { Cell } from '../platform/csv.ts'
import type { Paged } from './answers.ts'
import type { Ask, Reply } from './edge.ts'

/** Rows a page: a page of any list stays below 60 kB. */
export const PAGE_ROWS = 50

/** The most rows that are sorted and narrowed here. A longer list says that it is cut. */
export const MAX_HERE = 5_000

/** A page of rows. `next`: the cursor of the page behind it. `isCut`: rows beyond {@link MAX_HERE} were left out. */
export type RowPage<Row> = { rows: Row[]; next: string | null; isCut?: boolean }

/** Reads a page by its query: `sort`, `after`, `limit`, and the filters that are set. */
export type ReadRows<Row> = (ask: Ask, query: URLSearchParams) => Promise<Reply<RowPage<Row>>>

/** A way to narrow a list. Without `choices` it is a text to look for. */
export type Filter = {
  name: string
  label: string
  hint?: string
  choices?: readonly (readonly [value: string, title: string])[]
}

/** A column as sorting and files need it. */
export type ValueColumn<Row> = {
  title: string
  /** Names the column in URLs and files. */
  key?: string
  /** The value in files: times as ISO 8601, amounts as micro-dollars. */
  value?: (row: Row) => Cell
}

/** The query of a list as its URL states it: unknown members are left out, and empty filters too. */
export function queryOf(url: URL, filters: readonly Filter[], sort: string): URLSearchParams {
  const asked = url.searchParams
  const names = ['sort', ...filters.map(({ name }) => name), 'after']
  const given = names.flatMap((name) => (asked.get(name) ? [[name, asked.get(name) ?? '']] : []))
  const query = new URLSearchParams(given)
  if (!query.has('sort')) query.set('sort', sort)
  return query
}

/** The URL of the same list with other members; null removes one. The first page again, unless `after` is given. */
export function withQuery(query: URLSearchParams, changes: Readonly<Record<string, string | null>>): string {
  const changed = new URLSearchParams(query)
  for (const [name, value] of Object.entries({ after: null, ...changes }))
    if (value === null) changed.delete(name)
    else changed.set(name, value)
  return `?${changed}`
}

/** Rows of the API, which sorts and narrows them itself. */
export function rowsAt<Row>(path: string, key: string): ReadRows<Row> {
  return async (ask, query) => {
    const asked = await ask<Paged<string, Row, string | number>>(`${path}?${query}`)
    if (!asked.ok) return asked
    const { [key]: rows, next } = asked.value
    return { ...asked, value: { rows: rows as Row[], next: next === null ? null : String(next) } }
  }
}

/** Sorts and narrows the rows of a list whose API does neither. */
export function sortedHere<Row>(
  columns: readonly ValueColumn<Row>[],
  filters: readonly Filter[],
  read: ReadRows<Row>,
): ReadRows<Row> {
  return async (ask, query) => {
    const rows: Row[] = []
    let after: string | null = ''
    let at = 0
    while (after !== null && rows.length < MAX_HERE) {
      const page: Reply<RowPage<Row>> = await read(
        ask,
        new URLSearchParams({ limit: '500', ...(after !== '' && { after }) }),
      )
      if (!page.ok) return page
      rows.push(...page.value.rows)
      after = page.value.next
      at = page.at
    }
    const kept = arranged(rows.slice(0, MAX_HERE), columns, filters, query)
    const [from, limit] = [Number(query.get('after') ?? 0), Number(query.get('limit') ?? PAGE_ROWS)]
    const to = from + limit
    const isCut = after !== null || rows.length > MAX_HERE
    const value = { rows: kept.slice(from, to), next: to < kept.length ? String(to) : null, isCut }
    return { ok: true, at, value }
  }
}

/** The rows that a query's filters leave, in its order. Rows that are equal in it keep theirs. */
export function arranged<Row>(
  rows: readonly Row[],
  columns: readonly ValueColumn<Row>[],
  filters: readonly Filter[],
  query: URLSearchParams,
): Row[] {
  const cellOf = (row: Row, key: string) => columns.find((column) => column.key === key)?.value?.(row) ?? null
  const wanted = filters.flatMap(({ name, choices }) => {
    const text = query.get(name)
    if (!text) return []
    if (choices) return [(row: Row) => String(cellOf(row, name)) === text]
    const part = text.toLowerCase()
    return [
      (row: Row) =>
        columns.some(({ value }) =>
          String(value?.(row) ?? '')
            .toLowerCase()
            .includes(part),
        ),
    ]
  })
  const [, sign, key = ''] = /^(-?)(.*)$/.exec(query.get('sort') ?? '') ?? []
  const turn = sign === '-' ? -1 : 1
  return rows
    .filter((row) => wanted.every((isWanted) => isWanted(row)))
    .sort((a, b) => {
      const [one, other] = [cellOf(a, key), cellOf(b, key)]
      // Cells without a value come last in both orders.
      if (one === null || other === null) return Number(one === null) - Number(other === null)
      return turn * compare(one, other)
    })
}

/** Numbers by size, texts by the alphabet. */
function compare(a: string | number | bigint, b: string | number | bigint): number {
  if (typeof a === 'string' || typeof b === 'string') return String(a).localeCompare(String(b), 'en')
  return a < b ? -1 : a > b ? 1 : 0
}
