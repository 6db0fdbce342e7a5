/** The report of a trial as a table and as CSV. */
import type { TrialReport, TrialRow } from '../logs/trial.ts'
import { csv } from '../platform/csv.ts'
import { formatUsd } from './money.ts'
import { tableLines } from './table.ts'

/** Rows that the table shows; `--json` and `--csv` have all. */
const MAX_ROWS = 40
const MAX_NAME_CHARS = 28

const HEADINGS = [
  'crawler',
  'class',
  'rule',
  'action',
  'requests',
  'pages',
  'list price $',
  'price $',
] as const

/** The first columns are names, the others numbers. */
const NAMES = 4

/** The report for a terminal. */
export function reportTable(report: TrialReport): string {
  const rows = report.rows.slice(0, MAX_ROWS)
  const left = report.rows.length - rows.length
  return [
    ...(report.from === null ? [] : [`From ${report.from} to ${report.to}`]),
    ...tableLines([[...HEADINGS], ...rows.map(cellsOf)], NAMES),
    ...(left > 0 ? [`… and ${left} more rows: see --json or --csv`] : []),
    '',
    ...totals(report),
    '',
    ...counts(report),
    ...report.notes,
  ].join('\n')
}

/** The rows of the report, with amounts in USD. */
export function reportCsv({ rows }: TrialReport): string {
  return csv(
    [
      'crawler',
      'refuted',
      'class',
      'rule',
      'action',
      'requests',
      'pages',
      'pages_capped',
      'list_price_usd',
      'why',
    ],
    rows.map((row) => [
      row.crawler,
      String(row.refuted),
      row.class,
      row.rule,
      row.action,
      row.requests,
      row.pages,
      String(row.pagesCapped),
      row.listPrice,
      row.price,
      row.why,
    ]),
  )
}

function cellsOf(row: TrialRow): string[] {
  return [
    `${shortened(row.crawler)}${row.refuted ? ' (refuted)' : ''}`,
    row.class,
    row.rule,
    row.action,
    String(row.requests),
    `${row.pages}${row.pagesCapped ? '+' : ''}`,
    ...(row.action === 'charge' ? [formatUsd(row.listPrice), formatUsd(row.price)] : ['', '']),
  ]
}

function shortened(name: string): string {
  return name.length > MAX_NAME_CHARS ? `${name.slice(0, MAX_NAME_CHARS - 1)}…` : name
}

function totals({ totals: { charge, allow, block } }: TrialReport): string[] {
  return [
    `asked    ${charge.requests} requests, ${charge.pages} pages: $${formatUsd(charge.listPrice)} by the list, $${formatUsd(charge.price)} with free pages, if all had paid`,
    `allowed  ${allow.requests} requests, ${allow.pages} pages`,
    `blocked  ${block.requests} requests, ${block.pages} pages`,
  ]
}

function counts(report: TrialReport): string[] {
  const { lines, requests, skipped, notDelivered, refusedUrls, crawlers } = report
  const { otherMethod, otherStatus, otherHost } = notDelivered
  const unclassified = `${percent(crawlers.unclassified, crawlers.requests)} of the requests by crawlers`
  return [
    `${requests} requests in ${lines} lines. Free, since they delivered no page: ${otherStatus} by status, ${otherMethod} by method`,
    ...(otherHost > 0 ? [`${otherHost} requests for other hosts`] : []),
    ...(refusedUrls > 0 ? [`${refusedUrls} requests for URLs that the Worker rejects`] : []),
    ...(skipped.length > 0
      ? [`Skipped: ${skipped.map(({ about, lines }) => `${lines} ${about}`).join(', ')}`]
      : []),
    `Without a known purpose: ${unclassified}`,
    `From addresses that their operators do not publish: ${percent(crawlers.refuted, crawlers.requests)}`,
  ]
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(1)} %`
}
