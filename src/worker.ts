/** The Worker: what answers requests, what the clock starts, and the classes the runtime needs. */
import { onCron } from './settlement/schedule.ts'
import { type Bindings, operatorOf, settlementOf, siteOf } from './site.ts'

export * from './objects.ts'

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/cdn-cgi/') || pathname.startsWith('/__scheduled')) {
      return new Response(null, { status: 404 })
    }
    if (pathname === '/_tab402' || pathname.startsWith('/_tab402/')) return operate(request, env)
    const site = siteOf(env)
    return site instanceof Response ? site : site.gate(request, site.origin)
  },

  async scheduled(controller, env) {
    const settings = settlementOf(env)
    if (settings) await onCron(controller, env.SETTLEMENT, settings)
  },
} satisfies ExportedHandler<Bindings>

/** The operator's API. It is loaded when it is called: no reader waits for it. */
async function operate(request: Request, env: Bindings): Promise<Response> {
  const { operatorApi } = await import('./operator/api.ts')
  return operatorApi(operatorOf(env), Date.now).fetch(request)
}
