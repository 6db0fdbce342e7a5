/** The operator's API. JSON, amounts as decimal strings in atomic units. */

import { bodyLimit } from 'hono/body-limit'
import { Hono } from 'hono/tiny'
import { accountRoutes } from './accounts.ts'
import { agentRoutes } from './agents.ts'
import { alertRoutes } from './alerts.ts'
import { auditRoutes } from './audit.ts'
import { bookRoutes } from './book.ts'
import { doctorRoutes } from './doctor.ts'
import { explainRoutes } from './explain.ts'
import { exportRoutes } from './export.ts'
import { figureRoutes } from './figures.ts'
import { invoiceRoutes } from './invoices.ts'
import { metricRoutes } from './metrics.ts'
import { publisherRoutes } from './publishers.ts'
import { relayerRoutes } from './relayer.ts'
import { MAX_BODY_BYTES, MAX_DOCUMENT_BYTES } from './requests.ts'
import { jsonResponse, notFound, problem } from './response.ts'
import { runRoutes } from './runs.ts'
import { screenedRoutes, screeningRoutes } from './screening.ts'
import type { OperatorSettings } from './settings.ts'
import { shadowRoutes } from './shadow.ts'
import { siteRoutes } from './sites.ts'
import { statementRoutes } from './statements.ts'
import { hasToken } from './token.ts'

/** The operator's routes, for the bearer of the token with this SHA-256 (64 hex digits). `now` in Unix milliseconds. */
export function operatorRoutes(settings: OperatorSettings, tokenSha256: string, now: () => number): Hono {
  // The audit log names the token by eight digits of its hash. They change with the token and grant no access.
  const who = `token ${tokenSha256.slice(0, 8)}`
  const app = new Hono()
  app.use('/*', async (c, next) => {
    if (await hasToken(c.req.header('authorization'), tokenSha256)) return next()
    const answer = problem('unauthorized')
    answer.headers.set('www-authenticate', 'Bearer')
    return answer
  })
  app.post('/sign-in-codes', () => codeFor(settings, who))
  app.route('/', routesFor(settings, who, now))
  return app
}

/**
 * Threat: a code opens a session with all rights. So this route stands at the door of the operator's token, and neither a
 * session of the console nor a weaker credential reaches it: each code costs what signing in costs already.
 */
async function codeFor({ makeCode, audit }: OperatorSettings, who: string): Promise<Response> {
  if (!makeCode) return notFound()
  const made = await makeCode()
  await audit?.note({ who, what: 'session.code', subject: who, before: null, after: null })
  return jsonResponse(made, 201)
}

/** The operator's routes for a principal that is known already. `who` names it in the audit log. `now` in Unix milliseconds. */
export function routesFor(settings: OperatorSettings, who: string, now: () => number): Hono {
  const { credit, audit, alerts, sites } = settings
  const app = new Hono()
  const most = (maxSize: number) => bodyLimit({ maxSize, onError: () => problem('too_large') })
  const [ofForms, ofDocuments] = [most(MAX_BODY_BYTES), most(MAX_DOCUMENT_BYTES)]
  app.use('/*', (c, next) => (/(?:^|\/api)\/sites(?:\/|$)/.test(c.req.path) ? ofDocuments : ofForms)(c, next))
  app.route('/runs', runRoutes(settings, now, who))
  app.route('/shadow', shadowRoutes(settings, now))
  app.route('/figures', figureRoutes(settings, now))
  if (alerts) {
    app.route('/alerts', alertRoutes(settings, alerts, now, who))
    app.route('/metrics', metricRoutes(alerts, now))
    app.route('/doctor', doctorRoutes(settings, alerts, now))
  }
  app.route('/accounts', accountRoutes(settings, who))
  app.route('/accounts', screenedRoutes(settings, who))
  app.route('/screening', screeningRoutes(settings))
  app.route('/book', bookRoutes(settings, now, who))
  app.route('/relayer', relayerRoutes(settings, who))
  app.route('/explain', explainRoutes(settings, now))
  app.route('/export', exportRoutes(settings))
  if (audit) app.route('/audit', auditRoutes(audit))
  if (sites) {
    app.route('/sites', siteRoutes(sites, who))
    app.route('/publishers', publisherRoutes(sites, who))
  }
  if (!credit) return app
  app.route('/agents', agentRoutes(settings, credit, who))
  app.route('/statements', statementRoutes(settings, credit))
  app.route('/invoices', invoiceRoutes({ settings, credit, now, who }))
  return app
}
