/** The package's entry: the paywall as middleware, the scheduled handler, the operator's API, and the Durable Object classes. */

import type { MiddlewareHandler } from 'hono'
import { middleware } from './adapters/hono.ts'
import { raise } from './app/alerts.ts'
import type { Bindings } from './app/bindings.ts'
import { operatorOf } from './app/operator.ts'
import { isOperatorHost } from './app/operator-host.ts'
import { refresh } from './app/refresh.ts'
import { siteOf } from './app/site.ts'
import { billingOf, workOf } from './app/work.ts'
import type { Terms } from './config/terms.ts'
import { log } from './platform/log.ts'
import { NIGHTLY, onCron, WATCH } from './settlement/schedule.ts'
import { json } from './terms/asked.ts'
import { listedApi, type OpenApi, withPayments } from './terms/openapi.ts'
import { acceptsOf } from './terms/x402.ts'

/** The bindings of wrangler.toml that the paywall uses. */
export type { Bindings } from './app/bindings.ts'
export * from './app/objects.ts'
/** The terms of {@link paywall}, and the rules in them. */
export type { ChargeRule, ClientSelector, FreeRule, PolicyRule, Terms } from './config/terms.ts'
/** An OpenAPI document, as {@link describeApi} takes it. */
export type { OpenApi } from './terms/openapi.ts'

/**
 * Hono middleware that charges crawlers for the handlers behind it.
 *
 * Reads the policy from the vars in docs/policy.md, with `ORIGIN = "self"`. `terms` replace vars of the same name, for this
 * use only. Keep the vars complete: the nightly run reads them too.
 * @example
 * app.use(paywall({ PRICE: '0.002' }))
 */
export function paywall(terms?: Terms): MiddlewareHandler<{ Bindings: Bindings }> {
  return middleware<Bindings>((env) => {
    const site = siteOf(env, terms)
    return site instanceof Response ? site : site.gate
  })
}

/**
 * Answers with the OpenAPI document of a paid API, where robots look for prices: what each operation costs and the offers of
 * its 402. An operation whose price depends on more than its path gets none. Without a document it lists the addresses that
 * rules name. Route it before the paywall, so that it is free. `terms` as in {@link paywall}.
 * @example
 * app.get('/openapi.json', (c) => describeApi(c.req.raw, c.env, { document, terms }))
 */
export function describeApi(
  request: Request,
  env: Bindings,
  { document, terms }: { document?: OpenApi; terms?: Terms } = {},
): Response {
  const site = siteOf(env, terms)
  if (site instanceof Response) return site
  const { policy } = site.config
  const { origin } = new URL(request.url)
  const accepts = acceptsOf(site.terms)
  return json(
    { request },
    withPayments(document ?? listedApi(policy, origin, accepts), policy, origin, accepts),
  )
}

/**
 * The Worker's `scheduled` handler: starts the nightly run or the withdrawal watch, and fetches the published lists and
 * the sitemaps that are due.
 * @throws if the cron is neither of the two, or the config is invalid
 * @example
 * export default { fetch: app.fetch, scheduled }
 */
export async function scheduled(controller: ScheduledController, env: Bindings): Promise<void> {
  const lists = refresh(controller, env)
  try {
    const work = workOf(env)
    if (work) await onCron(controller, env.SETTLEMENT, work)
  } finally {
    // Runs find their alerts themselves, at their end.
    await Promise.all([lists, tendBook(env, controller.cron), controller.cron === WATCH && raise(env)])
  }
}

/** Sums the figures of hours that are over, and at night joins old hours. Never rejects: charts are slower without it. */
async function tendBook({ BOOK }: Bindings, cron: string): Promise<void> {
  if (!BOOK) return
  try {
    const [{ sumNames }, { tendFigures }] = await Promise.all([
      import('./ledger/book/figure-names.ts'),
      import('./ledger/book/old-figures.ts'),
    ])
    await sumNames(BOOK, Date.now())
    if (cron === NIGHTLY) await tendFigures(BOOK, Date.now())
  } catch (fault) {
    log('old_figures_not_joined', { fault })
  }
}

/** The longest URL that Cloudflare accepts, in characters. A longer one is answered 414. */
const MAX_URL_CHARS = 16_384

const apis = new WeakMap<Bindings, Fetches>()
type Fetches = { fetch(request: Request): Response | Promise<Response> }

/**
 * Answers every request below `/_tab402`: the operator's API, a crawler's own account, and the payer portal.
 *
 * With a registry of sites all of it lives on the host of PUBLIC_URL alone; every other host answers 404.
 * Each loads at its first request, so page requests never wait for it.
 * @example
 * app.all('/_tab402/*', (c) => operate(c.req.raw, c.env))
 */
export async function operate(request: Request, env: Bindings): Promise<Response> {
  // Threat: the router throws for each malformed escape, and only Cloudflare bounds a URL for us.
  if (request.url.length > MAX_URL_CHARS) return new Response(null, { status: 414 })
  if (!isOperatorHost(request, env)) return new Response(null, { status: 404 })
  const billing = billingOf(env)
  if (billing && !/^\/_tab402\/(?:api|me|healthz)(?:\/|$)/.test(new URL(request.url).pathname)) {
    const [{ payerPortal }, { failed }] = await Promise.all([
      import('./portal/invoices.ts'),
      import('./operator/response.ts'),
    ])
    const settings = await billing().catch(failed)
    return settings instanceof Response ? settings : payerPortal(settings).fetch(request)
  }
  const { accountApi } = await import('./app/api.ts')
  const api = apis.get(env) ?? accountApi(operatorOf(env), Date.now)
  apis.set(env, api)
  return api.fetch(request)
}
