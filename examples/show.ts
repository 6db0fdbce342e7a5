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
  const shown = (amount: bigint | undefined) => ({
    content: amount === undefined ? '–' : usdc(amount),
    hAlign: 'right' as const,
  })
  const grid = new Table({ style: { head: [], border: [], compact: true } })
  grid.push(
    ['USDC', ...moments.map((moment) => ({ content: moment, colSpan: 3, hAlign: 'center' as const }))],
    ['', ...moments.flatMap(() => ['paid', 'owes', 'holds'])],
    ...Object.entries(parties).map(([party, positions]) => [
      party,
      ...positions.flatMap(({ paid, owes, holds }) => [shown(paid), shown(owes), shown(holds)]),
    ]),
  )
  return grid.toString()
}
