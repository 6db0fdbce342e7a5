/** The nightly runs over HTTP: starts them, and returns the findings and sums of runs and watches. */
import { Hono } from 'hono/tiny'
import { findRun, RUN_KINDS, RUN_ORDERS, RUN_STATUSES, runPage } from '../ledger/book/runs.ts'
import { runId, startRuns, statusOf } from '../settlement/workflow.ts'
import { act } from './audit.ts'
import { pageOfQuery, wordOf } from './list-query.ts'
import { jsonResponse, nextOf, notFound } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import type { OperatorSettings } from './settings.ts'

const RUN = /^(settle|bill|shadow|watch)-[0-9]{8}T[0-9]{6}$/

/** Routes below `/api/runs`. */
export function runRoutes(
  { book, settlement, runKinds, audit }: OperatorSettings,
  now: () => number,
): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.post('/', needs('runs.write'), async (c) => {
    // The same request a second time means the same runs: their ids are made of its time.
    const [time, startedBy] = [c.var.begunAt ?? now(), 'operator'] as const
    const start = async () => ({ after: { runs: await startRuns(settlement, runKinds, time, startedBy) } })
    const runs = runKinds.map((kind) => runId(kind, time))
    const subject = runs[0] ?? ''
    const asked = { who: actorOf(c), what: 'run.start', subject, before: null, asked: { startedBy, runs } }
    const { after } = await act(audit, asked, start)
    // `id` and `started` are those of the first run, as before billing had a run of its own.
    return jsonResponse({ ...after.runs[0], ...after }, 202)
  })
  app.get('/', needs('runs.read'), async (c) => {
    const page = pageOfQuery(c, RUN_ORDERS, { by: 'began', isDown: true })
    if (page instanceof Response) return page
    const kind = wordOf(c, 'kind', RUN_KINDS)
    if (kind instanceof Response) return kind
    const status = wordOf(c, 'status', RUN_STATUSES)
    if (status instanceof Response) return status
    const listed = await runPage(book, { kind, status }, page)
    return jsonResponse({
      runs: listed.map(({ run }) => run),
      next: nextOf(listed, page.limit, ({ place }) => place),
    })
  })
  // Both the record and the status of the Workflow can be missing: the record at first, the status once Cloudflare drops it.
  app.get('/:id', needs('runs.read'), async (c) => {
    const id = c.req.param('id')
    if (!RUN.test(id)) return notFound()
    const workflow = id.startsWith('watch-') ? null : await statusOf(settlement, id)
    const run = await findRun(book, id)
    return run || workflow ? jsonResponse({ run, workflow }) : notFound()
  })
  return app
}
