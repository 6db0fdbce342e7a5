/** The figures as tables for a person, as one line of JSON for a program, and the missed targets. */
import Table from 'cli-table3'
import type { Billed } from './billing.ts'
import { CASES, type CaseName } from './case.ts'
import type { Classified } from './classify.ts'
import { type Cost, PARTS } from './cost.ts'
import type { Counts, CreditCounts } from './counts.ts'
import { CRAWLERS, type Decided, RULES } from './decide.ts'
import { CANONICAL_GAS } from './gas.ts'
import { AT_ONCE, type Parallel } from './parallel.ts'
import { MOST_DOLLARS, type Reporting } from './reports.ts'
import { median, type Results, ratio, timeOver } from './rounds.ts'
import { MOST, type RatioName, ROWS } from './targets.ts'
import type { Verified } from './verify.ts'

export type Figures = {
  results: Results
  verified: Verified
  decided: Decided
  classified: Classified
  /** Microseconds for the count of one request. */
  counted: number
  counts: Counts
  creditCounts: CreditCounts
  /** By growing number of credit lines. */
  billing: Billed[]
  parallel: Parallel
  gas: number
  bundleGzip: number
  coldStart: number
  cost: Cost
  creditCost: Cost
  reporting: Reporting[]
  /** In microseconds. */
  fsync: number
}

export function ratiosOf({ results, verified }: Figures): Record<RatioName, number> {
  const ratios = ROWS.map(
    ({ key, cases }) => [key, cases ? ratio(results, ...cases) : verified.ratio] as const,
  )
  return Object.fromEntries(ratios) as Record<RatioName, number>
}

/** Microseconds over the request that makes an empty call, for the ratios that are stated so. */
function timesOf({ results }: Figures): Partial<Record<RatioName, number>> {
  const timed = ROWS.flatMap(({ key, cases, time }) =>
    time && cases ? [[key, Math.round(timeOver(results, ...cases))] as const] : [],
  )
  return Object.fromEntries(timed)
}

/** The share of an unpaid 402's time that its count takes, in percent; undefined where the runtime's time is unknown. */
function countShare({ results, counted }: Figures): number | undefined {
  const cpu = results.get('unpaid')?.cpu
  return cpu === undefined ? undefined : (100 * counted) / cpu
}

/** The missed targets, as sentences. */
export function shortfalls(figures: Figures): string[] {
  const { classified, counts, creditCounts, billing, parallel, bundleGzip, coldStart } = figures
  const ratios = ratiosOf(figures)
  const short = ROWS.filter(({ key, least }) => !(ratios[key] >= least)).map(
    ({ key, least }) => `${key} is ${ratios[key].toFixed(2)} and must be at least ${least}`,
  )
  for (const [kind, { ledgerCalls, rowsWritten }] of [
    ['paid', counts],
    ['credit', creditCounts],
  ] as const) {
    if (ledgerCalls !== MOST.ledgerCalls)
      short.push(`a ${kind} request makes ${ledgerCalls} ledger calls and must make ${MOST.ledgerCalls}`)
    if (rowsWritten > MOST.rowsWritten)
      short.push(`a ${kind} request writes ${rowsWritten} rows and must write at most ${MOST.rowsWritten}`)
  }
  if (creditCounts.directoryFetches > MOST.directoryFetches)
    short.push(`a directory was fetched ${creditCounts.directoryFetches} times for a known key`)
  if (classified.longest > MOST.classificationMicroseconds)
    short.push(
      `the longest User-Agent takes ${classified.longest.toFixed(1)} µs and must take at most ${MOST.classificationMicroseconds} µs`,
    )
  const share = countShare(figures) ?? 0
  if (share > MOST.countPercent)
    short.push(
      `a count takes ${share.toFixed(1)} % of an unpaid 402 and must take at most ${MOST.countPercent} %`,
    )
  if (growth(billing) > MOST.growth)
    short.push(
      `billing a line takes ${growth(billing).toFixed(1)} times as long with more lines; it must be at most ${MOST.growth}`,
    )
  if (parallel.ours !== AT_ONCE)
    short.push(`${parallel.ours} of ${AT_ONCE} concurrent requests are served and all must be`)
  if (bundleGzip > MOST.bundleGzip)
    short.push(`the bundle has ${bundleGzip} bytes and must have at most ${MOST.bundleGzip}`)
  if (coldStart > MOST.coldStart)
    short.push(
      `a cold start takes ${coldStart.toFixed(1)} ms more than Hono's and must take at most ${MOST.coldStart} ms more`,
    )
  for (const { perSecond, paths, dollars } of figures.reporting) {
    const most = MOST_DOLLARS[perSecond] ?? 0
    if (dollars > most)
      short.push(
        `figures of ${perSecond} requests a second on ${paths} paths add $${dollars.toFixed(3)} to a million and must add at most $${most}`,
      )
  }
  if (figures.decided.plain > MOST.decision)
    short.push(
      `a decision takes ${figures.decided.plain.toFixed(1)} µs and must take at most ${MOST.decision} µs`,
    )
  return short
}

