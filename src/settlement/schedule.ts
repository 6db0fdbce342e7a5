/** What each cron trigger of wrangler.toml starts. */
import type { Cause, Work } from './run.ts'
import { startRun } from './workflow.ts'

/** The nightly run. */
export const NIGHTLY = '0 0 * * *'

/** The watch on withdrawals. */
export const WATCH = '*/5 * * * *'

/**
 * Does what a firing asks for. A firing that comes twice does nothing the second time.
 * @throws RangeError for a cron that is not in the table: a trigger without work is a fault of the deployment
 */
export async function onCron(
  { cron, scheduledTime }: Pick<ScheduledController, 'cron' | 'scheduledTime'>,
  workflow: Workflow<Cause>,
  { channels }: Work,
): Promise<void> {
  switch (cron) {
    case NIGHTLY:
      await startRun(workflow, scheduledTime, 'cron')
      return
    case WATCH: {
      if (!channels) return
      const { watch } = await import('./channels/withdrawal-watch.ts')
      await watch(channels, scheduledTime)
      return
    }
    default:
      throw new RangeError(`no work for the cron "${cron}": "${NIGHTLY}" settles, "${WATCH}" watches`)
  }
}
