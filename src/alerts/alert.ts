/** Alerts: the operator must look at something, while it lasts. The shapes that facts, kinds, state and messages share. */

import type { SeenReceiver } from './receiver.ts'

/** `critical`: money is at risk now. `warning`: it will be. `info`: a change that the operator should have made. */
export type Severity = 'critical' | 'warning' | 'info'

/**
 * One thing that a kind of alert finds in the facts. `subject`: an account, a run or the like; one alert of a
 * kind is open for each. `figure`: how bad it is, for people; null if that cannot be read now: then nothing changes. `link`:
 * where to look, a path of this Worker.
 */
export type AlertCondition = { subject: string; severity: Severity; figure: string | null; link: string }

/** A condition, and the kind that found it. */
export type Found = AlertCondition & { kind: string }

/** An alert, open or resolved. Times in Unix milliseconds. */
export type Alert = {
  /** `alert-<UTC second>-<number>`. The same subject that opens again later has another id. */
  id: string
  kind: string
  severity: Severity
  subject: string
  figure: string
  link: string
  opened: number
  /** Null while it is open. */
  resolved: number | null
  /** When the facts last showed it. */
  seen: number
  mutedUntil: number | null
  /** How many messages were made of it, and when the last one was. */
  messages: number
  messagedAt: number | null
}

/** The step in the life of an alert that a message states. */
export type AlertStep = 'opened' | 'changed' | 'repeated' | 'resolved'

/** A message as a webhook receives it. A repeated message has the same `id`; `alert` is the same in all of one alert. */
export type AlertEvent = {
  id: string
  type: `alert.${AlertStep | 'test'}`
  at: number
  alert: string
  kind: string
  severity: Severity
  opened: number
  subject: string
  figure: string
  link: string
}

/** A message that one webhook has not accepted yet. Times in Unix milliseconds. */
export type Delivery = {
  event: AlertEvent
  /** The id of the webhook: see `webhookId`. */
  webhook: string
  attempts: number
  /** The next attempt. */
  dueAt: number
}

/** A webhook as its answers show it. Times in Unix milliseconds. */
export type WebhookHealth = {
  id: string
  /** The host of its URL. The rest may be a secret. */
  host: string
  acceptedAt: number | null
  /** The first failure since it last accepted a message; null if there was none. */
  failingSince: number | null
}

/** All that a pass over the facts starts from. */
export type AlertState = {
  /** The first pass and the last one, in Unix milliseconds. */
  firstAt: number | null
  lastAt: number | null
  alerts: Alert[]
  outbox: Delivery[]
  webhooks: WebhookHealth[]
  /** Absent before the first pass that could read it, and in documents of earlier versions. */
  receiver?: SeenReceiver
}

/** The state before the first pass. */
export const NO_ALERTS: AlertState = { firstAt: null, lastAt: null, alerts: [], outbox: [], webhooks: [] }

/** Whether an alert is still open. */
export function isOpenAlert({ resolved }: Pick<Alert, 'resolved'>): boolean {
  return resolved === null
}
