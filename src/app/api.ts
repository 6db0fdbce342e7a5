/** The JSON API below `/_tab402`: the operator's routes, the routes where a crawler reads its own account, and the health. */
import { Hono } from 'hono/tiny'
import { operatorRoutes } from '../operator/api.ts'
import { healthRoute } from '../operator/health.ts'
import { failed, jsonResponse, notFound } from '../operator/response.ts'
import type { OperatorSettings } from '../operator/settings.ts'
import { meRoutes } from '../portal/me.ts'

/** Answers every request below `/_tab402/api`, `/_tab402/me` and `/_tab402/healthz`, and 404 elsewhere. `now` in Unix milliseconds. */
export function accountApi(settings: OperatorSettings, now: () => number): Hono {
  const { tokenSha256, alerts, credit } = settings
  const api = new Hono().basePath('/_tab402')
  api.use('*', async (c, next) => {
    await next()
    c.res.headers.set('cache-control', 'no-store')
    c.res.headers.set('x-content-type-options', 'nosniff')
  })
  if (alerts) api.route('/healthz', healthRoute(alerts, now))
  if (credit) api.route('/me', meRoutes(settings, credit, now))
  if (tokenSha256) {
    api.get('/api/openapi.json', async () => jsonResponse((await import('../operator/openapi.ts')).openApi))
    api.route('/api', operatorRoutes(settings, tokenSha256, now))
  }
  api.onError(failed)
  api.notFound(notFound)
  return api
}
