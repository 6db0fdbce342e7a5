/** The figures as a table for a person, one line of JSON for a program, and what falls short. */
import Table from 'cli-table3'
import { CASES, type CaseName } from './cases.ts'
import type { Cost } from './cost.ts'
import type { Counts } from './counts.ts'
import { CANONICAL_GAS } from './gas.ts'
import { AT_ONCE, type Parallel } from './parallel.ts'
import { median, type Results, ratio } from './rounds.ts'
import { MOST, type RatioName, ROWS } from './targets.ts'
import type { Verified } from './verify.ts'

export type Figures = {
  results: Results
  verified: Verified
  counts: Counts
  parallel: Parallel
  gas: number
  bundleGzip: number
  coldStart: number
  cost: Cost
  /** Microseconds. */
  fsync: number
}

export function ratiosOf({ results, verified }: Figures): Record<RatioName, number> {
  const ratios = ROWS.map(
    ({ key, cases }) => [key, cases ? ratio(results, ...cases) : verified.ratio] as const,
  )
  return Object.fromEntries(ratios) as Record<RatioName, number>
}

/** Everything that is not what it must be, in sentences. */
export function shortfalls(figures: Figures): string[] {
  const { counts, parallel, bundleGzip, coldStart } = figures
  const ratios = ratiosOf(figures)
  const short = ROWS.filter(({ key, least }) => !(ratios[key] >= least)).map(
    ({ key, least }) => `${key} is ${ratios[key].toFixed(2)}, and must be at least ${least}`,
  )
  if (counts.ledgerCalls !== MOST.ledgerCalls)
    short.push(`a paid request makes ${counts.ledgerCalls} ledger calls`)
  if (counts.rowsWritten > MOST.rowsWritten) short.push(`a paid request writes ${counts.rowsWritten} rows`)
  if (parallel.ours !== AT_ONCE) short.push(`${parallel.ours} of ${AT_ONCE} requests at once are served`)
  if (bundleGzip > MOST.bundleGzip) short.push(`the bundle is ${bundleGzip} bytes`)
  if (coldStart > MOST.coldStart) short.push(`a cold start takes ${coldStart.toFixed(1)} ms more than Hono's`)
  return short
}

export function tables(figures: Figures): string {
  return [cases(figures), ratios(figures), others(figures)].join('\n')
}

/** One line. */
export function json(figures: Figures): string {
  const { counts, parallel, gas, bundleGzip, coldStart, cost } = figures
  const { ledgerCalls, rowsWritten, rowsRead, rowsWrittenAtOnce } = counts
  const ratios = Object.fromEntries(
    Object.entries(ratiosOf(figures)).map(([key, value]) => [key, round(value, 2)]),
  )
  return JSON.stringify({
    ratios,
    counts: { ledgerCalls, rowsWritten, rowsRead, rowsWrittenAtOnce },
    bundleGzip,
    coldStart: round(coldStart, 1),
    parallel,
    gas: { perChannel: Math.round(gas), canonical: CANONICAL_GAS },
    costPerMillion: round(cost.total, 2),
  })
}

function cases({ results }: Figures): string {
  const table = new Table({
    head: ['Worker', 'requests/s', 'CPU µs each', 'median ms'],
    ...LOOK,
  })
  for (const [name, title] of Object.entries(CASES)) {
    const measured = results.get(name as CaseName)
    if (!measured) continue
    const { rps, cpu, p50 } = measured
    table.push([title, median(rps).toFixed(0), cpu?.toFixed(0) ?? '–', p50.toFixed(2)])
  }
  return table.toString()
}

function ratios(figures: Figures): string {
  const measured = ratiosOf(figures)
  const table = new Table({ head: ['Ratio', '', 'at least', ''], ...LOOK })
  for (const { key, what, least } of ROWS) {
    const value = measured[key]
    table.push([`${key}: ${what}`, value.toFixed(2), `${least}`, value >= least ? 'met' : 'short'])
  }
  return table.toString()
}

function others(figures: Figures): string {
  const { results, verified, counts, parallel, gas, bundleGzip, coldStart, cost, fsync } = figures
  const table = new Table({ head: ['One paid request', ''], ...LOOK })
  const strict = (name: 'commit' | 'voucher') => ratio(results, name, 'call').toFixed(2)
  const dollars = (amount: number) => `$${amount.toFixed(3)}`
  table.push(
    ['calls to the ledger', counts.ledgerCalls],
    [
      'rows written alone / at once with others',
      `${counts.rowsWritten} / ${round(counts.rowsWrittenAtOnce, 2)}`,
    ],
    ['a voucher verified by viem / by us', `${verified.viem.toFixed(0)} / ${verified.ours.toFixed(0)} µs`],
    ['commit / voucher ÷ a handler that makes an empty call', `${strict('commit')} / ${strict('voucher')}`],
    [
      'the most that commit can be here: one number written, in groups',
      ratio(results, 'least', 'empty').toFixed(2),
    ],
    ['one fsync of this disk', `${fsync.toFixed(0)} µs`],
    [
      `of ${AT_ONCE} at once on one channel, served by us / by upstream`,
      `${parallel.ours} / ${parallel.upstream}`,
    ],
    ['gas of a claim per channel, of 100 / canonical contract', `${gas.toFixed(0)} / ${CANONICAL_GAS}`],
    ['bundle, minified and gzipped', `${(bundleGzip / 1000).toFixed(1)} kB`],
    ['cold start over Hono alone', `${coldStart.toFixed(1)} ms`],
    ['a million of them at Cloudflare’s list prices', dollars(cost.total)],
    ...Object.entries(cost.parts).map(([name, amount]) => [`  ${name}`, dollars(amount)]),
  )
  return table.toString()
}

const LOOK: Table.TableConstructorOptions = {
  style: { head: [], border: [] },
  colAligns: ['left', 'right', 'right', 'right'],
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
