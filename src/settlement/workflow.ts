/** The settlement run as a Workflow: one instance per window, with durable steps. */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers'
import type { Cause, Work } from './run.ts'

/** The chain may be unreadable for about twenty minutes. Then the run fails, and the next run continues its work. */
const RETRIES = {
  retries: { limit: 6, delay: '15 seconds', backoff: 'exponential' },
  timeout: '10 minutes',
} as const

/** Runs {@link settle} in the steps of a Workflow. The app's subclass opens the bindings. */
export class SettlementBase<Env = unknown> extends WorkflowEntrypoint<Env, Cause> {
  readonly #work: Work

  constructor(ctx: ExecutionContext, env: Env, work: Work) {
    super(ctx, env)
    this.#work = work
  }

  override async run({ payload, instanceId }: WorkflowEvent<Cause>, step: WorkflowStep): Promise<string> {
    const { settle } = await import('./run.ts')
    const steps = {
      // The engine stores JSON, and its types are too narrow for a generic step.
      do: async <Value>(name: string, work: () => Promise<Value>): Promise<Value> =>
        JSON.parse(await step.do(name, RETRIES, async () => JSON.stringify(await work()))) as Value,
      sleep: (name: string, seconds: number) => step.sleep(name, seconds * 1000),
    }
    return settle(this.#work, steps, instanceId, payload)
  }
}

/**
 * The window of a moment (Unix ms): UTC to the second, as in `20261121T000000`. A repeated cron firing has the same
 * window.
 */
export function windowOf(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')
}

/** The id of the run for the window of `time` (Unix ms). */
export function runId(time: number): string {
  return `settle-${windowOf(time)}`
}

/** Starts the run of a window, unless it was started before. `time`: Unix ms. */
export async function startRun(
  workflow: Workflow<Cause>,
  time: number,
  startedBy: Cause['startedBy'],
): Promise<{ id: string; started: boolean }> {
  const [id, window] = [runId(time), windowOf(time)]
  try {
    await workflow.create({ id, params: { window, startedBy, moment: time } })
    return { id, started: true }
  } catch (fault) {
    // The platform gives no error code for a duplicate. If the instance can be read, it exists already.
    const status = await statusOf(workflow, id)
    if (status === null) throw fault
    return { id, started: false }
  }
}

/** The engine's status of a run; null if the engine does not have the run, or has deleted it. */
export async function statusOf(workflow: Workflow<Cause>, id: string): Promise<InstanceStatus | null> {
  try {
    return await (await workflow.get(id)).status()
  } catch (fault) {
    if (/not[ ._]found/i.test(String(fault))) return null
    throw fault
  }
}
