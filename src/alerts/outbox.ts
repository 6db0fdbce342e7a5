/** The messages that webhooks have not accepted yet: when each is sent, again and again until one of its webhook's answers 2xx. Pure. */

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../platform/time.ts'
import type { AlertEvent, AlertState, Delivery, WebhookHealth } from './alert.ts'

/** The pause after the first failure. It doubles with each further one, up to {@link LONGEST_PAUSE_MS}. */
export const FIRST_PAUSE_MS = 5 * MINUTE_MS
/** The longest pause between two attempts. */
export const LONGEST_PAUSE_MS = 6 * HOUR_MS

/** A message that no attempt has delivered for this long is given up. The API still shows its alert. */
export const GIVEN_UP_MS = 7 * DAY_MS

/** The most messages that wait for one webhook. Beyond it, the oldest are given up. */
export const MAX_WAITING = 500

/** The most messages that one pass sends to one webhook. The rest waits for the next pass. */
export const MAX_SENT = 20

/** A webhook without an answer for this long is an alert itself. */
export const UNANSWERED_MS = DAY_MS

/** The webhooks of the config, as the outbox names them. */
export type WebhookTarget = Pick<WebhookHealth, 'id' | 'host'>

/** Adds messages for each webhook, and drops what is too old, too much, or for a webhook that the config no longer has. */
export function enqueue(
  { outbox, webhooks }: Pick<AlertState, 'outbox' | 'webhooks'>,
  messages: readonly AlertEvent[],
  targets: readonly WebhookTarget[],
  now: number,
): Pick<AlertState, 'outbox' | 'webhooks'> {
  const waiting = outbox.filter(({ event }) => now - event.at < GIVEN_UP_MS)
  return {
    outbox: targets.flatMap(({ id: webhook }) => {
      const fresh = messages.map((event) => ({ event, webhook, attempts: 0, dueAt: now }))
      return [...waiting.filter((one) => one.webhook === webhook), ...fresh].slice(-MAX_WAITING)
    }),
    webhooks: targets.map(
      ({ id, host }) =>
        webhooks.find((known) => known.id === id) ?? { id, host, acceptedAt: null, failingSince: null },
    ),
  }
}

/**
 * Takes the deliveries that are due. Each counts as failed until {@link settle} says that it was accepted, so a pass that
 * overlaps or is killed neither sends it twice at once nor loses it.
 */
export function take(outbox: readonly Delivery[], now: number): { outbox: Delivery[]; due: Delivery[] } {
  const taken = new Map<string, number>()
  const due: Delivery[] = []
  const after = outbox.map((delivery) => {
    const count = taken.get(delivery.webhook) ?? 0
    if (delivery.dueAt > now || count === MAX_SENT) return delivery
    taken.set(delivery.webhook, count + 1)
    due.push(delivery)
    const attempts = delivery.attempts + 1
    return { ...delivery, attempts, dueAt: now + pauseAfter(attempts) }
  })
  return { outbox: after, due }
}

/** The pause after so many attempts, in milliseconds. */
export function pauseAfter(attempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS)
}

/** The result of one attempt. */
export type AttemptedDelivery = Pick<Delivery, 'webhook'> & { message: string; isAccepted: boolean }

/** The state after attempts: accepted messages leave the outbox, and each webhook's health follows. */
export function settle(state: AlertState, attempted: readonly AttemptedDelivery[], now: number): AlertState {
  const accepted = new Set(attempted.filter(({ isAccepted }) => isAccepted).map(nameOf))
  return {
    ...state,
    outbox: state.outbox.filter(
      ({ event, webhook }) => !accepted.has(nameOf({ message: event.id, webhook })),
    ),
    webhooks: state.webhooks.map((webhook) => {
      const own = attempted.filter((one) => one.webhook === webhook.id)
      if (own.some(({ isAccepted }) => isAccepted)) return { ...webhook, acceptedAt: now, failingSince: null }
      return own.length === 0 ? webhook : { ...webhook, failingSince: webhook.failingSince ?? now }
    }),
  }
}

function nameOf({ message, webhook }: Pick<AttemptedDelivery, 'message' | 'webhook'>): string {
  return `${webhook} ${message}`
}