export function tables(figures: Figures): string {
  return [cases(figures), ratios(figures), others(figures), bills(figures)].join('\n')
}

/** The figures as one line of JSON. */
export function json(figures: Figures): string {
  const { counts, creditCounts, billing, parallel, gas, bundleGzip, coldStart, cost, creditCost, fsync } =
    figures
  const { ledgerCalls, rowsWritten, rowsRead, rowsWrittenAtOnce } = counts
  const ratios = Object.fromEntries(
    Object.entries(ratiosOf(figures)).map(([key, value]) => [key, round(value, 2)]),
  )
  return JSON.stringify({
    ratios,
    microsecondsOver: timesOf(figures),
    fsyncMicroseconds: Math.round(fsync),
    counts: {
      ledgerCalls,
      rowsWritten,
      rowsRead,
      rowsWrittenAtOnce,
      creditLedgerCalls: creditCounts.ledgerCalls,
      creditRowsWritten: creditCounts.rowsWritten,
      bytesKept: Math.round(counts.bytesKept),
      creditBytesKept: Math.round(creditCounts.bytesKept),
      directoryFetches: creditCounts.directoryFetches,
    },
    billing: billing.map(({ lines, ms, rows }) => ({ lines, ms: Math.round(ms), rows: allOf(rows) })),
    decisionMicroseconds: round(figures.decided.plain, 1),
    bundleGzip,
    coldStart: round(coldStart, 1),
    classificationMicroseconds: round(figures.classified.longest, 1),
    parallel,
    gas: { perChannel: Math.round(gas), canonical: CANONICAL_GAS },
    costPerMillion: round(cost.total, 2),
    creditCostPerMillion: round(creditCost.total, 2),
    figuresCostPerMillion: figures.reporting.map(({ perSecond, dollars }) => [perSecond, round(dollars, 3)]),
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
  const [measured, times] = [ratiosOf(figures), timesOf(figures)]
  const disk = `one fsync: ${figures.fsync.toFixed(0)} µs`
  const table = new Table({ head: ['Ratio', '', 'at least', '', 'µs over', 'this disk'], ...LOOK })
  for (const { key, what, least, disk: waits } of ROWS) {
    const value = measured[key]
    const verdict = value >= least ? 'met' : 'missed'
    table.push([
      `${key}: ${what}`,
      value.toFixed(2),
      `${least}`,
      verdict,
      times[key] ?? '',
      waits ? disk : '',
    ])
  }
  return table.toString()
}

function others(figures: Figures): string {
  const { results, verified, classified, counts, creditCounts, parallel, gas, bundleGzip, coldStart } =
    figures
  const table = new Table({ head: ['One paid request', 'channel', 'credit'], ...LOOK })
  const strict = (name: CaseName) => ratio(results, name, 'call').toFixed(2)
  const rows = [
    ['calls to the ledger', counts.ledgerCalls, creditCounts.ledgerCalls],
    ['rows written alone / concurrently', rowsOf(counts), rowsOf(creditCounts)],
    ['fetches of key directories, after the first', '', creditCounts.directoryFetches],
    ['time to verify a voucher, viem / ours', `${verified.viem.toFixed(0)} / ${verified.ours.toFixed(0)} µs`],
    [
      `time to decide among ${RULES} rules for ${CRAWLERS} crawlers: a URL / one with many readings`,
      `${figures.decided.plain.toFixed(1)} / ${figures.decided.readings.toFixed(0)} µs`,
    ],
    [
      'commit / verified too ÷ a handler that makes an empty call',
      `${strict('commit')} / ${strict('voucher')}`,
      `– / ${strict('credit')}`,
    ],
    [
      'highest possible commit ratio here: one number written, in groups',
      ratio(results, 'least', 'empty').toFixed(2),
    ],
    [
      `served of ${AT_ONCE} concurrent requests on one channel, ours / upstream`,
      `${parallel.ours} / ${parallel.upstream}`,
    ],
    ['bytes kept', ...[counts, creditCounts].map(({ bytesKept }) => bytesKept.toFixed(0))],
    [
      'gas of `claim` per channel in a batch of 100 / of the canonical contract',
      `${gas.toFixed(0)} / ${CANONICAL_GAS}`,
    ],
    [
      'time to classify a client by the longest User-Agent / by one of 2,000',
      `${classified.longest.toFixed(1)} / ${classified.each.toFixed(1)} µs`,
    ],
    [
      'time to count a request / its share of an unpaid 402',
      `${figures.counted.toFixed(2)} µs / ${countShare(figures)?.toFixed(1) ?? '–'} %`,
    ],
    ['bundle, minified and gzipped', `${(bundleGzip / 1000).toFixed(1)} kB`],
    ['cold start compared with Hono alone', `${coldStart.toFixed(1)} ms`],
    ...costs(figures),
  ]
  // Pads rows to three cells, since shorter ones break the frame.
  table.push(...rows.map(([what = '', channel = '', credit = '']) => [what, channel, credit]))
  return table.toString()
}

function costs({ cost, creditCost, reporting }: Figures): string[][] {
  const dollars = (...amounts: number[]) => amounts.map((amount) => `$${amount.toFixed(3)}`)
  return [
    [
      'a million requests at Cloudflare’s list prices, kept a month',
      ...dollars(cost.total, creditCost.total),
    ],
    ...PARTS.map((part) => [`  ${part}`, ...dollars(cost.parts[part], creditCost.parts[part])]),
    ...reporting.map(({ perSecond, charges, paths, rowsWritten, dollars: added }) => [
      `  + figures at ${perSecond} a second and account: ${rowsWritten} rows for ${charges} charges on ${paths} paths`,
      ...dollars(added),
    ]),
  ]
}

function bills({ billing }: Figures): string {
  const head = [
    'Credit lines billed in one run',
    'seconds',
    'ms each',
    'rows each',
    'calls each',
    'most calls in a step',
  ]
  const table = new Table({ head, ...LOOK })
  for (const { lines, ms, rows, calls, most } of billing) {
    const each = (sum: number) => (sum / lines).toFixed(2)
    table.push([lines, (ms / 1000).toFixed(1), each(ms), each(allOf(rows)), each(calls), most])
  }
  return table.toString()
}

/** The time of one line at the largest size, divided by that at the smallest. */
function growth(billing: Billed[]): number {
  const [first, last] = [billing[0], billing.at(-1)].map((billed) => (billed ? billed.ms / billed.lines : 0))
  return (last ?? 0) / (first ?? 0)
}

function allOf({ lines, numbers, book }: Billed['rows']): number {
  return lines + numbers + book
}

function rowsOf({ rowsWritten, rowsWrittenAtOnce }: Counts): string {
  return `${rowsWritten} / ${round(rowsWrittenAtOnce, 2)}`
}

/** How the tables look. */
export const LOOK: Table.TableConstructorOptions = {
  style: { head: [], border: [] },
  colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
