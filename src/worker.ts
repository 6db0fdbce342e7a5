/** The Worker: a proxy in front of an origin, charging crawlers. */

import type { Bindings } from './app/bindings.ts'
import type { Site } from './app/site.ts'
import { siteFor } from './app/sites.ts'
import { operate, scheduled } from './index.ts'
import { everyReading } from './paywall/path.ts'

// By name: wrangler types finds no class behind a star.
export {
  Account,
  Agents,
  Audit,
  Authorizations,
  CreditLine,
  Directory,
  Numbers,
  People,
  Quota,
  Relayer,
  Settlement,
  Sites,
} from './app/objects.ts'
export { OperatorApi } from './app/operator-api.ts'

/** Fast path: only URLs that may name a reserved path are parsed. */
const SUSPECT = /\/(?:_tab402|cdn-cgi|__scheduled)|^[^?]*%/
const OURS = /^\/_tab402(?:\/|$)/
const RESERVED = /^\/(?:_tab402|cdn-cgi|__scheduled)(?:\/|$)/

export default {
  fetch(request, env) {
    if (SUSPECT.test(request.url)) {
      const { pathname = '' } = URL.parse(request.url) ?? {}
      if (OURS.test(pathname)) return operate(request, env)
      // Threat: the platform or a local stack may listen at reserved paths. Answer 404 to every spelling of them.
      const readings = everyReading(request.url) ?? [{ match: pathname }]
      if (readings.some(({ match }) => RESERVED.test(match))) return new Response(null, { status: 404 })
    }
    const site = siteFor(request, env)
    return site instanceof Promise ? site.then((found) => answer(request, found)) : answer(request, site)
  },

  scheduled,
} satisfies ExportedHandler<Bindings>

function answer(request: Request, site: Site | Response): Promise<Response> | Response {
  return site instanceof Response ? site : site.gate(request, site.origin)
}
