/** Screening over HTTP: the lists as they are stored, the decisions about an account, and the release of its hold. */
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { isHex } from '../protocol/evm/hex.ts'
import { act } from './audit.ts'
import { formOf, holdRelease } from './requests.ts'
import { jsonResponse, nextOf, notFound, numberOf, pageLimit } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import type { OperatorSettings } from './settings.ts'

const PAYER = /^eip155:[1-9][0-9]{0,15}:0x[0-9a-f]{40}$/

/** The route `/api/screening`. */
export function screeningRoutes({ screening }: OperatorSettings): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('runs.read'), async () => (screening ? jsonResponse(await screening()) : notFound()))
  return app
}

/** Routes below `/api/accounts/:id` for channels and addresses. */
export function screenedRoutes(settings: OperatorSettings): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/:id/screening', needs('money.read'), async (c) => {
    const account = accountOf(settings, c)
    if (!account) return notFound()
    const limit = pageLimit(c)
    const screenings = await account.object.screenings(numberOf(c.req.query('after'), 0), limit)
    return jsonResponse({ id: account.id, screenings, next: nextOf(screenings, limit, ({ seq }) => seq) })
  })
  app.post('/:id/release', needs('money.write'), async (c) => {
    const account = accountOf(settings, c)
    if (!account) return notFound()
    const form = await formOf(c, holdRelease)
    return form instanceof Response ? form : releaseHold(settings, actorOf(c), account, form.reason)
  })
  return app
}

type ScreenedAccount = NonNullable<ReturnType<typeof accountOf>>

/** The object of a channel, or of an address and its `exact` payments. */
function accountOf({ accounts, authorizations }: OperatorSettings, c: Context) {
  const id = (c.req.param('id') ?? '').toLowerCase()
  if (isHex(id, 32)) return { id, object: accounts.getByName(id) }
  return PAYER.test(id) ? { id, object: authorizations.getByName(id) } : null
}

/** Ends a hold. The account journals the operator and the reason, and the audit log has both too. */
async function releaseHold(
  { audit }: OperatorSettings,
  who: string,
  { id, object }: ScreenedAccount,
  reason: string,
): Promise<Response> {
  const hold = await object.hold()
  if (!hold) return notFound()
  const work = async () => ({
    after: { hold: null, released: await object.releaseHold(`${who}: ${reason}`), reason },
  })
  const subject = { who, what: 'account.release', subject: id, before: { hold }, asked: { reason } }
  const { after } = await act(audit, subject, work)
  return jsonResponse({ id, hold: after.hold, released: after.released })
}
