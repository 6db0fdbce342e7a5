/** The audit log: each action with its actor, its subject, and the states before and after. Entries are never changed. */
import type { MiddlewareHandler } from 'hono'
import { Hono } from 'hono/tiny'
import type { Act, AuditLog } from '../ledger/act.ts'
import { writeJson } from '../platform/json.ts'
import { filterText } from './list-query.ts'
import { jsonResponse, nextOf, numberOf, pageLimit } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'

type Noted = Pick<Act, 'who' | 'what' | 'subject'> & { before: object | null; after: object | null }

/** Routes below `/api/audit`. */
export function auditRoutes(audit: Pick<AuditLog, 'acts' | 'search'>): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('audit.read'), async (c) => {
    const limit = pageLimit(c)
    const [after, who, subject, what] = [
      numberOf(c.req.query('after'), 0),
      filterText(c, 'who'),
      filterText(c, 'subject'),
      filterText(c, 'what'),
    ]
    const isOldestFirst =
      c.req.query('sort') !== '-act' && [who, subject, what].every((one) => one === undefined)
    const acts = await (isOldestFirst
      ? audit.acts(after, limit)
      : audit.search({ who, subject, what }, after, limit))
    return jsonResponse({ acts: acts.map(actView), next: nextOf(acts, limit, ({ seq }) => seq) })
  })
  return app
}

/** Notes who has downloaded what, before the first byte leaves. */
export function notedExports(audit: AuditLog): MiddlewareHandler<OperatorEnv> {
  return async (c, next) => {
    await next()
    if (!c.res.headers.get('content-disposition')?.startsWith('attachment')) return
    // The console's requests have no `/_tab402/api` before their path.
    const subject = c.req.path.replace(/^\/_tab402\/api(?=\/)/, '')
    const after = { query: new URL(c.req.url).search }
    await note(audit, { who: actorOf(c), what: 'export', subject, before: null, after })
  }
}

/**
 * Runs an operator's action between two entries of the audit log: `….asked` before it, the result after it.
 *
 * If the second entry is missing, the Worker stopped in between and the outcome is unknown. A registry logs changes of its own
 * records itself, in their own transaction. Without `audit` nothing is logged.
 * @throws when the log cannot be written, or when `work` throws
 */
export async function act<Done extends { after: object }>(
  audit: AuditLog | undefined,
  { asked, ...what }: Omit<Noted, 'after'> & { asked: object },
  work: () => Promise<Done>,
): Promise<Done> {
  if (!audit) return work()
  await note(audit, { ...what, what: `${what.what}.asked`, after: asked })
  const done = await work()
  await note(audit, { ...what, after: done.after })
  return done
}

async function note(audit: AuditLog, { before, after, ...act }: Noted): Promise<void> {
  await audit.note({ ...act, before: before && writeJson(before), after: after && writeJson(after) })
}

function actView({ before, after, ...act }: Act) {
  return { ...act, before: readState(before), after: readState(after) }
}

function readState(text: string | null): unknown {
  return text === null ? null : JSON.parse(text)
}
