/** The demo's output on stderr: numbered steps, a progress bar, tables. */
import Table from 'cli-table3'
import { bold, talk } from '../command.ts'
import { formatUsd } from '../money.ts'
import type { Earned } from './publishers.ts'

const WIDTH = 40

let steps = 0
let quiet = false

/** Turns all output of this file off. */
export function mute(): void {
  quiet = true
}

/** Prints one numbered step of the story and its results. */
export function step(title: string, ...lines: string[]): void {
  note('')
  if (!quiet) talk(bold(`${++steps}. ${title}`))
  for (const line of lines) note(`   ${line}`)
}

/** Prints a result below a step. */
export function result(line: string): void {
  note(`   ${line}`)
}

/** Prints a line as it is. */
export function note(line: string): void {
  if (!quiet) talk(line)
}

/** A progress bar. It grows in place on a terminal and prints each quarter in a log. */
export function bar(total: number): (done: number) => void {
  return (done) => {
    if (quiet) return
    const full = Math.floor((done / total) * WIDTH)
    const line = `   ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${done}/${total}`
    if (process.stderr.isTTY) process.stderr.write(`\r${line}${done === total ? '\n' : ''}`)
    else if (done % Math.ceil(total / 4) === 0) talk(line)
  }
}

/** The amounts one party has paid, owes and holds at one moment, in atomic units. Undefined prints a dash. */
export type Position = { paid?: bigint; owes?: bigint; holds: bigint }

/** A table with one row per party and three columns per moment. */
export function positionTable(moments: string[], parties: Record<string, Position[]>): string {
  return grid('USDC', ['paid', 'owes', 'holds'], moments, parties)
}

/** A table with one row per publisher and two columns per moment. */
export function earningsTable(moments: string[], publishers: Record<string, Earned[]>): string {
  return grid('USDC', ['charged', 'received'], moments, publishers)
}

const ON_CREDIT = ['charged', 'invoiced', 'carried', 'paid', 'pastDue'] as const

/** The state of a credit line in micro-dollars. `carried` is charged and left for the next invoice. */
export type CreditPosition = Record<(typeof ON_CREDIT)[number], bigint>

/** A table with one row per crawler and five columns per moment. */
export function creditTable(moments: string[], crawlers: Record<string, CreditPosition[]>): string {
  return grid('USD', ON_CREDIT, moments, crawlers)
}

function grid<Column extends string>(
  currency: string,
  columns: readonly Column[],
  moments: string[],
  rows: Record<string, Partial<Record<Column, bigint>>[]>,
): string {
  const cell = (amount: bigint | undefined) => ({
    content: amount === undefined ? '–' : formatUsd(amount),
    hAlign: 'right' as const,
  })
  const headings = columns.map((column) => (column === 'pastDue' ? 'past\ndue' : column))
  const table = new Table({ style: { head: [], border: [], compact: true } })
  table.push(
    [
      currency,
      ...moments.map((moment) => ({ content: moment, colSpan: columns.length, hAlign: 'center' as const })),
    ],
    ['', ...moments.flatMap(() => headings)],
    ...Object.entries(rows).map(([row, cells]) => [
      row,
      ...cells.flatMap((amounts) => columns.map((column) => cell(amounts[column]))),
    ]),
  )
  return table.toString()
}
