/** The nightly run at any date: the cron fires with the time of that midnight, and the run uses it as the present. */
import { DAY_MS } from '../../platform/time.ts'
import type { StackFacts } from '../../testing/stack/stack.ts'
import type { OperatorClient, RunView } from './clients.ts'

const RUN_TIMEOUT_MS = 60_000
const POLL_MS = 50

/** The midnight (UTC) that ends the day. Both times are in Unix milliseconds. */
export function nextMidnight(now: number): number {
  return (Math.floor(now / DAY_MS) + 1) * DAY_MS
}

/**
 * Fires the nightly cron for a midnight (Unix milliseconds) and returns the run when it has ended.
 * @throws if the run takes longer than a minute
 */
export async function runNightly(
  { scheduled }: StackFacts,
  operator: OperatorClient,
  midnight: number,
): Promise<RunView> {
  const fired = await fetch(`${scheduled}&time=${midnight}`)
  if (!fired.ok) throw new Error(`the cron returned ${fired.status} ${await fired.text()}`)
  const id = `settle-${new Date(midnight).toISOString().slice(0, 19).replace(/[-:]/g, '')}`
  for (const began = performance.now(); performance.now() - began < RUN_TIMEOUT_MS; ) {
    const run = (await operator.runs()).find((one) => one.id === id)
    if (run && run.status !== 'running') return run
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
  throw new Error(`the run ${id} must end within ${RUN_TIMEOUT_MS} ms`)
}
