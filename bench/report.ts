/** The figures as a table for a person, one line of JSON for a program, and what falls short. */
import Table from 'cli-table3'
import { CASES } from './cases.ts'
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
    style: PLAIN,
    colAligns: RIGHT,
  })
  for (const [name, { rps, cpu, p50 }] of results) {
    table.push([CASES[name], median(rps).toFixed(0), cpu?.toFixed(0) ?? '–', p50.toFixed(2)])
  }
  return table.toString()
}

function ratios(figures: Figures): string {
  const measured = ratiosOf(figures)
  const table = new Table({ head: ['Ratio', '', 'at least'], style: PLAIN, colAligns: RIGHT })
  for (const { key, what, least } of ROWS)
    table.push([`${key}: ${what}`, measured[key].toFixed(2), `${least}`])
  return table.toString()
}

function others({ results, verified, counts, parallel, gas, bundleGzip, coldStart, cost }: Figures): string {
  const table = new Table({ head: ['One paid request', ''], style: PLAIN, colAligns: RIGHT })
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

const PLAIN = { head: [], border: [] }
const RIGHT: ('left' | 'right')[] = ['left', 'right', 'right', 'right']

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
