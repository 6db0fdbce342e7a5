/** The alerts over HTTP: lists open and recent ones, mutes one, and tests the webhooks. */
import { Hono } from 'hono/tiny'
import type { Alert, AlertState } from '../alerts/alert.ts'
import { muteAlert } from '../alerts/fold.ts'
import type { AlertSettings } from '../alerts/settings.ts'
import { changeAlerts, readAlerts } from '../alerts/store.ts'
import { HOUR_MS } from '../platform/time.ts'
import { act } from './audit.ts'
import { formOf, muting } from './requests.ts'
import { jsonResponse, notFound } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import type { OperatorSettings } from './settings.ts'

/** Routes below `/api/alerts`. `now` in Unix milliseconds. */
export function alertRoutes(
  { audit }: OperatorSettings,
  settings: AlertSettings,
  now: () => number,
): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('runs.read'), async () => {
    const state = await readAlerts(settings.book)
    const { alerts, webhooks, lastAt } = state
    return jsonResponse({ alerts: alerts.map((alert) => viewOf(state, alert)), webhooks, lastAt })
  })
  app.post('/test', needs('runs.write'), async (c) => {
    const { testAlerts } = await import('../alerts/raise.ts')
    const test = async () => ({ after: await testAlerts(settings, now()) })
    const asked = { who: actorOf(c), what: 'alert.test', subject: 'test', before: null, asked: {} }
    const { after } = await act(audit, asked, test)
    return jsonResponse(after)
  })
  app.post('/:id/mute', needs('runs.write'), async (c) => {
    const form = await formOf(c, muting)
    if (form instanceof Response) return form
    const id = c.req.param('id')
    const mutedUntil = form.hours === 0 ? null : now() + form.hours * HOUR_MS
    const before = openAlert(await readAlerts(settings.book), id)
    if (!before) return notFound()
    const change = async () => ({ after: await muted(settings.book, before, mutedUntil) })
    const asked = { who: actorOf(c), what: 'alert.mute', subject: id, before, asked: { mutedUntil } }
    const { after } = await act(audit, asked, change)
    return jsonResponse(after)
  })
  return app
}

function openAlert(state: AlertState, id: string) {
  const alert = state.alerts.find((one) => one.id === id && one.resolved === null)
  return alert && viewOf(state, alert)
}

/** An alert that was resolved meanwhile stays as it was. */
async function muted(book: D1Database, before: ReturnType<typeof viewOf>, until: number | null) {
  const after = await changeAlerts(book, (state) => {
    const changed = muteAlert(state, before.id, until)
    return changed && { state: changed, value: openAlert(changed, before.id) }
  })
  return after ?? before
}

/** An alert, and its messages that a webhook has not accepted yet. */
function viewOf({ outbox }: AlertState, { seen: _, ...alert }: Alert) {
  const waiting = outbox
    .filter(({ event }) => event.alert === alert.id)
    .map(({ event: { id, type }, webhook, attempts, dueAt }) => ({ id, type, webhook, attempts, dueAt }))
  return { ...alert, waiting }
}
