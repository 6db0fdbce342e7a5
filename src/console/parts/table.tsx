/** Tables: rows of figures that become cards on a phone, and that say what is missing where there are none. */
import type { Child } from 'hono/jsx'

/**
 * A column. `kind`: `n` figures, `lead` the figure beside a card's title, `word` a word there, `bar` and `change` its second line, `acts` buttons,
 * `full` a line of its own in a card.
 */
export type Column<Row> = {
  title: string
  kind?: 'n' | 'lead' | 'word' | 'bar' | 'change' | 'acts' | 'full'
  /** The title is read out and not shown. */
  isHidden?: boolean
  cell: (row: Row) => Child
}

/** What stands in place of a table without rows: what will appear here, and the one next step. */
export type Empty = { what: string; next?: Child }

type TableProps<Row> = {
  caption: string
  columns: readonly [Column<Row>, ...Column<Row>[]]
  rows: readonly Row[]
  empty: Empty
  /** A last row of totals, a cell for each column. */
  total?: readonly Child[]
}

/** A table. The first column names the row. Roles are explicit: browsers drop those of a table that is a grid. */
export function Table<Row>({ caption, columns, rows, empty, total }: TableProps<Row>) {
  if (rows.length === 0) return <Nothing {...empty} />
  const [first, ...others] = columns
  return (
    <table role="table" class="cards">
      <caption class="hide">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th scope="col" role="columnheader" class={classOf(column)}>
              {column.isHidden ? <span class="hide">{column.title}</span> : column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr role="row">
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
  if (next === null) return null
  const following = new URLSearchParams(url.searchParams)
  following.set('after', String(next))
  return (
    <p class="gap">
      <a href={`?${following}`}>Next page</a>
    </p>
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
