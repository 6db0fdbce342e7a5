/** Makes the settings of alerts from config and bindings. */

import type { SettingFact } from '../alerts/facts.ts'
import type { AlertSettings } from '../alerts/settings.ts'
import { type Config, type ConfigProblem, readConfig } from '../config/config.ts'
import { contractWarnings } from '../config/contracts.ts'
import { webhooksOf } from '../config/webhooks.ts'
import { runKinds } from '../settlement/workflow.ts'
import { siteRegistry } from '../sites/call.ts'
import type { Bindings } from './bindings.ts'
import { chartsOf } from './charts.ts'
import { witnessesOf } from './registry.ts'
import { workOf } from './work.ts'

/** The settings of alerts. With a faulty config they hold its problems and the webhooks, and nothing else is looked at. */
export function alertsOf(env: Bindings): AlertSettings {
  const read = readConfig(env)
  const { BOOK: book, ACCOUNT: accounts } = env
  const send = { now: () => Date.now() }
  if (!read.ok) {
    const problems = () => read.problems.map((problem) => ({ ...problem, level: 'fault' as const }))
    return {
      book,
      webhooks: webhooksOf(env).map((webhook) => ({ ...webhook, ...send })),
      problems,
      publicUrl: '',
    }
  }
  const { networks, relayer, maxUnclaimed, webhooks, bill, credit, policy } = read.config
  const chains = networks.flatMap(({ chain }) => chain ?? [])
  const work = workOf(env)
  const { SITES: namespace } = env
  return {
    book,
    webhooks: webhooks.map((webhook) => ({ ...webhook, ...send })),
    problems: (now) => warningsOf(read.config, read.warnings, now),
    publicUrl: bill?.publicUrl ?? '',
    receiver: policy.receiver,
    runKinds: work ? runKinds(work) : [],
    ...(chains.length > 0 &&
      relayer && { channels: { chains, accounts, relayer: relayer.address, maxUnclaimed } }),
    hasCredit: credit !== undefined,
    charts: chartsOf(env, read),
    ...(namespace && {
      sites: { registry: () => siteRegistry(namespace), witnesses: witnessesOf(read.config) },
    }),
  }
}

function warningsOf({ policy }: Config, warnings: readonly ConfigProblem[], now: number): SettingFact[] {
  return [
    ...contractWarnings(policy.contracts, now).map((warning) => ({ ...warning, level: 'contract' as const })),
    ...warnings.map((warning) => ({ ...warning, level: 'advice' as const })),
  ]
}

/** Finds and sends alerts now. Their code loads at the first call. Never throws. */
export async function raise(env: Bindings): Promise<void> {
  if (!env.BOOK) return
  const { raiseAlerts } = await import('../alerts/raise.ts')
  await raiseAlerts(alertsOf(env), Date.now())
}
