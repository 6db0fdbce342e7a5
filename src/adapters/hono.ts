/** The gate as Hono middleware: the handlers behind it are the content. */
import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Content, Gate } from '../paywall/gate.ts'

/** `gateOf` answers the gate of an environment, or the response to give in its place. */
export function middleware<Bindings extends object>(
  gateOf: (env: Bindings) => Gate | Response,
): MiddlewareHandler<{ Bindings: Bindings }> {
  return async (context, next) => {
    const gate = gateOf(context.env)
    if (gate instanceof Response) return gate
    const handlers = handlersOf(context, next)
    const answer = await gate(context.req.raw, handlers)
    handlers.answered = answer
    put(context, answer)
    return undefined
  }
}

/** `answered`: the gate's response. Once it is set, handlers still under way cannot change the response. */
function handlersOf(context: Context, next: Next): Content & { answered?: Response } {
  const run = async () => {
    await next()
    if (handlers.answered === undefined) return context.res
    // Trap: a handler that throws writes over a response that is on its way out.
    if (context.error) put(context, handlers.answered)
    throw new Error('the gate has already answered')
  }
  const handlers: Content & { answered?: Response } = {
    pass: (request) => {
      context.req.raw = request
      return run()
    },
    buy: (request, _path, body) => {
      // The gate has read the body, since the payment is bound to it.
      if (body) context.req.raw = new Request(request, { body })
      return run()
    },
  }
  return handlers
}

/** Trap: assigning over a response merges its headers into the new one, its `Cache-Control` among them. */
function put(context: Context, answer: Response): void {
  context.res = undefined
  context.res = answer
}
