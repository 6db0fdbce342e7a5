/** The report of a swarm, as data and as text for a terminal. */
import { formatUsd } from '../money.ts'
import { tableLines } from '../table.ts'
import type { Percentiles } from './latency.ts'
import type { SwarmCrawler } from './mix.ts'
import type { SwarmMoney } from './money.ts'
import { isSoundNight, type SwarmNight } from './nights.ts'

/** The code of a 402 to a request without a payment: every client asks for the price first. */
const PRICE_ASKED = 'Payment required'

/** Version 1 of `tab402 swarm --json`. Latencies are milliseconds from the intended start; amounts are micro-dollars. */
export type SwarmReport = {
  version: 1
  url: string
  seed: number
  payers: number
  arrivals: number
  /** Arrivals for which every payer of their kind was busy: their latency holds that wait. */
  waited: number
  seconds: number
  latency: Partial<Record<SwarmCrawler, Percentiles>>
  requests: number
  byStatus: Record<string, number>
  refused: Record<string, number>
  money: SwarmMoney
  nights: SwarmNight[]
  /** The money again after the nightly runs; null without any. */
  audit: SwarmMoney | null
  /** Steps that ended by an error of the client, by its message. */
  failures: Record<string, number>
}

/** Whether the target has lost or taken money that it should not, or left some unsettled at night. Null: it was not audited. */
export function isSound({ money, audit, nights }: SwarmReport): boolean | null {
  const { servedUnpaid, overpaid } = audit ?? money
  if (servedUnpaid === null || overpaid === null) return null
  return servedUnpaid === 0n && overpaid === 0n && nights.every(isSoundNight)
}

/** The report in lines. */
export function reportText(report: SwarmReport): string {
  const { latency, byStatus, refused, failures, arrivals, seconds, requests, payers, waited } = report
  const rows = Object.entries(latency).map(([name, { count, p50, p90, p99, p999, max }]) => [
    name,
    ...[count, p50, p90, p99, p999, max].map((figure) => `${figure}`),
  ])
  const heads = ['crawler', 'arrivals', 'p50', 'p90', 'p99', 'p99.9', 'max']
  const { [PRICE_ASKED]: asked = 0, ...others } = refused
  return [
    `${arrivals} arrivals by ${payers} payers in ${seconds} s, ${requests} requests`,
    '',
    'Latency in ms, from the moment of the plan to the last byte:',
    ...indented([heads, ...rows]),
    ...(waited > 0 ? [`${waited} arrivals waited for a payer that was busy, and this counts.`] : []),
    '',
    'Answers:',
    ...counted(byStatus),
    ...(asked > 0 ? ['', `402 without a payment: ${asked}. Clients ask for the price first.`] : []),
    ...section('Refused payments:', others),
    ...section('Failed:', failures),
    '',
    'Money:',
    ...moneyLines(report.audit ?? report.money),
    ...nightLines(report.nights),
    '',
    verdict(report),
  ].join('\n')
}

function moneyLines({ pages, delivered, charged, servedUnpaid, overpaid }: SwarmMoney): string[] {
  const usd = (amount: bigint | null) => (amount === null ? 'not known' : `$${formatUsd(amount)}`)
  const rows = [
    ['delivered', usd(delivered), `${pages} pages`],
    ['charged', usd(charged), 'by the ledger'],
    ['served unpaid', usd(servedUnpaid), 'delivered and not charged'],
    ['overpaid', usd(overpaid), 'charged and not delivered'],
  ]
  const lines = indented(rows.map((row) => row.slice(0, 2)))
  return lines.map((line, row) => `${line}  ${rows[row]?.[2]}`)
}

function nightLines(nights: readonly SwarmNight[]): string[] {
  if (nights.length === 0) return []
  const rows = nights.map(({ at, status, findings, claimed, swept, received, unsettled, transactions }) => [
    at.slice(0, 10),
    status,
    ...[claimed, swept, received, unsettled].map((amount) => `$${formatUsd(amount)}`),
    `${transactions}`,
    `${findings}`,
  ])
  const heads = ['night', 'run', 'claimed', 'swept', 'received', 'unsettled', 'transactions', 'findings']
  return ['', 'Nights:', ...indented([heads, ...rows])]
}

function verdict(report: SwarmReport): string {
  const sound = isSound(report)
  if (sound === null) return 'Not audited: set OPERATOR_TOKEN to compare with the ledger.'
  if (!sound)
    return 'NOT SOUND: the money of this server does not add up. See served unpaid, overpaid and nights.'
  const settled = report.nights.length > 0 ? ' Each nightly run has settled all of it.' : ''
  return `Sound: every page was charged once, and nothing else was.${settled}`
}

function section(title: string, counts: Record<string, number>): string[] {
  const lines = counted(counts)
  return lines.length > 0 ? ['', title, ...lines] : []
}

function counted(counts: Record<string, number>): string[] {
  const most = Object.entries(counts).toSorted(([, a], [, b]) => b - a)
  return most.map(([name, count]) => `${`${count}`.padStart(8)}  ${name}`)
}

function indented(rows: readonly string[][]): string[] {
  return tableLines(rows).map((line) => `  ${line}`)
}
