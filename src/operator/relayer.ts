/** The relayer over HTTP: the state of its key's nonces, and their repair. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { act } from './audit.ts'
import { jsonResponse, notFound } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import type { OperatorSettings } from './settings.ts'

/** Routes below `/api/relayer`. */
export function relayerRoutes({ networks, audit }: OperatorSettings): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  /** The network that the query names, or the first one. */
  const asked = (c: Context) => {
    const named = c.req.query('network')
    return networks.find(({ id }) => named === undefined || id === named)
  }
  app.get('/', needs('runs.read'), async (c) => {
    const { id: network, relayer } = asked(c) ?? {}
    return relayer ? jsonResponse({ network, ...(await relayer.state()) }) : notFound()
  })
  app.post('/repair', needs('runs.write'), async (c) => {
    const { id: network, relayer } = asked(c) ?? {}
    if (!relayer) return notFound()
    const before = await relayer.state()
    const repair = async () => ({ after: await relayer.repair() })
    const subject = before.address
    const order = { who: actorOf(c), what: 'relayer.repair', subject, before, asked: { network } }
    const { after } = await act(audit, order, repair)
    return jsonResponse({ network, ...after })
  })
  return app
}
