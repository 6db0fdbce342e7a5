/** The operator's API. JSON, amounts as decimal strings in atomic units. */

import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { Hono } from 'hono/tiny'
import type { Principal } from '../people/principal.ts'
import { accountRoutes } from './accounts.ts'
import { keyRoutes, onceByKey } from './act-keys.ts'
import { agentRoutes } from './agents.ts'
import { alertRoutes } from './alerts.ts'
import { auditRoutes, notedExports } from './audit.ts'
import { type Bearer, bearers } from './bearer.ts'
import { bookRoutes } from './book.ts'
import { doctorRoutes } from './doctor.ts'
import { explainRoutes } from './explain.ts'
import { exportRoutes } from './export.ts'
import { figureRoutes } from './figures.ts'
import { invoiceRoutes } from './invoices.ts'
import { metricRoutes } from './metrics.ts'
import { peopleRoutes, tokenRoutes } from './people.ts'
import { publisherRoutes } from './publishers.ts'
import { relayerRoutes } from './relayer.ts'
import { MAX_BODY_BYTES, MAX_DOCUMENT_BYTES } from './requests.ts'
import { jsonResponse, problem } from './response.ts'
import { needs, type OperatorEnv, onlyWithRight } from './rights.ts'
import { runRoutes } from './runs.ts'
import { screenedRoutes, screeningRoutes } from './screening.ts'
import type { OperatorSettings } from './settings.ts'
import { shadowRoutes } from './shadow.ts'
import { trialRoutes } from './site-trials.ts'
import { siteRoutes } from './sites.ts'
import { statementRoutes } from './statements.ts'
import { totalRoutes } from './totals.ts'

/**
 * The operator's routes, for bearers: the one of the token with this SHA-256 (64 hex digits) is the owner, and others have API
 * tokens. `now` in Unix milliseconds.
 */
export function operatorRoutes(
  settings: OperatorSettings,
  tokenSha256: string,
  now: () => number,
): Hono<OperatorEnv> {
  const bearerOf = bearers(settings.people, tokenSha256, now)
  const app = routes(settings, now, (c) => bearerOf(c.req.header('authorization')))
  const { people } = settings
  // Threat: a code opens a session with all rights of its maker. So only bearers reach this route: a stolen session makes no other.
  // It asks for a fresh proof, which an API token cannot give. A code then costs what signing in costs already.
  if (people)
    app.post('/sign-in-codes', needs('people.write', { fresh: true }), async (c) =>
      jsonResponse(await people.makeCode(c.var.principal), 201),
    )
  return app
}

/** The operator's routes for a principal that is known already. `now` in Unix milliseconds. */
export function routesFor(
  settings: OperatorSettings,
  principal: Principal,
  now: () => number,
): Hono<OperatorEnv> {
  return routes(settings, now, async () => principal)
}

/** All routes. `principalOf` finds who asks; null is answered 401 before anything else is read. */
function routes(
  settings: OperatorSettings,
  now: () => number,
  principalOf: (c: Context) => Promise<Bearer>,
): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.use('/*', async (c, next) => {
    const principal = await principalOf(c)
    if (principal === 'unavailable') return busy()
    if (principal) {
      c.set('principal', principal)
      return next()
    }
    const answer = problem('unauthorized')
    answer.headers.set('www-authenticate', 'Bearer')
    return answer
  })
  app.use('/*', onlyWithRight(now))
  if (settings.audit) app.use('/*', notedExports(settings.audit))
  const most = (maxSize: number) => bodyLimit({ maxSize, onError: () => problem('too_large') })
  const [ofForms, ofDocuments] = [most(MAX_BODY_BYTES), most(MAX_DOCUMENT_BYTES)]
  app.use('/*', (c, next) => (/(?:^|\/api)\/sites(?:\/|$)/.test(c.req.path) ? ofDocuments : ofForms)(c, next))
  if (settings.keys) app.use('/*', onceByKey(settings.keys))
  addRoutes(app, settings, now)
  return app
}

/** Strangers have sent too many unknown tokens: whether this one is known stays open. */
function busy(): Response {
  const answer = problem('unavailable')
  answer.headers.set('retry-after', '60')
  return answer
}

function addRoutes(app: Hono<OperatorEnv>, settings: OperatorSettings, now: () => number): void {
  const { credit, audit, keys, alerts, sites, people } = settings
  app.route('/runs', runRoutes(settings, now))
  app.route('/totals', totalRoutes(settings, now))
  app.route('/shadow', shadowRoutes(settings, now))
  app.route('/figures', figureRoutes(settings, now))
  if (alerts) {
    app.route('/alerts', alertRoutes(settings, alerts, now))
    app.route('/metrics', metricRoutes(alerts, now))
    app.route('/doctor', doctorRoutes(settings, alerts, now))
  }
  app.route('/accounts', accountRoutes(settings))
  app.route('/accounts', screenedRoutes(settings))
  app.route('/screening', screeningRoutes(settings))
  app.route('/book', bookRoutes(settings, now))
  app.route('/relayer', relayerRoutes(settings))
  app.route('/explain', explainRoutes(settings, now))
  app.route('/export', exportRoutes(settings))
  if (audit) app.route('/audit', auditRoutes(audit))
  if (keys) app.route('/acts', keyRoutes(keys))
  if (sites) {
    app.route('/sites', siteRoutes(sites, now))
    app.route('/sites', trialRoutes(settings, sites, now))
    app.route('/publishers', publisherRoutes(sites, now))
  }
  if (people) {
    app.route('/people', peopleRoutes(people, sites))
    app.route('/tokens', tokenRoutes(people))
  }
  if (!credit) return
  app.route('/agents', agentRoutes(settings, credit))
  app.route('/statements', statementRoutes(settings, credit))
  app.route('/invoices', invoiceRoutes({ settings, credit, now }))
}
