/** The audit log: who did what to what, when, with how it was before and afterwards. It is only ever added to. */
import { Hono } from 'hono'
import { type Act, REGISTRY } from '../ledger/credit/agents.ts'
import { writeJson } from '../platform/json.ts'
import { jsonResponse, limitOf, nextOf, numberOf } from './response.ts'
import type { CreditSettings } from './settings.ts'

type Noted = Pick<Act, 'who' | 'what' | 'subject'> & { before: object | null; after: object | null }

export function auditRoutes({ agents }: CreditSettings): Hono {
  const app = new Hono()
  app.get('/', async (c) => {
    const limit = limitOf(c)
    const acts = await agents.getByName(REGISTRY).acts(numberOf(c.req.query('after'), 0), limit)
    return jsonResponse({ acts: acts.map(actView), next: nextOf(acts, limit, ({ seq }) => seq) })
  })
  return app
}

/**
 * Does what an operator asks for. It is noted before it is done, as `….asked`, and afterwards with what came of it: an act that
 * dies in between has its trace, and what it asked for may have happened or not. Acts on agents are noted by the registry, in
 * the transaction that does them.
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
