/** The operator's API and the crawlers' own pages. JSON, amounts as decimal strings in atomic units. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { meRoutes } from '../portal/me.ts'
import { accountRoutes } from './accounts.ts'
import { agentRoutes } from './agents.ts'
import { auditRoutes } from './audit.ts'
import { exportRoutes } from './export.ts'
import { invoiceRoutes } from './invoices.ts'
import { LARGEST_BODY } from './requests.ts'
import { failed, no, notFound, write } from './response.ts'
import { runRoutes } from './runs.ts'
import type { OperatorSettings } from './settings.ts'
import { statementRoutes } from './statements.ts'
import { bears } from './token.ts'

/** Where the API is mounted. Everything else below `/_tab402` is not found. */
export const OPERATOR_PATH = '/_tab402'

/** The API below {@link OPERATOR_PATH}, for one set of settings. `now` in Unix milliseconds. */
export function operatorApi(settings: OperatorSettings, now: () => number): Hono {
  const { tokenSha256, credit } = settings
  const api = new Hono().basePath(OPERATOR_PATH)
  api.use('*', async (c, next) => {
    await next()
    c.res.headers.set('cache-control', 'no-store')
    c.res.headers.set('x-content-type-options', 'nosniff')
  })
  if (credit) api.route('/me', meRoutes(settings, credit, now))
  if (tokenSha256) {
    api.get('/api/openapi.json', async () => write((await import('./openapi.ts')).openApi))
    api.route('/api', operatorRoutes(settings, tokenSha256, now))
  }
  api.onError(failed)
  api.notFound(notFound)
  return api
}

function operatorRoutes(settings: OperatorSettings, tokenSha256: string, now: () => number): Hono {
  const { credit } = settings
  // There is one token. What names it in the audit log changes with it, and opens nothing.
  const who = `token ${tokenSha256.slice(0, 8)}`
  const app = new Hono()
  app.use('/*', async (c, next) => {
    if (await bears(c.req.header('authorization'), tokenSha256)) return next()
    const answer = no(401, 'unauthorized')
    answer.headers.set('www-authenticate', 'Bearer')
    return answer
  })
  app.use('/*', bodyLimit({ maxSize: LARGEST_BODY, onError: () => no(413, 'too_large') }))
  app.route('/runs', runRoutes(settings, now, who))
  app.route('/accounts', accountRoutes(settings))
  app.route('/export', exportRoutes(settings))
  if (!credit) return app
  app.route('/agents', agentRoutes(settings, credit, who))
  app.route('/statements', statementRoutes(settings, credit))
  app.route('/invoices', invoiceRoutes({ settings, credit, now, who }))
  app.route('/audit', auditRoutes(credit))
  return app
}
