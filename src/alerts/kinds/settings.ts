/** Alerts about the deployment itself: its settings, and the webhooks that alerts go to. */

import type { Severity } from '../alert.ts'
import type { SettingFact } from '../facts.ts'
import { UNANSWERED_MS } from '../outbox.ts'
import { type AlertKind, API, ageText, figureOf } from './kind.ts'

/** The settings are faulty, so the Worker serves nothing. */
export const settingFault = ofSettings('misconfigured', 'fault', 'critical')

/** A contract with a crawler ends within 14 days, or has ended: its rules' prices hold then. */
export const contractEnds = ofSettings('contract_ends', 'contract', 'warning')

/** A setting should be looked at, such as a price below its gas. It is said once, not daily. */
export const settingAdvice = ofSettings('setting', 'advice', 'info')

/** A webhook has accepted nothing for 24 hours, though messages were sent. */
export const webhookUnanswered: AlertKind = {
  name: 'webhook_unanswered',
  find: ({ webhooks, now }) =>
    webhooks?.flatMap(({ id, host, failingSince }) => {
      const age = failingSince === null ? 0 : now - failingSince
      if (age < UNANSWERED_MS) return []
      const figure = `has accepted nothing for ${ageText(age)}`
      return [{ subject: `${host} (${id})`, severity: 'warning', figure, link: `${API}/alerts` }]
    }) ?? null,
}

function ofSettings(name: string, level: SettingFact['level'], severity: Severity): AlertKind {
  return {
    name,
    find: ({ settings }) =>
      settings
        ?.filter((setting) => setting.level === level)
        .map(({ place: subject, message }) => ({
          subject,
          severity,
          figure: figureOf(message),
          link: `${API}/alerts`,
        })) ?? null,
  }
}
