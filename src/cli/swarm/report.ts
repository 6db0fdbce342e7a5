/** The report of a swarm, as data and as text for a terminal. */
import { formatUsd } from '../money.ts'
import type { Percentiles } from './latency.ts'
import type { SwarmCrawler } from './mix.ts'
import type { SwarmMoney } from './money.ts'

/** Version 1 of `tab402 swarm --json`. Latencies are milliseconds from the intended start; amounts are micro-dollars. */
export type SwarmReport = {
  version: 1
  url: string
  seed: number
  arrivals: number
  seconds: number
  latency: Partial<Record<SwarmCrawler, Percentiles>>
  requests: number
  byStatus: Record<string, number>
  refused: Record<string, number>
  money: SwarmMoney
  /** Steps that ended by an error of the client, by its message. */
  failures: Record<string, number>
}

/** Whether the target has lost or taken money that it should not. Null: it was not audited. */
export function isSound({ money: { servedUnpaid, overpaid } }: SwarmReport): boolean | null {
  return servedUnpaid === null || overpaid === null ? null : servedUnpaid === 0n && overpaid === 0n
}

/** The report in lines. */
export function reportText(report: SwarmReport): string {
  const { latency, money, byStatus, refused, failures, arrivals, seconds, requests } = report
  const rows = Object.entries(latency).map(([name, { count, p50, p90, p99, p999, max }]) =>
    [name, count, p50, p90, p99, p999, max].map((cell, column) =>
      `${cell}`[column === 0 ? 'padEnd' : 'padStart'](10),
    ),
  )
  const heads = ['crawler', 'count', 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'max ms']
  const head = heads.map((cell, column) => cell[column === 0 ? 'padEnd' : 'padStart'](10))
  return [
    `${arrivals} arrivals in ${seconds} s, ${requests} requests`,
    '',
    ...[head, ...rows].map((cells) => cells.join('').trimEnd()),
    '',
    `pages          ${money.pages}, worth $${formatUsd(money.delivered)}`,
    ...moneyLines(money),
    ...counted('status', byStatus),
    ...counted('refused', refused),
    ...counted('failed', failures),
  ].join('\n')
}

function moneyLines({ charged, servedUnpaid, overpaid }: SwarmMoney): string[] {
  if (charged === null || servedUnpaid === null || overpaid === null)
    return ['audit          none: the operator’s token is not known']
  return [
    `charged        $${formatUsd(charged)}`,
    `served unpaid  $${formatUsd(servedUnpaid)}`,
    `overpaid       $${formatUsd(overpaid)}`,
  ]
}

function counted(title: string, counts: Record<string, number>): string[] {
  const most = Object.entries(counts).toSorted(([, a], [, b]) => b - a)
  return most.map(([name, count], row) => `${(row === 0 ? title : '').padEnd(15)}${count} ${name}`)
}
