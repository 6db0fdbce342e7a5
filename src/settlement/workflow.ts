/** The nightly runs as a Workflow: one instance of each for every window, with durable steps. */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers'
import { windowOf } from '../platform/time.ts'
import type { Cause, RunKind, Work } from './run.ts'

/** The chain may be unreadable for about twenty minutes. Then the run fails, and the next run continues its work. */
const RETRIES = {
  retries: { limit: 6, delay: '15 seconds', backoff: 'exponential' },
  timeout: '10 minutes',
} as const

/** Runs {@link makeRun} in the steps of a Workflow. The app's subclass opens the bindings. */
export class SettlementBase<Env = unknown> extends WorkflowEntrypoint<Env, Cause> {
  readonly #work: Work

  constructor(ctx: ExecutionContext, env: Env, work: Work) {
    super(ctx, env)
    this.#work = work
  }

  override async run({ payload, instanceId }: WorkflowEvent<Cause>, step: WorkflowStep): Promise<string> {
    const { makeRun } = await import('./run.ts')
    const steps = {
      // The engine stores JSON, and its types are too narrow for a generic step.
      do: async <Value>(name: string, work: () => Promise<Value>): Promise<Value> =>
        JSON.parse(await step.do(name, RETRIES, async () => JSON.stringify(await work()))) as Value,
      sleep: (name: string, seconds: number) => step.sleep(name, seconds * 1000),
    }
    return makeRun(this.#work, steps, instanceId, payload)
  }
}

/** The runs that some work needs. */
export function runKinds({ channels, exact, bill, shadow }: Omit<Work, 'book'>): RunKind[] {
  return [
    ...(channels.length + exact.length > 0 ? ['settlement' as const] : []),
    ...(bill ? ['billing' as const] : []),
    ...(shadow ? ['shadow' as const] : []),
  ]
}

const PREFIX = { settlement: 'settle', billing: 'bill', shadow: 'shadow' } as const satisfies Record<
  RunKind,
  string
>

/** The id of a run for the window of `time` (Unix ms). */
export function runId(kind: RunKind, time: number): string {
  return `${PREFIX[kind]}-${windowOf(time)}`
}

/** A run, and whether this call has started it. */
export type Started = { id: string; started: boolean }

/**
 * Starts the runs of a window, except those that were started before. `time`: Unix ms.
 * @throws the engine's error, after it has tried to start every run
 */
export async function startRuns(
  workflow: Workflow<Cause>,
  kinds: readonly RunKind[],
  time: number,
  startedBy: Cause['startedBy'],
): Promise<Started[]> {
  const starts = await Promise.allSettled(kinds.map((kind) => startRun(workflow, kind, time, startedBy)))
  return starts.map((start) => {
    if (start.status === 'rejected') throw start.reason
    return start.value
  })
}

async function startRun(
  workflow: Workflow<Cause>,
  kind: RunKind,
  time: number,
  startedBy: Cause['startedBy'],
): Promise<Started> {
  const [id, window] = [runId(kind, time), windowOf(time)]
  try {
    await workflow.create({ id, params: { kind, window, startedBy, moment: time } })
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
