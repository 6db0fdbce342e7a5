/** All kinds of alert. Adding one is a function in a file here, its line in this list, and its row in docs/alerts.md. */

import type { Found } from '../alert.ts'
import type { AlertFacts } from '../facts.ts'
import { agentSuspended, pastDue, paymentFailed } from './billing.ts'
import { gasLow, nearLimit, nodeBehind } from './chain.ts'
import type { AlertKind } from './kind.ts'
import { moneyFindings, runFailed, runInDoubt, runOverdue, watchLate, withdrawal } from './runs.ts'
import { contractEnds, settingAdvice, settingFault, webhookUnanswered } from './settings.ts'
import { originErrors, paidDropped, receiverChanged, siteCheck, unpaidDropped } from './sites.ts'

/** Every kind of alert, in the order of docs/alerts.md. */
export const ALERT_KINDS: readonly AlertKind[] = [
  settingFault,
  runFailed,
  runInDoubt,
  runOverdue,
  watchLate,
  withdrawal,
  ...moneyFindings,
  gasLow,
  nearLimit,
  nodeBehind,
  originErrors,
  paidDropped,
  unpaidDropped,
  siteCheck,
  agentSuspended,
  paymentFailed,
  pastDue,
  contractEnds,
  webhookUnanswered,
  receiverChanged,
  settingAdvice,
]

/** All that the kinds find in the facts, and the kinds whose facts could not be read. */
export function findAll(facts: AlertFacts): { found: Found[]; unread: Set<string> } {
  const unread = new Set<string>()
  const found = ALERT_KINDS.flatMap(({ name: kind, find }) => {
    const conditions = find(facts)
    if (conditions === null) unread.add(kind)
    return (conditions ?? []).map((condition) => ({ ...condition, kind }))
  })
  return { found, unread }
}
