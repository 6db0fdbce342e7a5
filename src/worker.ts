/** The Worker: what answers requests, what the clock starts, and the classes the runtime needs. */
import { type Bindings, siteOf } from './site.ts'

export * from './objects.ts'

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/cdn-cgi/') || pathname.startsWith('/__scheduled')) {
      return new Response(null, { status: 404 })
    }
    const site = siteOf(env)
    return site instanceof Response ? site : site.gate(request, site.origin)
  },
} satisfies ExportedHandler<Bindings>
