/** How the demo shows itself: numbered steps, a bar, a table. Amounts are shown in USDC; they are counted in atomic units. */
import Table from 'cli-table3'
import { formatUnits } from 'viem'

const WIDTH = 40

let steps = 0

/** One step of the story, and what came of it. */
export function tell(title: string, ...lines: string[]): void {
  console.log(`\n${++steps}. ${title}`)
  for (const line of lines) note(line)
}

export function note(line: string): void {
  console.log(`   ${line}`)
}

/** A bar that grows in place on a terminal, and by quarters in a log. */
export function bar(total: number): (done: number) => void {
  return (done) => {
    const full = Math.floor((done / total) * WIDTH)
    const line = `   ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${done}/${total}`
    if (process.stdout.isTTY) process.stdout.write(`\r${line}${done === total ? '\n' : ''}`)
    else if (done % Math.ceil(total / 4) === 0) console.log(line)
  }
}

/** USDC with at least three decimals. */
export function usdc(amount: bigint): string {
  const [whole, decimals = ''] = formatUnits(amount, 6).split('.')
  return `${whole}.${decimals.padEnd(3, '0')}`
}

/** What one party has paid, owes and holds at one moment. A dash for what does not apply to them. */
export type Position = { paid?: bigint; owes?: bigint; holds: bigint }

/** One row per party, three columns per moment. */
export function table(moments: string[], parties: Record<string, Position[]>): string {
  return grid('USDC', ['paid', 'owes', 'holds'], moments, parties)
}

/** Where a credit line stands: what it was charged, what of that was invoiced, carried to the next invoice and paid, what is owed too late. */
export type OnCredit = Record<(typeof ON_CREDIT)[number], bigint>

const ON_CREDIT = ['charged', 'invoiced', 'carried', 'paid', 'pastDue'] as const

/** One row per crawler, five columns per moment. */
export function creditTable(moments: string[], crawlers: Record<string, OnCredit[]>): string {
  return grid('USD', ON_CREDIT, moments, crawlers)
}

function grid<Column extends string>(
  currency: string,
  columns: readonly Column[],
  moments: string[],
  rows: Record<string, Partial<Record<Column, bigint>>[]>,
): string {
  const shown = (amount: bigint | undefined) => ({
    content: amount === undefined ? '–' : usdc(amount),
    hAlign: 'right' as const,
  })
  const words = columns.map((column) => (column === 'pastDue' ? 'past\ndue' : column))
  const made = new Table({ style: { head: [], border: [], compact: true } })
  made.push(
    [
      currency,
      ...moments.map((moment) => ({ content: moment, colSpan: columns.length, hAlign: 'center' as const })),
    ],
    ['', ...moments.flatMap(() => words)],
    ...Object.entries(rows).map(([row, cells]) => [
      row,
      ...cells.flatMap((cell) => columns.map((column) => shown(cell[column]))),
    ]),
  )
  return made.toString()
}
