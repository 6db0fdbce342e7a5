/** The settlement run as a Workflow: one instance per window, whose steps survive whatever runs them. */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers'
import type { Cause, Work } from './run.ts'

/** Some twenty minutes of a chain that cannot be read, before the run fails and the next one goes on. */
const RETRIES = {
  retries: { limit: 6, delay: '15 seconds', backoff: 'exponential' },
  timeout: '10 minutes',
} as const

export class SettlementBase<Env = unknown> extends WorkflowEntrypoint<Env, Cause> {
  readonly #work: Work

  constructor(ctx: ExecutionContext, env: Env, work: Work) {
    super(ctx, env)
    this.#work = work
  }

  override async run({ payload, instanceId }: WorkflowEvent<Cause>, step: WorkflowStep): Promise<string> {
    const { settle } = await import('./run.ts')
    const steps = {
      // The engine keeps JSON; the types of its own are too narrow for a generic step.
      do: async <Value>(name: string, work: () => Promise<Value>): Promise<Value> =>
        JSON.parse(await step.do(name, RETRIES, async () => JSON.stringify(await work()))) as Value,
      sleep: (name: string, seconds: number) => step.sleep(name, seconds * 1000),
    }
    return settle(this.#work, steps, instanceId, payload)
  }
}

/** UTC to the second, as in `20261121T000000`: the same firing of a cron has the same window. */
export function windowOf(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')
}

/** Names the run of the window of `time`. */
export function runId(time: number): string {
  return `settle-${windowOf(time)}`
}

/** Starts the run of a window, unless it was started before. */
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
    // The platform has no code to tell this by: an instance that can be got exists already.
    const status = await statusOf(workflow, id)
    if (status === null) throw fault
    return { id, started: false }
  }
}

/** What the engine says of a run, or null if it does not know it (any more). */
export async function statusOf(workflow: Workflow<Cause>, id: string): Promise<InstanceStatus | null> {
  try {
    return await (await workflow.get(id)).status()
  } catch (fault) {
    if (/not[ ._]found/i.test(String(fault))) return null
    throw fault
  }
}
