/** The Worker: a proxy in front of an origin, charging crawlers. */
import { operate, scheduled } from './index.ts'
import { type Bindings, siteOf } from './site.ts'

export * from './objects.ts'

/** Few requests name these, so that few are parsed to see where. */
const RESERVED = /\/(?:_tab402|cdn-cgi|__scheduled)/

export default {
  async fetch(request, env) {
    if (RESERVED.test(request.url)) {
      const { pathname = '' } = URL.parse(request.url) ?? {}
      // Where a platform or a local stack may listen, nothing is served and nothing is passed on.
      if (/^\/(?:cdn-cgi|__scheduled)(?:\/|$)/.test(pathname)) return new Response(null, { status: 404 })
      if (/^\/_tab402(?:\/|$)/.test(pathname)) return operate(request, env)
    }
    const site = siteOf(env)
    return site instanceof Response ? site : site.gate(request, site.origin)
  },

  scheduled,
} satisfies ExportedHandler<Bindings>
