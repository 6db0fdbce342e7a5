/** The shapes of alerts in the OpenAPI document. */
import { count, flag, listOf, orNull, table, text, time, word } from './json-schema.ts'

/** One alert, and its messages that a webhook has not accepted yet. */
export const alert = table({
  id: text,
  kind: text,
  severity: word('critical', 'warning', 'info'),
  subject: text,
  figure: text,
  link: text,
  opened: time,
  resolved: orNull(time),
  mutedUntil: orNull(time),
  messages: count,
  messagedAt: orNull(time),
  waiting: listOf(table({ id: text, type: text, webhook: text, attempts: count, dueAt: time })),
})

const webhook = { id: text, host: text }

/** `GET /api/alerts` */
export const alertList = table({
  alerts: listOf(alert),
  webhooks: listOf(table({ ...webhook, acceptedAt: orNull(time), failingSince: orNull(time) })),
  lastAt: orNull(time),
})

/** `POST /api/alerts/test` */
export const tested = table({ id: text, webhooks: listOf(table({ ...webhook, isAccepted: flag })) })
