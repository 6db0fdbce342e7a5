/** Names by what they earned: with their share as a bar, and the change against the days before. */
import type { Child } from 'hono/jsx'
import { type Ranked, SHOWN_DAYS, totalOf } from '../figures.ts'
import { Money, Trend, Whole } from './figures.tsx'
import { Share } from './share.tsx'
import { type Column, type Empty, Table } from './table.tsx'

type RankingProps = {
  caption: string
  /** The head of the names, such as `Site`. */
  head: string
  /** The first cell of the total, such as `All sites`. */
  all: string
  rows: readonly Ranked[]
  cell: (name: string) => Child
  empty: Empty
  /** Columns between the paid requests and the money. */
  more?: readonly Column<Ranked>[]
  /** The cells of the total for those. */
  moreTotals?: readonly Child[]
  /** Bars have the colours of the chart above. */
  isColoured?: boolean
}

/** The table. It ends in a total. */
export function Ranking(props: RankingProps) {
  const { caption, head, all, rows, cell, empty, more = [], moreTotals = [], isColoured = false } = props
  const total = totalOf(rows)
  const most = rows.reduce((best, { earned }) => (earned > best ? earned : best), 1n)
  return (
    <Table
      caption={`${caption}, the last ${SHOWN_DAYS} days`}
      rows={rows}
      empty={empty}
      columns={[
        { title: head, cell: ({ name }) => cell(name) },
        { title: 'Paid', kind: 'n', cell: ({ paid }) => <Whole of={paid} /> },
        ...more,
        { title: 'Earned', kind: 'lead', cell: ({ earned }) => <Money of={earned} /> },
        {
          title: 'Share of the largest',
          kind: 'bar',
          isHidden: true,
          cell: (row) => (
            <Share of={row.earned} most={most} colour={isColoured ? rows.indexOf(row) + 1 : 7} />
          ),
        },
        {
          title: 'Change',
          kind: 'change',
          cell: ({ earned, before }) => <Trend now={earned} before={before} isGood />,
        },
      ]}
      total={[
        all,
        <Whole of={total.paid} />,
        ...moreTotals,
        <Money of={total.earned} />,
        '',
        <Trend now={total.earned} before={total.before} isGood />,
      ]}
    />
  )
}
