/** Requests that are done once: the header Idempotency-Key on any change, and the outcome under a key. */
import type { MiddlewareHandler } from 'hono'
import { Hono } from 'hono/tiny'
import type { ActKeys, KeyedAct } from '../ledger/act.ts'
import { sha256Hex } from '../platform/digest.ts'
import { jsonResponse, notFound, problem } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'

const KEY = /^[!-~]{16,100}$/

/**
 * Answers a second request under the same key as the first one was answered. While the outcome of a request is unknown:
 * within a minute the second one is refused, and later it is done with the time of the first.
 */
export function onceByKey(keys: ActKeys): MiddlewareHandler<OperatorEnv> {
  return async (c, next) => {
    const key = c.req.header('idempotency-key')
    if (c.req.method === 'GET' || key === undefined) return next()
    if (!KEY.test(key)) return problem('key_invalid')
    const { pathname: path } = new URL(c.req.url)
    const request = await sha256Hex(`${c.req.method} ${path} ${await c.req.text()}`)
    const act: KeyedAct = { who: actorOf(c), key, request }
    const begun = await keys.begin(act)
    if (begun.outcome === 'running') return problem('key_running')
    if (begun.outcome === 'other') return problem('key_used')
    if (begun.outcome === 'done') return answered(begun)
    c.set('begunAt', begun.at)
    await next()
    const { status } = c.res
    // Above 499 the outcome is unknown, so the key stays without an answer.
    if (status < 500) await keys.end(act, { status, body: await c.res.clone().text(), path })
  }
}

function answered({ status, body }: { status: number; body: string }): Response {
  const type = status < 300 ? 'application/json' : 'application/problem+json'
  return new Response(body, { status, headers: { 'content-type': type } })
}

/** Routes below `/api/acts`: how a request of the principal stands, by its key. */
export function keyRoutes(keys: ActKeys): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  // Every role has this right, and a principal sees its own keys alone.
  app.get('/:key', needs('figures.read'), async (c) => {
    const state = await keys.keyed(actorOf(c), c.req.param('key'))
    return state ? jsonResponse(state) : notFound()
  })
  return app
}
