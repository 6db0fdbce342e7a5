/** The nightly runs at any date: the cron fires with the time of that midnight, and the runs use it as the present. */
import { DAY_MS } from '../../platform/time.ts'
import type { StackFacts } from '../../testing/stack/stack.ts'
import type { OperatorClient, RunView } from './clients.ts'

const RUN_TIMEOUT_MS = 60_000
const POLL_MS = 50

/** The midnight (UTC) that ends the day. Both times are in Unix milliseconds. */
export function nextMidnight(now: number): number {
  return (Math.floor(now / DAY_MS) + 1) * DAY_MS
}

/** The first midnight (Unix milliseconds) that no run of a stack has had yet. */
export async function freeMidnight(operator: OperatorClient, now: number): Promise<number> {
  const had = (await operator.runs()).map(({ id }) => midnightOf(id))
  return Math.max(nextMidnight(now), ...had.map((at) => at + DAY_MS))
}

/** The midnight (Unix ms) in the id of a run, such as `settle-20261128T000000`; 0 for a run of another kind. */
function midnightOf(id: string): number {
  const [, year, month, day] = /-(\d{4})(\d\d)(\d\d)T000000$/.exec(id) ?? []
  return year === undefined ? 0 : Date.parse(`${year}-${month}-${day}T00:00:00Z`)
}

/** The two runs of one midnight. */
export type Night = { settlement: RunView; billing: RunView }

/**
 * Fires the nightly cron for a midnight (Unix milliseconds) and returns both runs when they have ended.
 * @throws if a run takes longer than a minute
 */
export async function runNightly(
  { scheduled }: StackFacts,
  operator: OperatorClient,
  midnight: number,
): Promise<Night> {
  const fired = await fetch(`${scheduled}&time=${midnight}`)
  if (!fired.ok) throw new Error(`the cron returned ${fired.status} ${await fired.text()}`)
  const window = new Date(midnight).toISOString().slice(0, 19).replace(/[-:]/g, '')
  const [settlement, billing] = await Promise.all([
    ended(operator, `settle-${window}`),
    ended(operator, `bill-${window}`),
  ])
  return { settlement, billing }
}

async function ended(operator: OperatorClient, id: string): Promise<RunView> {
  for (const began = performance.now(); performance.now() - began < RUN_TIMEOUT_MS; ) {
    const run = (await operator.runs()).find((one) => one.id === id)
    if (run && run.status !== 'running') return run
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
  throw new Error(`the run ${id} must end within ${RUN_TIMEOUT_MS} ms`)
}
