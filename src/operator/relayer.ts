/** The relayer over HTTP: the state of its key's nonces, and their repair. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { act } from './audit.ts'
import { jsonResponse, notFound } from './response.ts'
import type { OperatorSettings } from './settings.ts'

/** Routes below `/api/relayer`. `who` names the operator in the audit log. */
export function relayerRoutes({ networks, audit }: OperatorSettings, who: string): Hono {
  const app = new Hono()
  /** The network that the query names, or the first one. */
  const asked = (c: Context) => {
    const named = c.req.query('network')
    return networks.find(({ id }) => named === undefined || id === named)
  }
  app.get('/', async (c) => {
    const { id: network, relayer } = asked(c) ?? {}
    return relayer ? jsonResponse({ network, ...(await relayer.state()) }) : notFound()
  })
  app.post('/repair', async (c) => {
    const { id: network, relayer } = asked(c) ?? {}
    if (!relayer) return notFound()
    const before = await relayer.state()
    const repair = async () => ({ after: await relayer.repair() })
    const order = { who, what: 'relayer.repair', subject: before.address, before, asked: { network } }
    const { after } = await act(audit, order, repair)
    return jsonResponse({ network, ...after })
  })
  return app
}
