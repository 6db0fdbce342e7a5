/** The audit log: each action with its actor, its subject, and the states before and after. Entries are never changed. */
import { Hono } from 'hono/tiny'
import { type Act, REGISTRY } from '../ledger/credit/agent.ts'
import { writeJson } from '../platform/json.ts'
import { jsonResponse, nextOf, numberOf, pageLimit } from './response.ts'
import type { CreditSettings } from './settings.ts'

type Noted = Pick<Act, 'who' | 'what' | 'subject'> & { before: object | null; after: object | null }

/** Routes below `/api/audit`. */
export function auditRoutes({ agents }: CreditSettings): Hono {
  const app = new Hono()
  app.get('/', async (c) => {
    const limit = pageLimit(c)
    const acts = await agents.getByName(REGISTRY).acts(numberOf(c.req.query('after'), 0), limit)
    return jsonResponse({ acts: acts.map(actView), next: nextOf(acts, limit, ({ seq }) => seq) })
  })
  return app
}

/**
 * Runs an operator's action between two entries of the audit log: `….asked` before it, the result after it.
 *
 * If the second entry is missing, the Worker stopped in between and the outcome is unknown. The registry logs actions on agents
 * itself, in their own transaction.
 * @throws when the log cannot be written, or when `work` throws
 */
export async function act<Done extends { after: object }>(
  credit: CreditSettings,
  { asked, ...what }: Omit<Noted, 'after'> & { asked: object },
  work: () => Promise<Done>,
): Promise<Done> {
  await note(credit, { ...what, what: `${what.what}.asked`, after: asked })
  const done = await work()
  await note(credit, { ...what, after: done.after })
  return done
}

async function note({ agents }: CreditSettings, { before, after, ...act }: Noted): Promise<void> {
  await agents
    .getByName(REGISTRY)
    .note({ ...act, before: before && writeJson(before), after: after && writeJson(after) })
}

function actView({ before, after, ...act }: Act) {
  return { ...act, before: readState(before), after: readState(after) }
}

function readState(text: string | null): unknown {
  return text === null ? null : JSON.parse(text)
}
