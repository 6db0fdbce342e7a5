/** Rebuilds the read model from the objects: the operator names them by their ids, since no table here is complete. */
import { Hono } from 'hono/tiny'
import type * as v from 'valibot'
import { projectNews } from '../billing/project.ts'
import { KIND, project } from '../ledger/book/accounts.ts'
import type { Reported, Unreported } from '../ledger/figures/report.ts'
import { mapConcurrently } from '../platform/pool.ts'
import { networkOfChannel } from '../protocol/evm/eip712.ts'
import { act } from './audit.ts'
import { formOf, invalidObject, rebuild } from './requests.ts'
import { invalid, jsonResponse, notFound } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import type { OperatorSettings } from './settings.ts'

type Form = v.InferOutput<typeof rebuild>

/** The number of objects by outcome. `silent`: the object or D1 did not respond; send the same request again. */
type Rebuilt = { listed: number; empty: number; silent: number }

/** Writes one object into the read model. Returns whether it holds an account. */
type Write = (id: string) => Promise<boolean>

/** Routes below `/api/book`. `now` in Unix milliseconds. */
export function bookRoutes(settings: OperatorSettings, now: () => number): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.post('/', needs('runs.write'), async (c) => {
    const form = await formOf(c, rebuild)
    if (form instanceof Response) return form
    const write = writerOf(settings, form.kind, now)
    if (!write) return notFound()
    if (!form.objects.every((id) => isObjectOf(settings, form.kind, id))) return invalid([invalidObject])
    const work = async () => ({ after: await rebuildAll(form, write) })
    const { length: objects } = form.objects
    const asked = {
      who: actorOf(c),
      what: 'book.rebuild',
      subject: form.kind,
      before: null,
      asked: { objects },
    }
    const { after } = await act(settings.audit, asked, work)
    return jsonResponse(after)
  })
  return app
}

async function rebuildAll({ objects }: Form, write: Write): Promise<Rebuilt> {
  const outcomes = await mapConcurrently<string, keyof Rebuilt>(
    objects,
    async (id) => ((await write(id)) ? 'listed' : 'empty'),
    () => 'silent',
  )
  const count = (outcome: keyof Rebuilt) => outcomes.filter((each) => each === outcome).length
  return { listed: count('listed'), empty: count('empty'), silent: count('silent') }
}

/** Null for credit on a site without it. */
function writerOf(settings: OperatorSettings, kind: Form['kind'], now: () => number): Write | null {
  const { book, accounts, authorizations, credit } = settings
  switch (kind) {
    case KIND.channel:
      return async (id) => {
        const account = accounts.get(accounts.idFromString(id))
        const standing = await account.list()
        if (!standing) return false
        const { channelId, config, authorized, charged, redeemed, quarantine, state } = standing
        const network = networkOfChannel(channelId, config)
        const row = {
          id: channelId,
          network,
          authorized,
          charged,
          redeemed,
          ceiling: state.balance,
          quarantine,
        }
        await project(book, [row], now())
        written(await account.report())
        return true
      }
    case KIND.exact:
      return async (id) => {
        const payer = authorizations.get(authorizations.idFromString(id))
        const isPayer = (await payer.list()) !== null
        written(await payer.report())
        return isPayer
      }
    case KIND.credit:
      return (
        (credit &&
          (async (id) => {
            const line = credit.lines.get(credit.lines.idFromString(id))
            if (!(await line.list())) return false
            await projectNews(book, [await line.news(0)], now())
            written(await line.report())
            return true
          })) ??
        null
      )
  }
}

/** @throws for an account whose figures D1 does not have */
function written(report: Reported | Unreported | null): void {
  if (report && 'fault' in report) throw new Error(report.fault)
}

/** An id belongs to one class: the runtime rejects that of another. */
function isObjectOf({ accounts, authorizations, credit }: OperatorSettings, kind: Form['kind'], id: string) {
  const namespace = { channel: accounts, exact: authorizations, credit: credit?.lines }[kind]
  try {
    namespace?.idFromString(id)
    return true
  } catch (cause) {
    if (cause instanceof TypeError) return false
    throw cause
  }
}
