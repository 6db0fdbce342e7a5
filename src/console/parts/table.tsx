/** Tables: rows of figures that become cards on a phone, and that say what is missing where there are none. */
import type { Child } from 'hono/jsx'
import { type ValueColumn, withQuery } from '../list.ts'

/**
 * A column. `kind`: `n` figures, `lead` the figure beside a card's title, `word` a word there, `bar` and `change` its second line, `acts` buttons,
 * `full` a line of its own in a card.
 */
export type Column<Row> = ValueColumn<Row> & {
  /** A link in the head sorts by it, first up or first down. */
  sort?: 'up' | 'down'
  kind?: 'n' | 'lead' | 'word' | 'bar' | 'change' | 'acts' | 'full'
  /** The title is read out and not shown. */
  isHidden?: boolean
  /** A column of files alone. */
  isFileOnly?: boolean
  cell: (row: Row) => Child
}

/** Stands in place of a table without rows: `what` will appear here, and the one next step. */
export type Empty = { what: string; next?: Child }

type TableProps<Row> = {
  caption: string
  columns: readonly [Column<Row>, ...Column<Row>[]]
  rows: readonly Row[]
  empty: Empty
  /** A last row of totals, a cell for each column. */
  total?: readonly Child[]
  /** The query of a list that can be sorted. */
  query?: URLSearchParams
  /** Names a row, so that a refresh finds it again. */
  idOf?: (row: Row) => string
}

/** A table. The first column names the row. Roles are explicit: browsers drop those of a table that is a grid. */
export function Table<Row>({ caption, columns: all, rows, empty, total, query, idOf }: TableProps<Row>) {
  if (rows.length === 0) return <Nothing {...empty} />
  const columns = all.filter(({ isFileOnly }) => !isFileOnly)
  const [first = all[0], ...others] = columns
  return (
    <table role="table" class="cards">
      <caption class="hide">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <Head column={column} query={query} />
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr role="row" id={idOf?.(row)}>
            <th scope="row" role="rowheader">
              {first.cell(row)}
            </th>
            {others.map((column) => (
              <td role="cell" class={classOf(column)} data-l={labelOf(column)}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
      {total && (
        <tfoot role="rowgroup">
          <tr role="row">
            {total.map((cell, at) => {
              const column = columns[at]
              if (at === 0)
                return (
                  <th scope="row" role="rowheader">
                    {cell}
                  </th>
                )
              return (
                <td
                  role="cell"
                  class={column && classOf(column)}
                  data-l={cell === '' ? undefined : column && labelOf(column)}
                >
                  {cell}
                </td>
              )
            })}
          </tr>
        </tfoot>
      )}
    </table>
  )
}

/** The head of a column: a link to the list in its order, or turned round if it is in that order already. */
function Head<Row>({ column, query }: { column: Column<Row>; query: URLSearchParams | undefined }) {
  const { key, title, sort, isHidden } = column
  if (!sort || !key || !query)
    return (
      <th scope="col" role="columnheader" class={classOf(column)}>
        {isHidden ? <span class="hide">{title}</span> : title}
      </th>
    )
  const now = query.get('sort')
  const [up, down] = [key, `-${key}`]
  const isSorted = now === up || now === down
  const next = isSorted ? (now === up ? down : up) : sort === 'up' ? up : down
  return (
    <th
      scope="col"
      role="columnheader"
      class={classOf(column)}
      aria-sort={isSorted ? (now === up ? 'ascending' : 'descending') : undefined}
    >
      <a class="sort" href={withQuery(query, { sort: next })}>
        {title}
      </a>
    </th>
  )
}

/** The words in place of figures that do not exist yet. */
export function Nothing({ what, next }: Empty) {
  return (
    <div class="box">
      <p>{what}</p>
      {next && <p>{next}</p>}
    </div>
  )
}

/** The link to the next page of a list, which keeps the filters of this one. */
export function More({ url, next }: { url: URL; next: string | number | null }) {
  const { searchParams: query } = url
  if (next === null && !query.has('after')) return null
  return (
    <nav class="row" aria-label="Pages of the list">
      {query.has('after') && (
        <a class="btn" href={withQuery(query, {})}>
          First page
        </a>
      )}
      {next !== null && (
        <a class="btn" rel="next" href={withQuery(query, { after: String(next) })}>
          Next page
        </a>
      )}
    </nav>
  )
}

const CLASSES = {
  n: 'n',
  lead: 'n lead',
  word: 'lead',
  bar: 'barc',
  change: 'n chg',
  acts: 'acts',
  full: 'full',
} as const

function classOf({ kind }: Column<never>): string | undefined {
  return kind && CLASSES[kind]
}

function labelOf({ title, kind }: Column<never>): string | undefined {
  return kind === undefined || kind === 'n' ? title : undefined
}
