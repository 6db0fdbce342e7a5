/** The work of each cron trigger in wrangler.toml. */
import type { Cause, Work } from './run.ts'
import { runKinds, startRuns } from './workflow.ts'

/** The cron of the nightly runs. */
export const NIGHTLY = '0 0 * * *'

/** The cron of the withdrawal watch. */
export const WATCH = '*/5 * * * *'

/**
 * Does the work of one firing. A repeated firing changes nothing.
 * @throws RangeError unless the cron is one of the two: a trigger without work is a mistake in the deployment
 */
export async function onCron(
  { cron, scheduledTime }: Pick<ScheduledController, 'cron' | 'scheduledTime'>,
  workflow: Workflow<Cause>,
  work: Work,
): Promise<void> {
  switch (cron) {
    case NIGHTLY:
      await startRuns(workflow, runKinds(work), scheduledTime, 'cron')
      return
    case WATCH: {
      const { watchAll } = await import('./channels/withdrawal-watch.ts')
      await watchAll(work.channels, scheduledTime)
      return
    }
    default:
      throw new RangeError(`the cron trigger must be "${NIGHTLY}" (settles) or "${WATCH}" (watches)`)
  }
}
