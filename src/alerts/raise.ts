/** A pass over the facts: reads them, updates the alerts, and sends what webhooks have not accepted yet. */

import { sha256Hex } from '../platform/digest.ts'
import { log } from '../platform/log.ts'
import { sendWebhook, type Webhook } from '../platform/webhook.ts'
import type { AlertEvent, AlertState, Delivery } from './alert.ts'
import { foldAlerts } from './fold.ts'
import { findAll } from './kinds/index.ts'
import { type AttemptedDelivery, enqueue, settle, take, type WebhookTarget } from './outbox.ts'
import { readFacts } from './read.ts'
import { seeReceiver } from './receiver.ts'
import type { AlertSettings } from './settings.ts'
import { changeAlerts, readStoredAlerts } from './store.ts'

/**
 * Finds alerts and sends their messages. Never throws: neither a run nor a watch may fail because of an alert. `now`: Unix ms.
 * @returns how many messages were accepted
 */
export async function raiseAlerts(settings: AlertSettings, now: number): Promise<number> {
  try {
    const stored = await readStoredAlerts(settings.book)
    const facts = await readFacts(settings, stored.state, now)
    const targets = await targetsOf(settings.webhooks)
    const pass = (before: AlertState) => {
      const receiver = seeReceiver(before.receiver, settings.receiver, now)
      const { found, unread } = findAll({ ...facts, ...(receiver && { receiver }) })
      const linked = found.map((one) => ({ ...one, link: `${settings.publicUrl}${one.link}` }))
      const { alerts, messages } = foldAlerts(before, { found: linked, unread, now })
      const queued = enqueue(before, messages, targets, now)
      const { outbox, due } = take(queued.outbox, now)
      const state: AlertState = {
        ...{ firstAt: before.firstAt ?? now, lastAt: now, alerts, outbox, webhooks: queued.webhooks },
        ...(receiver && { receiver }),
      }
      return { state, value: due }
    }
    const due = await changeAlerts(settings.book, pass, stored)
    return await deliver(settings, due ?? [], now)
  } catch (fault) {
    log('alerts_not_raised', { fault })
    return 0
  }
}

/** The result of a test: whether each webhook has accepted it. */
export type Tested = { id: string; webhooks: (WebhookTarget & { isAccepted: boolean })[] }

/** Sends a test alert to every webhook at once. It opens nothing. `now`: Unix ms. @throws when D1 cannot be written */
export async function testAlerts({ book, webhooks, publicUrl }: AlertSettings, now: number): Promise<Tested> {
  const id = `alert-test-${now}`
  const event: AlertEvent = {
    ...{ id, type: 'alert.test', at: now, alert: id, kind: 'test', severity: 'info', opened: now },
    ...{
      subject: 'test',
      figure: 'this is a test, and nothing is wrong',
      link: `${publicUrl}/_tab402/api/alerts`,
    },
  }
  const targets = await targetsOf(webhooks)
  const tested = await Promise.all(
    targets.map(async (target) => ({ ...target, isAccepted: await send(target.webhook, event) })),
  )
  await changeAlerts(book, (before) => {
    const attempts = tested.map(({ id: webhook, isAccepted }) => ({ webhook, message: id, isAccepted }))
    const queued = enqueue(before, [], targets, now)
    return { state: settle({ ...before, ...queued }, attempts, now), value: null }
  })
  return { id, webhooks: tested.map(({ webhook: _, ...rest }) => rest) }
}

/** Sends to all webhooks at once, and to each in order. */
async function deliver(
  { book, webhooks }: AlertSettings,
  due: readonly Delivery[],
  now: number,
): Promise<number> {
  if (due.length === 0) return 0
  const attempts = await Promise.all(
    (await targetsOf(webhooks)).map(async ({ id, webhook }) => {
      const attempted: AttemptedDelivery[] = []
      for (const { event } of due.filter((delivery) => delivery.webhook === id)) {
        attempted.push({ webhook: id, message: event.id, isAccepted: await send(webhook, event) })
      }
      return attempted
    }),
  )
  await changeAlerts(book, (state) => ({ state: settle(state, attempts.flat(), now), value: null }))
  return attempts.flat().filter(({ isAccepted }) => isAccepted).length
}

function send(webhook: Webhook, event: AlertEvent): Promise<boolean> {
  const { type, severity, kind, subject, figure, link } = event
  const step = type.replace('alert.', '')
  return sendWebhook(webhook, event, `[${severity}] ${kind} ${step}: ${subject}: ${figure}\n${link}`)
}

/** A webhook by the start of its URL's hash: D1 and the API must not hold the URL, which may be a secret. */
async function targetsOf(webhooks: readonly Webhook[]): Promise<(WebhookTarget & { webhook: Webhook })[]> {
  return Promise.all(
    webhooks.map(async (webhook) => {
      const id = (await sha256Hex(webhook.url)).slice(0, 8)
      return { id, host: new URL(webhook.url).host, webhook }
    }),
  )
}
