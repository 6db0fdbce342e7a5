/** Alerts about the deployment itself: its settings, and the webhooks that alerts go to. */

import { UNANSWERED_MS } from '../outbox.ts'
import { type AlertKind, API, figureOf, spanOf } from './kind.ts'

/** The settings are faulty, so the Worker serves nothing. */
export const misconfigured: AlertKind = {
  name: 'misconfigured',
  find: ({ settings }) =>
    settings
      ?.filter(({ isFault }) => isFault)
      .map(({ place, message }) => ({
        ...{ subject: place, severity: 'critical', figure: figureOf(message), link: `${API}/alerts` },
      })) ?? null,
}

/** A setting must be looked at, such as a contract that ends soon. The Worker serves. */
export const policyWarning: AlertKind = {
  name: 'policy',
  find: ({ settings }) =>
    settings
      ?.filter(({ isFault }) => !isFault)
      .map(({ place, message }) => ({
        ...{ subject: place, severity: 'warning', figure: figureOf(message), link: `${API}/alerts` },
      })) ?? null,
}

/** A webhook has accepted nothing for 24 hours, though messages were sent. */
export const webhookUnanswered: AlertKind = {
  name: 'webhook_unanswered',
  find: ({ webhooks, now }) =>
    webhooks?.flatMap(({ id, host, failingSince }) => {
      const age = failingSince === null ? 0 : now - failingSince
      if (age < UNANSWERED_MS) return []
      const figure = `has accepted nothing for ${spanOf(age)}`
      return [{ subject: `${host} (${id})`, severity: 'warning', figure, link: `${API}/alerts` }]
    }) ?? null,
}
