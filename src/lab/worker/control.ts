/** The entrypoint through which the lab moves its Worker. It listens on a socket of its own, with a key. */
import { WorkerEntrypoint, type WorkflowEntrypoint } from 'cloudflare:workers'
import { pendingAlarms, type VirtualAlarm } from './alarms.ts'
import type { LabBindings } from './bindings.ts'
import { clockOffset, setClock } from './clock.ts'
import { type BookFault, setBookFault } from './faulty-book.ts'
import { groupedBook } from './grouped-book.ts'
import { catchUpNode, moveNode, shortCalls, shortenNode } from './node.ts'
import { directSteps } from './steps.ts'
import { directWorkflow, type StartedRun, takeStarted } from './workflows.ts'
import { type LabObject, labEnv } from './wrap.ts'

/** A production Worker’s module. */
type Production = { default: ExportedHandler<LabBindings> } & Record<string, unknown>

/** A run of a direct night. */
type DirectRun = { id: string; kind: string; status: string }

/** The orders of the lab to its Worker. */
export type LabOrder =
  /** Sets the clock. */
  | { do: 'clock'; offsetMs: number }
  /**
   * Jumps to `to`, in virtual Unix milliseconds, with the chain. Alarms on the way ring at their times. Then fires a cron if one is
   * given, and rings again. Its Workflows run at once.
   */
  | { do: 'pass'; to: number; fire?: { cron: string; time: number } }
  /** Loads objects, so that their alarms are known after a restart. */
  | { do: 'wake'; objects: Omit<VirtualAlarm, 'at'>[] }
  /** Changes nothing: the result has the meters. */
  | { do: 'meters' }
  /** Waits for the end of the Workflows that the platform’s cron has started. */
  | { do: 'await' }
  /** Aborts an object, with what it has not stored yet. */
  | { do: 'abort'; className: string; name: string }
  /** Sets the fault of D1, or ends it. `times`: how many queries it meets; null for all. */
  | { do: 'd1'; fault: BookFault | null; times: number | null }
  /** Opens the short way to the node; null closes it. */
  | { do: 'node'; url: string | null }

/**
 * The state of the Worker after an order. `shortCalls`: of the node, since the Worker started, without those that went through
 * the proxy.
 */
export type OrderResult = {
  offsetMs: number
  runs: DirectRun[]
  shortCalls: number
}

const POLL_MS = 10
const NEAR_MS = 600_000
/** Alarms this close to each other ring at once: the platform’s may be late, too. */
const TOGETHER_MS = 1_000

/** The bindings of direct nights that have ended. The Worker keeps its config by its bindings, so later nights have the same. */
const idle: LabBindings[] = []

let production: Production | undefined

/** The production Worker under control. */
export function control(module: Production): void {
  production = module
}

/** The entrypoint that moves the Worker. Call {@link control} before the first request. */
export class LabControl extends WorkerEntrypoint<LabBindings> {
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get('authorization') !== `Bearer ${this.env.LAB_KEY}`)
      return new Response(null, { status: 401 })
    const order = await request.json<LabOrder>()
    const runs = await this.#follow(order)
    return Response.json({ offsetMs: clockOffset(), runs, shortCalls: shortCalls() } satisfies OrderResult)
  }

  async #follow(order: LabOrder): Promise<DirectRun[]> {
    switch (order.do) {
      case 'clock':
        setClock(order.offsetMs)
        return []
      case 'pass':
        return this.#pass(order)
      case 'wake':
        await Promise.all(order.objects.map((object) => this.#object(object).labRing()))
        return []
      case 'abort':
        await this.#abort(order)
        return []
      case 'd1':
        setBookFault(order.fault, order.times)
        return []
      case 'node':
        shortenNode(order.url)
        return []
      case 'meters':
        return []
      case 'await':
        return Promise.all(takeStarted().map((run) => this.#ended(run)))
    }
  }

  async #pass({ to, fire }: LabOrder & { do: 'pass' }): Promise<DirectRun[]> {
    await this.#walk(to)
    const offsetMs = clockOffset()
    const runs = fire ? await this.#fire(fire) : []
    await this.#ring()
    // Steps that sleep have moved the clock.
    if (clockOffset() > offsetMs) await moveNode()
    await catchUpNode()
    // An alarm that is due soon rings in the runtime, as real time passes.
    const near = pendingAlarms().filter(({ at }) => at <= Date.now() + NEAR_MS)
    await Promise.all(near.map((alarm) => this.#object(alarm).labRearm()))
    return runs
  }

  /** Jumps from alarm to alarm. */
  async #walk(to: number): Promise<void> {
    for (;;) {
      const [next] = pendingAlarms()
      const at = Math.min(to, next ? next.at + TOGETHER_MS : to)
      setClock(clockOffset() + Math.max(at - Date.now(), 0))
      await moveNode()
      await this.#ring()
      if (at === to) return
    }
  }

  async #ring(): Promise<void> {
    for (;;) {
      const due = pendingAlarms().filter(({ at }) => at <= Date.now())
      if (due.length === 0) return
      await Promise.all(due.map((alarm) => this.#object(alarm).labRing()))
    }
  }

  /** The call is aborted with the object. */
  async #abort({ className, name }: LabOrder & { do: 'abort' }): Promise<void> {
    await this.#objects(className)
      .getByName(name)
      .labAbort()
      .catch(() => {})
  }

  #object({ className, id }: Omit<VirtualAlarm, 'at'>): DurableObjectStub<LabObject> {
    const objects = this.#objects(className)
    return objects.get(objects.idFromString(id))
  }

  #objects(className: string): DurableObjectNamespace<LabObject> {
    const { LAB_OBJECTS, ...env } = this.env
    const binding = (JSON.parse(LAB_OBJECTS) as Record<string, string>)[className] ?? ''
    const objects = (env as unknown as Record<string, DurableObjectNamespace<LabObject>>)[binding]
    if (!objects) throw new Error(`${className} must be bound`)
    return objects
  }

  async #fire({ cron, time }: { cron: string; time: number }): Promise<DirectRun[]> {
    const started: Promise<DirectRun>[] = []
    const bound = labEnv(this.env)
    const env = idle.pop() ?? { ...bound, BOOK: groupedBook(bound.BOOK) }
    env.SETTLEMENT = directWorkflow((run: StartedRun) => void started.push(this.#run(run, env)))
    const controller = { cron, scheduledTime: time, noRetry() {} }
    try {
      await production?.default.scheduled?.(controller as ScheduledController, env, this.ctx)
    } catch (fault) {
      // The platform notes it and goes on. The runs that have started go on too.
      console.error(`the cron ${cron} has failed: ${fault}`)
    }
    const runs = await Promise.all(started)
    idle.push(env)
    return runs
  }

  /** Runs the Workflow’s own class, without its engine. */
  async #run({ id, kind, params }: StartedRun, env: LabBindings): Promise<DirectRun> {
    const Settlement = production?.Settlement as new (
      ctx: ExecutionContext,
      env: LabBindings,
    ) => WorkflowEntrypoint
    const run = new Settlement(this.ctx, env)
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
