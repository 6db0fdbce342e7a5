/** Alerts about the nightly runs, their findings, and the watch. */

import type { Finding } from '../../ledger/book/finding.ts'
import { HOUR_MS, MINUTE_MS } from '../../platform/time.ts'
import { showUsd } from '../../protocol/amount.ts'
import type { AlertCondition } from '../alert.ts'
import type { RunFact } from '../facts.ts'
import { type AlertKind, API, ageText, figureOf } from './kind.ts'

/** A day and two hours: a run that is late by less is not missing. */
export const OVERDUE_MS = 26 * HOUR_MS

/** Three watches in a row. */
export const UNWATCHED_MS = 15 * MINUTE_MS

/** A withdrawal is an alert above this unclaimed amount, in micro-dollars. */
export const WITHDRAWAL_LEAST = 1_000_000n

/** The last run of a kind failed, or was killed. The next one continues its work. */
export const runFailed: AlertKind = {
  name: 'run_failed',
  find: ({ runs }) =>
    runs?.flatMap(({ kind, last }) =>
      last && (last.status === 'failed' || last.status === 'abandoned')
        ? [ofRun(kind, last, `${last.status}: ${last.record.fault ?? 'it was stopped'}`)]
        : [],
    ) ?? null,
}

/** The last run of a kind left something that could have been redeemed, or accounts disagree. */
export const runInDoubt: AlertKind = {
  name: 'run_in_doubt',
  find: ({ runs }) =>
    runs?.flatMap(({ kind, last }) =>
      last?.status === 'in_doubt' ? [ofRun(kind, last, leftOf(last.record))] : [],
    ) ?? null,
}

/** No run of a kind was settled for 26 hours. */
export const runOverdue: AlertKind = {
  name: 'run_overdue',
  find: ({ runs, firstAt, now }) =>
    runs?.flatMap(({ kind, settledAt }) => {
      const age = now - (settledAt ?? firstAt)
      if (age < OVERDUE_MS) return []
      const figure = settledAt === null ? `none in ${ageText(age)}` : `the last one ${ageText(age)} ago`
      return [{ subject: kind, severity: 'critical', figure, link: `${API}/runs` }]
    }) ?? null,
}

/** Money that a run found lost, or an account that disagrees with the chain: one kind of alert for each code. */
export const moneyFindings: AlertKind[] = (
  ['uncovered', 'overclaimed', 'book_ahead', 'receiver_behind', 'lost'] as const
).map(ofFinding)

/** The watch has not read the chain for 15 minutes, and there are channels that could be withdrawn from. */
export const watchLate: AlertKind = {
  name: 'watch_late',
  find: ({ watches, firstAt, now }) =>
    watches?.flatMap(({ network, seenAt, hasChannels }) => {
      const age = now - (seenAt ?? firstAt)
      if (!hasChannels || age <= UNWATCHED_MS) return []
      const figure = `${seenAt === null ? 'never read the chain in' : 'read the chain last before'} ${ageText(age)}`
      return [{ subject: network, severity: 'critical', figure, link: `${API}/runs` }]
    }) ?? null,
}

/** A payer withdraws, and more than $1 of its charges is not claimed. */
export const withdrawal: AlertKind = {
  name: 'withdrawal',
  find: ({ withdrawals }) =>
    withdrawals?.flatMap(({ channel: subject, unclaimed }): AlertCondition[] => {
      if (unclaimed !== null && unclaimed <= WITHDRAWAL_LEAST) return []
      const figure = unclaimed === null ? null : `${showUsd(unclaimed)} is not claimed`
      return [{ subject, severity: 'critical', figure, link: `${API}/accounts/${subject}` }]
    }) ?? null,
}

function ofRun(kind: RunFact['kind'], { id }: { id: string }, figure: string): AlertCondition {
  return { subject: kind, severity: 'critical', figure: figureOf(figure), link: `${API}/runs/${id}` }
}

function ofFinding(name: Finding['what']): AlertKind {
  return {
    name,
    find: ({ findings }) =>
      findings
        ?.filter(({ what }) => what === name)
        .map(({ account, detail, run }) => ({
          subject: account,
          severity: 'critical',
          figure: figureOf(detail),
          link: `${API}/runs/${run}`,
        })) ?? null,
  }
}

/** Names what is left, from the record of a run: `2 findings: unclaimed, silent; 1 quarantined`. */
function leftOf(record: Record<string, unknown>): string {
  const { findings, quarantined, open } = record as Partial<{
    findings: { count: number; list: Finding[] }
    quarantined: { count: number }
    open: number
  }>
  const codes = [...new Set(findings?.list.map(({ what }) => what))].join(', ')
  const parts = [
    findings?.count ? `findings: ${findings.count} (${codes})` : '',
    quarantined?.count ? `quarantined: ${quarantined.count}` : '',
    open ? `unresolved deposits and refunds: ${open}` : '',
  ].filter((part) => part !== '')
  return parts.join('; ') || 'transactions are not mined'
}
