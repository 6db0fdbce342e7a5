/** The relayer over HTTP: the state of its key's nonces, and their repair. */
import { Hono } from 'hono/tiny'
import { act } from './audit.ts'
import { jsonResponse, notFound } from './response.ts'
import type { OperatorSettings } from './settings.ts'

/** Routes below `/api/relayer`. `who` names the operator in the audit log. */
export function relayerRoutes({ relayer, audit }: OperatorSettings, who: string): Hono {
  const app = new Hono()
  app.get('/', async () => (relayer ? jsonResponse(await relayer.state()) : notFound()))
  app.post('/repair', async () => {
    if (!relayer) return notFound()
    const before = await relayer.state()
    const repair = async () => ({ after: await relayer.repair() })
    const asked = { who, what: 'relayer.repair', subject: before.address, before, asked: {} }
    const { after } = await act(audit, asked, repair)
    return jsonResponse(after)
  })
  return app
}
