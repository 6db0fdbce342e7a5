/** Settlement runs over HTTP: starts a run, and returns the findings and sums of runs. */
import { Hono } from 'hono'
import { findRun, runs } from '../ledger/book/runs.ts'
import { runId, startRun, statusOf } from '../settlement/workflow.ts'
import { act } from './audit.ts'
import { jsonResponse, notFound, pageLimit } from './response.ts'
import type { OperatorSettings } from './settings.ts'

const RUN = /^(settle|watch)-[0-9]{8}T[0-9]{6}$/

/** Routes below `/api/runs`. `who` names the operator in the audit log. */
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
    return jsonResponse(after, 202)
  })
  app.get('/', async (c) => jsonResponse({ runs: await runs(book, pageLimit(c)) }))
  // Both the record and the status of the Workflow can be missing: the record at first, the status once Cloudflare drops it.
  app.get('/:id', async (c) => {
    const id = c.req.param('id')
    if (!RUN.test(id)) return notFound()
    const workflow = id.startsWith('settle-') ? await statusOf(settlement, id) : null
    const run = await findRun(book, id)
    return run || workflow ? jsonResponse({ run, workflow }) : notFound()
  })
  return app
}
