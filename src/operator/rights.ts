/** The principal of a request, and the right that each route needs. A route that names none is answered 404. */
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { isFresh, may, type Principal, type Right } from '../people/principal.ts'
import { notFound, problem } from './response.ts'

/** The variables of every route: the principal that asks. `begunAt`: when a request under a key was first begun (Unix ms). */
export type OperatorEnv = { Variables: { principal: Principal; begunAt?: number } }

/** The right that a route needs. `isFresh`: the principal must have shown its token or passkey in the last minutes. */
export type RouteNeed = { right: Right; isFresh: boolean }

const NEEDS = new WeakMap<object, RouteNeed>()

/** States the right that a route needs, before its handler: `app.get('/', needs('runs.read'), …)`. */
export function needs(right: Right, { fresh = false } = {}): MiddlewareHandler {
  const handler: MiddlewareHandler = (_, next) => next()
  NEEDS.set(handler, { right, isFresh: fresh })
  return handler
}

/** The need that a handler of a route states, for the tests that walk all routes. */
export function needOf(handler: object): RouteNeed | undefined {
  return NEEDS.get(handler)
}

/** Lets a request through to a route that its principal has the right for. `now` in Unix milliseconds. */
export function onlyWithRight(now: () => number): MiddlewareHandler<OperatorEnv> {
  return async (c, next) => {
    const need = matchedRoutes(c)
      .map(({ handler }) => NEEDS.get(handler))
      .find((one) => one !== undefined)
    if (!need) return notFound()
    const { principal } = c.var
    if (!may(principal, need.right)) return problem('forbidden', { right: need.right })
    if (need.isFresh && !isFresh(principal, now())) return problem('proof_required')
    return next()
  }
}

/** The name of the principal in the audit log, with the API token that it used. */
export function actorOf({ var: { principal } }: Context<OperatorEnv>): string {
  const { id, via } = principal
  return via === undefined ? id : `${id} by ${via}`
}
