/** What a Worker of one's own imports: the paywall as middleware, and the classes to export beside it. */
import type { MiddlewareHandler } from 'hono'
import { middleware } from './paywall/hono.ts'
import { type Bindings, siteOf } from './site.ts'

export * from './objects.ts'
export type { Bindings } from './site.ts'

/**
 * Charges for what stands behind it: `app.use(paywall())`.
 *
 * The policy is read from the vars that docs/policy.md lists, with `ORIGIN = "self"`; `terms` take the place of PRICE, SCHEMES,
 * RULES, SITEMAP, NAME and DESCRIPTION for this use. RECEIVER and NETWORK stay in the vars, where the settlement reads them too.
 */
export function paywall(terms?: Terms): MiddlewareHandler<{ Bindings: Bindings }> {
  return middleware<Bindings>((env) => {
    const site = siteOf(env, terms)
    return site instanceof Response ? site : site.gate
  })
}

/** Vars that one use of the middleware may state in code. */
export type Terms = Partial<
  Record<'PRICE' | 'SCHEMES' | 'RULES' | 'SITEMAP' | 'NAME' | 'DESCRIPTION', unknown>
>
