/** Alerts about what sites serve and sell: failing origins, and requests that stay away. */

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../platform/time.ts'
import type { ChangedReceiver } from '../../sites/host-checks.ts'
import type { AlertCondition } from '../alert.ts'
import type { SiteHourFact } from '../facts.ts'
import type { SeenReceiver } from '../receiver.ts'
import { type AlertKind, API, figureOf } from './kind.ts'

/** Errors of the origin are an alert above this share, in percent, of at least so many requests. */
export const ERRORS = { percent: 5, least: 20 } as const

/** Traffic is counted by hours. An hour that is younger is taken together with the one before it. */
export const ERRORS_WINDOW_MS = 15 * MINUTE_MS

/** An hour has dropped if it has at most this share, in percent, of an hour of at least so many requests. */
export const DROP = { percent: 20, least: 100 } as const

/** An hour is compared once all of it was reported: accounts report within five minutes. */
export const REPORTED_MS = 6 * MINUTE_MS

/** More than 5 % of the requests that reached the origin of a site were answered 5xx. */
export const originErrors: AlertKind = {
  name: 'origin_errors',
  find: ({ traffic, paid, now }) => {
    if (!traffic || !paid) return null
    const from = hourOf(now - ERRORS_WINDOW_MS)
    const errors = sums(traffic, 'errors', from, now)
    const free = sums(traffic, 'free', from, now)
    const charged = sums(paid, 'paid', from, now)
    return [...errors].flatMap(([subject, failed]): AlertCondition[] => {
      const all = Math.max(failed, (free.get(subject) ?? 0) + (charged.get(subject) ?? 0))
      if (all < ERRORS.least || failed * 100 <= all * ERRORS.percent) return []
      const figure = `${failed} of ${all} requests were answered 5xx`
      return [{ subject, severity: 'warning', figure, link: linkTo(subject) }]
    })
  },
}

/** A host of a site in force lacks an address, its proof or an active certificate. */
export const siteCheck: AlertKind = {
  name: 'site_check',
  find: ({ broken }) =>
    broken?.map(({ site, host, why }) => ({
      subject: host,
      severity: 'warning',
      figure: figureOf(why),
      link: `${API}/sites/${site}`,
    })) ?? null,
}

/** Somebody has changed where the money of a site, a publisher or the vars goes. One alert for each change. */
export const receiverChanged: AlertKind = {
  name: 'receiver_changed',
  find: ({ receivers, receiver, now }) =>
    receivers
      ? [...receivers.map(inRegistry), ...(receiver && now - receiver.at < DAY_MS ? inVars(receiver) : [])]
      : null,
}

function inRegistry({ seq, who, subject, from, to }: ChangedReceiver): AlertCondition {
  return {
    subject: `${subject}, change ${seq}`,
    severity: 'info',
    figure: figureOf(`from ${from} to ${to}, by ${who}`),
    link: `${API}/audit`,
  }
}

function inVars({ address, from, at }: SeenReceiver): AlertCondition[] {
  if (from === null) return []
  const figure = `from ${from} to ${address}, by a deploy`
  return [
    { subject: `vars, seen ${new Date(at).toISOString()}`, severity: 'info', figure, link: `${API}/alerts` },
  ]
}

/** A site sold at least 80 % less in the last hour than in the same hour of the day before. */
export const paidDropped: AlertKind = {
  name: 'paid_dropped',
  find: ({ paid, now }) => dropped(paid, 'paid', 'paid requests', now),
}

/** A site asked at least 80 % fewer requests to pay than in the same hour of the day before. */
export const unpaidDropped: AlertKind = {
  name: 'unpaid_dropped',
  find: ({ traffic, now }) => dropped(traffic, 'unpaid', 'unpaid requests', now),
}

/** Null in the first minutes of an hour, in which the hour before it may not be complete. */
function dropped<Count extends 'paid' | 'unpaid'>(
  hours: readonly SiteHourFact<Count>[] | undefined,
  count: Count,
  words: string,
  now: number,
): AlertCondition[] | null {
  const hour = hourOf(now) - HOUR_MS
  if (!hours || now - hourOf(now) < REPORTED_MS) return null
  const last = sums(hours, count, hour, hour)
  return [...sums(hours, count, hour - DAY_MS, hour - DAY_MS)].flatMap(
    ([subject, before]): AlertCondition[] => {
      const after = last.get(subject) ?? 0
      if (before < DROP.least || after * 100 > before * DROP.percent) return []
      const figure = `${after} ${words} in an hour, and ${before} a day earlier`
      return [{ subject, severity: 'warning', figure, link: linkTo(subject) }]
    },
  )
}

/** The sum of one count by site, over the hours that begin from `from` to `to`. */
function sums<Count extends string>(
  hours: readonly SiteHourFact<Count>[],
  count: Count,
  from: number,
  to: number,
): Map<string, number> {
  const bySite = new Map<string, number>()
  for (const hour of hours) {
    if (hour.at < from || hour.at > to) continue
    bySite.set(hour.site, (bySite.get(hour.site) ?? 0) + hour[count])
  }
  return bySite
}

function hourOf(moment: number): number {
  return Math.floor(moment / HOUR_MS) * HOUR_MS
}

function linkTo(site: string): string {
  return `${API}/figures?by=site&interval=hour&site=${encodeURIComponent(site)}`
}
