/** The entrypoint through which the lab moves its Worker. It listens on a socket of its own, with a key. */
import { WorkerEntrypoint, type WorkflowEntrypoint } from 'cloudflare:workers'
import { pendingAlarms, type VirtualAlarm } from './alarms.ts'
import type { LabBindings } from './bindings.ts'
import { clockOffset, setClock } from './clock.ts'
import { directSteps } from './steps.ts'
import { directWorkflow, type StartedRun, takeStarted } from './workflows.ts'
import type { LabObject } from './wrap.ts'

/** A production Worker’s module. */
export type Production = { default: ExportedHandler<LabBindings> } & Record<string, unknown>

/** A run of a direct night. */
export type DirectRun = { id: string; kind: string; status: string }

/** What the lab asks of its Worker. */
export type Order =
  /** Sets the clock. `rearm`: also the alarms that are due within so many milliseconds. */
  | { do: 'clock'; offsetMs: number; rearm?: number }
  /** Rings every alarm that is due. */
  | { do: 'ring' }
  /** Loads objects, so that their alarms are known after a restart. */
  | { do: 'wake'; objects: Omit<VirtualAlarm, 'at'>[] }
  /** Fires a cron. The Workflows that it starts run at once, inside the Worker. */
  | { do: 'fire'; cron: string; time: number }
  /** Waits for the end of the Workflows that the platform’s cron has started. */
  | { do: 'await' }
  | { do: 'abort'; object: Omit<VirtualAlarm, 'at'> }

/** The state of the Worker after an order. `nextAlarm`: virtual Unix milliseconds. */
export type Done = { offsetMs: number; nextAlarm: number | null; runs: DirectRun[] }

const POLL_MS = 10

let production: Production | undefined

/** The production Worker under control. */
export function control(module: Production): void {
  production = module
}

/** The entrypoint. Call {@link control} before the first request. */
export class Lab extends WorkerEntrypoint<LabBindings> {
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get('authorization') !== `Bearer ${this.env.LAB_KEY}`)
      return new Response(null, { status: 401 })
    const order = await request.json<Order>()
    const runs = await this.#follow(order)
    const [next] = pendingAlarms()
    return Response.json({ offsetMs: clockOffset(), nextAlarm: next?.at ?? null, runs } satisfies Done)
  }

  async #follow(order: Order): Promise<DirectRun[]> {
    switch (order.do) {
      case 'clock':
        setClock(order.offsetMs)
        await this.#rearm(Date.now() + (order.rearm ?? 0))
        return []
      case 'ring':
        await this.#ring()
        return []
      case 'wake':
        await Promise.all(order.objects.map((object) => this.#object(object).labRing()))
        return []
      case 'abort':
        // The call is aborted with the object.
        await this.#object(order.object)
          .labAbort()
          .catch(() => {})
        return []
      case 'fire':
        return this.#fire(order)
      case 'await':
        return Promise.all(takeStarted().map((run) => this.#ended(run)))
    }
  }

  async #ring(): Promise<void> {
    for (;;) {
      const due = pendingAlarms().filter(({ at }) => at <= Date.now())
      if (due.length === 0) return
      await Promise.all(due.map((alarm) => this.#object(alarm).labRing()))
    }
  }

  async #rearm(until: number): Promise<void> {
    const near = pendingAlarms().filter(({ at }) => at <= until)
    await Promise.all(near.map((alarm) => this.#object(alarm).labRearm()))
  }

  #object({ className, id }: Omit<VirtualAlarm, 'at'>): DurableObjectStub<LabObject> {
    const { LAB_OBJECTS, ...env } = this.env
    const binding = (JSON.parse(LAB_OBJECTS) as Record<string, string>)[className] ?? ''
    const objects = (env as unknown as Record<string, DurableObjectNamespace<LabObject>>)[binding]
    if (!objects) throw new Error(`${className} must be bound`)
    return objects.get(objects.idFromString(id))
  }

  async #fire({ cron, time }: { cron: string; time: number }): Promise<DirectRun[]> {
    const started: Promise<DirectRun>[] = []
    const start = (run: StartedRun) => void started.push(this.#run(run))
    const env = { ...this.env, SETTLEMENT: directWorkflow(start) }
    const controller = { cron, scheduledTime: time, noRetry() {} }
    await production?.default.scheduled?.(controller as ScheduledController, env, this.ctx)
    return Promise.all(started)
  }

  /** Runs the Workflow’s own class, without its engine. */
  async #run({ id, kind, params }: StartedRun): Promise<DirectRun> {
    const Settlement = production?.Settlement as new (
      ctx: ExecutionContext,
      env: LabBindings,
    ) => WorkflowEntrypoint
    const run = new Settlement(this.ctx, this.env)
    const event = { payload: params, instanceId: id, timestamp: new Date() }
    const call = [event, directSteps] as unknown as Parameters<WorkflowEntrypoint['run']>
    const status = await run.run(...call).catch((fault: unknown) => {
      console.error(`${id} has failed: ${fault}`)
      return 'failed'
    })
    return { id, kind, status: String(status) }
  }

  async #ended({ id, kind }: StartedRun): Promise<DirectRun> {
    const instance = await this.env.SETTLEMENT.get(id)
    for (;;) {
      const { status, output } = await instance.status()
      if (status === 'complete') return { id, kind, status: String(output) }
      if (status === 'errored' || status === 'terminated') return { id, kind, status: 'failed' }
      await scheduler.wait(POLL_MS)
    }
  }
}
