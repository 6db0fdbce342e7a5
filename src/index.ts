/** What a Worker of one's own imports: the paywall as middleware, what the clock starts, and the classes to export beside it. */
import type { MiddlewareHandler } from 'hono'
import { middleware } from './adapters/hono.ts'
import type { Bindings } from './app/bindings.ts'
import { operatorOf } from './app/operator.ts'
import { siteOf } from './app/site.ts'
import { billingOf, workOf } from './app/work.ts'
import type { Terms } from './config/terms.ts'
import { onCron } from './settlement/schedule.ts'

export type { Bindings } from './app/bindings.ts'
export * from './app/objects.ts'
export type { ChargeRule, ClientSelector, FreeRule, PolicyRule, Terms } from './config/terms.ts'

/**
 * Charges for what stands behind it: `app.use(paywall())`.
 *
 * The policy is read from the vars that docs/policy.md lists, with `ORIGIN = "self"`. They stay complete, since the settlement
 * reads them too; `terms` take the place of some of them for this use alone.
 */
export function paywall(terms?: Terms): MiddlewareHandler<{ Bindings: Bindings }> {
  return middleware<Bindings>((env) => {
    const site = siteOf(env, terms)
    return site instanceof Response ? site : site.gate
  })
}

/** The Worker's `scheduled` handler: the nightly settlement run and the watch. @throws for a cron it does not know */
export async function scheduled(controller: ScheduledController, env: Bindings): Promise<void> {
  const work = workOf(env)
  if (work) await onCron(controller, env.SETTLEMENT, work)
}

const apis = new WeakMap<Bindings, Fetches>()
type Fetches = { fetch(request: Request): Response | Promise<Response> }

/**
 * Answers every request below `/_tab402`: the operator's API, a crawler's own account, and the payer portal.
 *
 * Each is loaded at its first request, so pages for readers never wait for it.
 */
export async function operate(request: Request, env: Bindings): Promise<Response> {
  const billing = billingOf(env)
  if (billing && !/^\/_tab402\/(?:api|me)(?:\/|$)/.test(new URL(request.url).pathname)) {
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
