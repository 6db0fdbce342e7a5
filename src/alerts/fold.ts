/** The life of alerts: a pass over the facts opens, repeats and resolves them. Pure. */

import { DAY_MS, MINUTE_MS, windowOf } from '../platform/time.ts'
import {
  type Alert,
  type AlertEvent,
  type AlertState,
  type AlertStep,
  type Found,
  isOpenAlert,
  type Severity,
} from './alert.ts'

/** The alerts of one kind that are open one by one. The rest of a kind is one alert more, with the subject {@link OTHERS}. */
export const MAX_OF_KIND = 20

/** The subject of the alert that stands for all above {@link MAX_OF_KIND}. */
export const OTHERS = 'others'

/** An open alert is sent again after this time. */
export const REPEAT_MS = DAY_MS

/** An alert is resolved once the facts have not shown it for this long: two watches, so that a flicker sends nothing. */
export const QUIET_MS = 10 * MINUTE_MS

/** Resolved alerts that are kept, the newest first, and for how long. */
export const MAX_RESOLVED = 200
const RECENT_MS = 30 * DAY_MS

const RANK: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 }

/** The facts of one pass, as the kinds of alert see them. */
export type AlertPass = {
  found: readonly Found[]
  /** Kinds whose facts could not be read: their alerts stay as they are. */
  unread: ReadonlySet<string>
  /** Unix milliseconds. */
  now: number
}

/** The alerts after one pass, and the messages that it makes. `now` never goes back. */
export function foldAlerts(
  { alerts }: Pick<AlertState, 'alerts'>,
  { found, unread, now }: AlertPass,
): { alerts: Alert[]; messages: AlertEvent[] } {
  const keys = new Set(alerts.filter(isOpenAlert).map(keyOf))
  const seen = new Map(atMost(found, keys).map((one) => [keyOf(one), one]))
  const messages: AlertEvent[] = []
  const after = (alert: Alert, step: AlertStep | null) => {
    if (step === null) return alert
    const sent = { ...alert, messages: alert.messages + 1, messagedAt: now }
    messages.push(eventOf(sent, step, now))
    return sent
  }
  const kept = alerts.map((alert) => {
    if (!isOpenAlert(alert)) return alert
    const condition = seen.get(keyOf(alert))
    const isUnknown = condition ? condition.figure === null : unread.has(alert.kind)
    const next = isUnknown
      ? { ...alert, seen: now }
      : condition
        ? shown(alert, condition, now)
        : gone(alert, now)
    return after(next, stepOf(alert, next, now))
  })
  const fresh = [...seen.values()].filter((one) => one.figure !== null && !keys.has(keyOf(one)))
  const prefix = `alert-${windowOf(now)}-`
  const before = alerts.filter(({ id }) => id.startsWith(prefix)).length
  const opened = fresh.map((condition, at) => {
    const alert = open(condition, alerts, now, `${prefix}${before + at + 1}`)
    return after(alert, stepOf(null, alert, now))
  })
  return { alerts: recent([...opened.reverse(), ...kept], now), messages }
}

/** Whether an alert sends nothing at `now` (Unix ms). */
export function isMuted({ mutedUntil }: Pick<Alert, 'mutedUntil'>, now: number): boolean {
  return mutedUntil !== null && mutedUntil > now
}

/** Mutes an alert until `until` (Unix ms), or no longer mutes it with null. Null without an open alert of this id. */
export function muteAlert(state: AlertState, id: string, until: number | null): AlertState | null {
  const isThere = state.alerts.some((alert) => alert.id === id && isOpenAlert(alert))
  if (!isThere) return null
  return {
    ...state,
    alerts: state.alerts.map((alert) => (alert.id === id ? { ...alert, mutedUntil: until } : alert)),
  }
}

function shown(alert: Alert, { severity, figure, link }: Found, now: number): Alert {
  return { ...alert, severity, figure: figure ?? alert.figure, link, seen: now }
}

function gone(alert: Alert, now: number): Alert {
  return now - alert.seen < QUIET_MS ? alert : { ...alert, resolved: now }
}

/** A mute holds for the subject: an alert that opens again within it stays silent. */
function open(
  { kind, subject, severity, figure, link }: Found,
  earlier: readonly Alert[],
  now: number,
  id: string,
): Alert {
  const before = earlier.find((one) => one.kind === kind && one.subject === subject && isMuted(one, now))
  return {
    id,
    kind,
    severity,
    subject,
    figure: figure ?? '',
    link,
    opened: now,
    resolved: null,
    seen: now,
    mutedUntil: before?.mutedUntil ?? null,
    messages: 0,
    messagedAt: null,
  }
}

/** The message that an alert makes now, or null. Info is said once. An alert that was never sent is resolved without a message. */
function stepOf(before: Alert | null, after: Alert, now: number): AlertStep | null {
  if (isMuted(after, now)) return null
  if (after.messagedAt === null) return isOpenAlert(after) ? 'opened' : null
  if (before && before.severity !== after.severity) return 'changed'
  if (after.severity === 'info') return null
  if (!isOpenAlert(after)) return 'resolved'
  return now - after.messagedAt >= REPEAT_MS ? 'repeated' : null
}

/** One condition for each subject, and at most {@link MAX_OF_KIND} of a kind. Those that are open already come first. */
function atMost(found: readonly Found[], open: ReadonlySet<string>): Found[] {
  const byKind = new Map<string, Map<string, Found>>()
  for (const one of found) {
    const known = byKind.get(one.kind) ?? new Map<string, Found>()
    const same = known.get(one.subject)
    if (!same || RANK[one.severity] < RANK[same.severity]) known.set(one.subject, one)
    byKind.set(one.kind, known)
  }
  return [...byKind.values()].flatMap((conditions) => {
    const all = [...conditions.values()].sort((a, b) => place(a, open) - place(b, open))
    const [first, ...more] = all.slice(MAX_OF_KIND).filter(({ figure }) => figure !== null)
    if (!first) return all.slice(0, MAX_OF_KIND)
    const worst = [first, ...more].sort((a, b) => RANK[a.severity] - RANK[b.severity])[0] ?? first
    const figure = `${more.length + 1} more`
    return [...all.slice(0, MAX_OF_KIND), { ...worst, subject: OTHERS, figure, link: worst.link }]
  })
}

function place(found: Found, open: ReadonlySet<string>): number {
  return open.has(keyOf(found)) ? -1 : RANK[found.severity]
}

/** All open alerts, and the newest of the resolved ones. */
function recent(alerts: readonly Alert[], now: number): Alert[] {
  const done = alerts
    .filter(({ resolved }) => resolved !== null && now - resolved < RECENT_MS)
    .sort((a, b) => (b.resolved ?? 0) - (a.resolved ?? 0))
  return [...alerts.filter(isOpenAlert), ...done.slice(0, MAX_RESOLVED)]
}

function keyOf({ kind, subject }: Pick<Found, 'kind' | 'subject'>): string {
  return `${kind} ${subject}`
}

function eventOf(
  { id: alert, messages, kind, severity, opened, subject, figure, link }: Alert,
  step: AlertStep,
  at: number,
): AlertEvent {
  const id = `${alert}/${messages}`
  return { id, type: `alert.${step}`, at, alert, kind, severity, opened, subject, figure, link }
}
