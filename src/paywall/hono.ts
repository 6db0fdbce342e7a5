/** The gate as Hono middleware: the handlers behind it are the content. */
import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Content, Gate } from './gate.ts'

/** `gateOf` answers the gate of an environment, or the response to give in its place. */
export function middleware<Bindings extends object>(
  gateOf: (env: Bindings) => Gate | Response,
): MiddlewareHandler<{ Bindings: Bindings }> {
  return async (context, next) => {
    const gate = gateOf(context.env)
    if (gate instanceof Response) return gate
    const answer = await gate(context.req.raw, handlersOf(context, next))
    // Trap: assigning over a response merges its headers into the new one, its `Cache-Control` among them.
    context.res = undefined
    context.res = answer
    return undefined
  }
}

function handlersOf(context: Context, next: Next): Content {
  const run = async () => {
    await next()
    return context.res
  }
  return {
    pass: run,
    buy: (request, _path, body) => {
      // The gate has read the body, since the payment is bound to it.
      if (body) context.req.raw = new Request(request, { body })
      return run()
    },
  }
}
