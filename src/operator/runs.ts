/** Settlement runs over HTTP: start one, and read what each found and moved. */
import { Hono } from 'hono'
import { findRun, runs } from '../ledger/book/runs.ts'
import { runId, startRun, statusOf } from '../settlement/workflow.ts'
import { act } from './audit.ts'
import { limitOf, notFound, write } from './response.ts'
import type { OperatorSettings } from './settings.ts'

const RUN = /^(settle|watch)-[0-9]{8}T[0-9]{6}$/

export function runRoutes(
  { book, settlement, credit }: OperatorSettings,
  now: () => number,
  who: string,
): Hono {
  const app = new Hono()
  app.post('/', async () => {
    const [time, startedBy] = [now(), 'operator'] as const
    const start = async () => ({ after: await startRun(settlement, time, startedBy) })
    const asked = { who, what: 'run.start', subject: runId(time), before: null, asked: { startedBy } }
    const { after } = await (credit ? act(credit, asked, start) : start())
    return write(after, 202)
  })
  app.get('/', async (c) => write({ runs: await runs(book, limitOf(c)) }))
  // The record and, while the engine remembers it, the state of the Workflow. A run that has just begun has no record yet.
  app.get('/:id', async (c) => {
    const id = c.req.param('id')
    if (!RUN.test(id)) return notFound()
    const workflow = id.startsWith('settle-') ? await statusOf(settlement, id) : null
    const run = await findRun(book, id)
    return run || workflow ? write({ run, workflow }) : notFound()
  })
  return app
}
