/** The paywall as a library in front of its own handler: a paid request without an origin. */
import type { Bindings } from '../../src/app/bindings.ts'
import { siteOf } from '../../src/app/site.ts'

export * from '../../src/app/objects.ts'

const TERMS = { ORIGIN: 'self' }
const serve = async () => new Response('An article.\n')
const content = { pass: serve, buy: serve }

export default {
  async fetch(request, env) {
    const site = siteOf(env, TERMS)
    return site instanceof Response ? site : site.gate(request, content)
  },
} satisfies ExportedHandler<Bindings>
