/** Alerts about the chain: gas money, nodes, and channels near their limit. */

import { MAX_NODE_LAG_BLOCKS } from '../../chain/channels.ts'
import { showUsd } from '../../protocol/amount.ts'
import type { AlertCondition } from '../alert.ts'
import type { NodeFact } from '../facts.ts'
import { type AlertKind, API, ageText } from './kind.ts'

/** Nightly runs that the gas money must last for: below the first it is critical, below the second a warning. */
export const RUNS = { critical: 1n, warning: 3n } as const

/** A channel is an alert above this share of its unclaimed limit, in percent. */
export const NEAR_LIMIT_PERCENT = 80n

/** The relayer holds less gas money than one nightly run costs, or three. */
export const gasLow: AlertKind = {
  name: 'gas_low',
  find: ({ relayers }) =>
    relayers?.flatMap(({ address, network, balance, runCost }): AlertCondition[] => {
      const link = `${API}/relayer`
      const subject = `${address} on ${network}`
      if (balance === null) return [{ subject, severity: 'warning', figure: null, link }]
      if (balance >= RUNS.warning * runCost) return []
      const severity = balance < RUNS.critical * runCost ? 'critical' : 'warning'
      const figure = `holds ${balance} wei, and a run costs up to ${runCost}`
      return [{ subject, severity, figure, link }]
    }) ?? null,
}

/** A node that does not answer, that is old, or that is far behind another node of its network. */
export const nodeBehind: AlertKind = {
  name: 'node_behind',
  find: ({ nodes, now }) =>
    nodes?.flatMap((node): AlertCondition[] => {
      const figure = faultOf(node, nodes, now)
      const subject = `${node.host} on ${node.network}`
      return figure === null ? [] : [{ subject, severity: 'warning', figure, link: `${API}/runs` }]
    }) ?? null,
}

/** A channel owes more than 80 % of its unclaimed limit: at the limit, its payer is refused until a claim. */
export const nearLimit: AlertKind = {
  name: 'near_limit',
  find: ({ unclaimed }) =>
    unclaimed
      ?.filter(({ unclaimed: owed, limit }) => owed * 100n > limit * NEAR_LIMIT_PERCENT)
      .map(({ channel: subject, unclaimed: owed, limit }) => ({
        subject,
        severity: 'warning',
        figure: `owes ${showUsd(owed)} of at most ${showUsd(limit)}`,
        link: `${API}/accounts/${subject}`,
      })) ?? null,
}

function faultOf({ head, network, maxAgeSeconds }: NodeFact, all: readonly NodeFact[], now: number) {
  if (head === null) return 'does not answer'
  const age = now - head.time
  if (maxAgeSeconds > 0 && age > maxAgeSeconds * 1000) return `its newest block is ${ageText(age)} old`
  const others = all.filter((node) => node.network === network)
  const best = others.reduce(
    (high, node) => (node.head && node.head.block > high ? node.head.block : high),
    0n,
  )
  const lag = best - head.block
  return lag > MAX_NODE_LAG_BLOCKS ? `is ${lag} blocks behind another node` : null
}
